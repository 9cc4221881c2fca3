internal import CLibgit2
internal import ForgeModel

/// What a person calls a commit, being looked up in an open repository.
struct Revision {
    private let name: String?
    private let handle: OpaquePointer
    private let path: String

    init(_ name: String?, in handle: OpaquePointer, path: String) {
        self.name = name
        self.handle = handle
        self.path = path
    }

    func commit() throws -> ObjectID {
        let object = try find()
        defer { git_object_free(object) }
        var commit: OpaquePointer?
        let kind = git_object_type2string(git_object_type(object)).map { String(cString: $0) } ?? "object"
        guard git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0, let commit else {
            throw ForgeError(.usage, "source.unknown-commit", "`\(name ?? "HEAD")` is a \(kind), not a commit", hint: hint)
        }
        defer { git_object_free(commit) }
        guard let id = git_object_id(commit)?.pointee else { throw unknown(nil) }
        return ObjectID(id)
    }

    private func find() throws -> OpaquePointer {
        var object: OpaquePointer?
        do {
            try Libgit2.check(git_revparse_single(&object, handle, name ?? "HEAD"))
        } catch {
            if error.code == GIT_EAMBIGUOUS { throw ambiguous(error) }
            if name == nil && git_repository_head_unborn(handle) == 1 {
                throw ForgeError(.usage, "source.no-commits", "the repository `\(path)` has no commit yet", hint: "commit something first")
            }
            // A clone knows most branches only as the remote's.
            guard let name, git_revparse_single(&object, handle, "refs/remotes/origin/\(name)") == 0 else { throw unknown(error) }
        }
        guard let object else { throw unknown(nil) }
        return object
    }

    private func ambiguous(_ failure: GitFailure) -> ForgeError {
        ForgeError(
            .usage, "source.ambiguous-commit", "several objects of `\(path)` begin with `\(name ?? "")`", hint: "write more digits",
            cause: failure)
    }

    private func unknown(_ failure: GitFailure?) -> ForgeError {
        ForgeError(.usage, "source.unknown-commit", "no commit `\(name ?? "HEAD")` in the repository `\(path)`", hint: hint, cause: failure)
    }

    private var hint: String {
        git_repository_is_shallow(handle) == 1
            ? "the repository is a shallow clone: `git fetch --unshallow` brings the rest"
            : "name a branch, a tag or a commit that `git log --all` shows"
    }
}
