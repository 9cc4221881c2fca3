internal import CLibgit2
internal import ForgeModel

/// What git would leave out of a directory, and what it tracks in it. For one thread.
final class IgnoreRules {
    /// Whether a repository stands behind the rules; otherwise only `.gitignore` files do.
    let isRepository: Bool
    let head: String?
    private let handle: OpaquePointer
    private let index: OpaquePointer?
    private let prefix: RelativePath

    private init(handle: OpaquePointer, index: OpaquePointer?, prefix: RelativePath, head: String?) {
        self.handle = handle
        self.index = index
        self.prefix = prefix
        self.head = head
        isRepository = index != nil
    }

    deinit {
        git_index_free(index)
        git_repository_free(handle)
    }

    /// - Parameter directory: absolute, without links.
    static func of(_ directory: String) throws -> IgnoreRules {
        do {
            guard let repository = try GitRepository.holding(directory) else { return try withoutRepository(directory) }
            guard repository.workTree != nil else {
                throw ForgeError(
                    .usage, "source.bare", "`\(directory)` is a repository without a work tree", hint: "name a commit with `--commit`")
            }
            let rules = try inside(repository)
            // A folder that the repository around it ignores is not part of that repository.
            let prefix = repository.prefix
            if !prefix.isRoot, try rules.ignores(.root, isDirectory: true), !rules.tracksAnything(below: .root) {
                return try withoutRepository(directory)
            }
            try rules.refuseSubmodules()
            return rules
        } catch let failure as GitFailure {
            throw ForgeError(.usage, "source.unreadable-repository", "cannot read the repository of `\(directory)`", cause: failure)
        }
    }

    private static func inside(_ repository: GitRepository) throws -> IgnoreRules {
        var handle: OpaquePointer?
        try Libgit2.check(git_repository_open(&handle, repository.pool.path))
        guard let handle else { throw GitFailure(code: GIT_ERROR, message: "no repository") }
        var index: OpaquePointer?
        do { try Libgit2.check(git_repository_index(&index, handle)) } catch {
            git_repository_free(handle)
            throw error
        }
        return IgnoreRules(handle: handle, index: index, prefix: repository.prefix, head: try repository.head())
    }

    /// A repository in memory whose work tree is the directory: nothing is written anywhere.
    private static func withoutRepository(_ directory: String) throws -> IgnoreRules {
        Libgit2.start()
        var handle: OpaquePointer?
        try Libgit2.check(git_repository_new(&handle))
        guard let handle else { throw GitFailure(code: GIT_ERROR, message: "no repository") }
        let rules = IgnoreRules(handle: handle, index: nil, prefix: .root, head: nil)
        try Libgit2.check(git_repository_set_workdir(handle, directory, 0))
        return rules
    }

    /// Whether a question can have an answer other than no. Without a repository only `.gitignore` files ignore.
    func mayIgnore(_ hasRules: Bool) -> Bool { isRepository || hasRules }

    func ignores(_ path: RelativePath, isDirectory: Bool) throws -> Bool {
        var ignored: Int32 = 0
        // The slash tells libgit2 that it is a folder, which saves it a look.
        let name = prefix.appending(path).string + (isDirectory ? "/" : "")
        try Libgit2.check(git_ignore_path_is_ignored(&ignored, handle, name))
        return ignored != 0
    }

    func tracks(_ path: RelativePath) -> Bool {
        guard let index else { return false }
        return git_index_get_bypath(index, prefix.appending(path).string, 0) != nil
    }

    func tracksAnything(below path: RelativePath) -> Bool {
        guard let index else { return false }
        let whole = prefix.appending(path)
        return whole.isRoot ? git_index_entrycount(index) > 0 : git_index_find_prefix(nil, index, whole.string + "/") == 0
    }

    private func refuseSubmodules() throws {
        guard let index else { return }
        for number in 0..<git_index_entrycount(index) {
            guard let entry = git_index_get_byindex(index, number)?.pointee, entry.mode == GIT_FILEMODE_COMMIT.rawValue,
                let name = entry.path, let path = try RelativePath(parsing: String(cString: name)).relative(to: prefix)
            else { continue }
            throw Listing.submodule(path)
        }
    }
}
