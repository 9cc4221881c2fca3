internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// One execution of an action at a time on this machine: whoever comes second waits and then finds the first one's result.
///
/// A flight is a locked file in the store; a process that dies lets go of it.
struct ActionFlight: Sendable {
    private static let shortestPause = Duration.milliseconds(5)
    private static let longestPause = Duration.milliseconds(100)

    private let lock: FileLock
    private let path: String

    /// Waits for the turn to execute `action`; `waiting` is called once when somebody else has it. Cancelling ends the wait.
    static func begin(_ action: Digest, in store: Store, waiting: () -> Void) async throws -> ActionFlight {
        let path = store.flights + "/" + action.hex
        var pause = shortestPause
        var told = false
        while true {
            if let lock = try await BlockingPool.run({ try attempt(path) }) { return ActionFlight(lock: lock, path: path) }
            if !told { waiting() }
            told = true
            try await Task.sleep(for: pause)
            pause = min(pause * 2, longestPause)
        }
    }

    /// Nil while somebody else has the file, or took it away between its opening and its locking.
    private static func attempt(_ path: String) throws -> FileLock? {
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        guard let lock = try FileLock.attempt(path) else { return nil }
        return try FileStatus.of(path)?.inode == lock.descriptor.status().inode ? lock : nil
    }

    /// Lets the next one go. A file that stays is empty and is taken up again.
    func end() async {
        await BlockingPool.run {
            try? Files.removeTree(path)
            withExtendedLifetime(lock) {}
        }
    }
}
