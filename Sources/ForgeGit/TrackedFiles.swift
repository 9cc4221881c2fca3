internal import CLibgit2
internal import ForgeModel

/// What git's index names below a folder of the work tree. For one thread.
final class TrackedFiles {
    private let handle: OpaquePointer
    private let index: OpaquePointer
    private let prefix: RelativePath

    init(of repository: GitRepository) throws {
        Libgit2.start()
        var handle: OpaquePointer?
        try Libgit2.check(git_repository_open(&handle, repository.pool.path))
        guard let handle else { throw GitFailure(code: GIT_ERROR, message: "no repository") }
        var index: OpaquePointer?
        do {
            try Libgit2.check(git_repository_index(&index, handle))
            guard let index else { throw GitFailure(code: GIT_ERROR, message: "no index") }
            (self.handle, self.index, prefix) = (handle, index, repository.prefix)
        } catch {
            git_repository_free(handle)
            throw error
        }
    }

    deinit {
        git_index_free(index)
        git_repository_free(handle)
    }

    func contains(_ path: RelativePath) -> Bool { git_index_get_bypath(index, prefix.appending(path).string, 0) != nil }

    func containsAnything(below path: RelativePath) -> Bool {
        let whole = prefix.appending(path)
        return whole.isRoot ? git_index_entrycount(index) > 0 : git_index_find_prefix(nil, index, whole.string + "/") == 0
    }

    /// Those below the folder, as `file` tells of them.
    func submodules(_ file: SubmoduleFile) throws -> [Submodule] {
        var submodules: [Submodule] = []
        for number in 0..<git_index_entrycount(index) {
            guard let entry = git_index_get_byindex(index, number)?.pointee, entry.mode == GIT_FILEMODE_COMMIT.rawValue,
                let name = entry.path, let path = try RelativePath(parsing: String(cString: name)).relative(to: prefix)
            else { continue }
            submodules.append(file.submodule(at: path, below: prefix, commit: ObjectID(entry.id)))
        }
        return submodules.sorted { $0.path < $1.path }
    }
}
