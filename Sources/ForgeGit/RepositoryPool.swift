internal import CLibgit2
internal import Synchronization

/// Handles of one repository. A libgit2 handle serves one thread at a time: whoever asks gets an idle one or a new one.
final class RepositoryPool: Sendable {
    /// Of the `.git` folder or the bare repository.
    let path: String
    /// Pointers to `git_repository`, as numbers because pointers may not cross threads unseen.
    private let idle = Mutex<[UInt]>([])

    init(path: String) { self.path = path }

    deinit {
        for handle in idle.withLock({ $0 }) { git_repository_free(OpaquePointer(bitPattern: handle)) }
    }

    /// Runs `body` with a handle that nobody else has. Blocks.
    func with<Value>(_ body: (OpaquePointer) throws -> Value) throws -> Value {
        let handle = try take()
        defer { idle.withLock { $0.append(UInt(bitPattern: handle)) } }
        return try body(handle)
    }

    private func take() throws -> OpaquePointer {
        if let handle = idle.withLock({ $0.popLast() }), let pointer = OpaquePointer(bitPattern: handle) { return pointer }
        Libgit2.start()
        var handle: OpaquePointer?
        try Libgit2.check(git_repository_open(&handle, path))
        guard let handle else { throw GitFailure(code: GIT_ERROR, message: "no repository at \(path)") }
        return handle
    }
}
