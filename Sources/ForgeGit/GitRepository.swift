internal import CLibgit2
package import ForgeModel
internal import ForgeSystem

/// Where a repository on this machine lies.
package struct GitRepository: Sendable {
    let pool: RepositoryPool
    /// The `.git` folder that all work trees of the repository share.
    let commonFolder: String
    /// Absolute path of the work tree, without links; nil for a bare repository.
    package let workTree: String?
    /// Where the folder asked about lies below the work tree.
    package let prefix: RelativePath

    /// The files outside the folder asked about that say what in it is part of a source.
    var ruleFiles: [String] {
        var files = [pool.path + "/index", commonFolder + "/info/exclude", commonFolder + "/config"]
        var folder = workTree ?? ""
        for name in prefix.components {
            files.append(folder + "/.gitignore")
            folder += "/" + name
        }
        return files
    }

    /// Whether `path` itself (not a folder above it) is a repository: a work tree's root or a bare one. Blocks.
    package static func isRepository(_ path: String) -> Bool {
        Libgit2.start()
        var handle: OpaquePointer?
        defer { git_repository_free(handle) }
        let result = git_repository_open_ext(&handle, path, UInt32(GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue), nil)
        // Somebody else's is one too; opening it says what is wrong.
        return result == 0 || result == GIT_EOWNER.rawValue
    }

    /// The repository that holds the existing folder `path`; nil when there is none. Blocks.
    /// - Throws: `source.owner` when it belongs to somebody else, `source.unreadable-repository`
    package static func holding(_ path: String) throws -> GitRepository? {
        Libgit2.start()
        var opened: OpaquePointer?
        do { try Libgit2.check(git_repository_open_ext(&opened, path, 0, nil)) } catch {
            if error.isNotFound { return nil }
            throw refusal(path, error)
        }
        defer { git_repository_free(opened) }
        guard let opened, let gitPath = git_repository_path(opened), let common = git_repository_commondir(opened) else { return nil }
        let pool = RepositoryPool(path: String(cString: gitPath))
        let commonFolder = String(cString: common)
        guard git_repository_is_bare(opened) == 0, let root = git_repository_workdir(opened),
            let workTree = try Files.resolved(String(cString: root)), let real = try Files.resolved(path),
            real == workTree || real.hasPrefix(workTree == "/" ? "/" : workTree + "/")
        else { return GitRepository(pool: pool, commonFolder: commonFolder, workTree: nil, prefix: .root) }
        let rest = real.utf8.dropFirst(workTree.utf8.count).drop { $0 == UInt8(ascii: "/") }
        let prefix = try RelativePath(parsing: String(decoding: rest, as: UTF8.self))
        return GitRepository(pool: pool, commonFolder: commonFolder, workTree: workTree, prefix: prefix)
    }

    /// The full id of the commit that `HEAD` names; nil before the first commit.
    package func head() throws -> String? {
        try pool.with { handle in
            var id = git_oid()
            let result = git_reference_name_to_id(&id, handle, "HEAD")
            return result == 0 ? ObjectID(id).hex : nil
        }
    }

    private static func refusal(_ path: String, _ failure: GitFailure) -> ForgeError {
        if failure.code == GIT_EOWNER {
            return ForgeError(
                .usage, "source.owner", "the repository at `\(path)` belongs to another user",
                hint: "run as its owner, or change the owner of the folder and its `.git`", cause: failure)
        }
        return ForgeError(.usage, "source.unreadable-repository", "cannot read the repository at `\(path)`", cause: failure)
    }
}

/// The name of a git object.
struct ObjectID: Hashable, Sendable {
    let hex: String

    init(_ id: git_oid) {
        var id = id
        var text = [CChar](repeating: 0, count: 41)
        git_oid_tostr(&text, text.count, &id)
        hex = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Nil unless `hex` is forty hexadecimal digits, the lower-case ones.
    init?(hex: String) {
        guard hex.utf8.count == 40, hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return nil }
        self.hex = hex
    }

    /// As libgit2 wants it.
    func raw() throws(GitFailure) -> git_oid {
        var id = git_oid()
        try Libgit2.check(git_oid_fromstr(&id, hex))
        return id
    }
}
