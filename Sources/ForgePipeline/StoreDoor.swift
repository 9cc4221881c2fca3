internal import ForgeStore
internal import Synchronization

/// Opens a store when it is first asked for, and hands the same one out from then on.
actor StoreDoor {
    private enum State {
        case closed
        case opening(Task<Store, any Error>)
    }

    /// Never closed: the end of the process is enough, while closing would write SQLite's log into the file and throw the log away, for the next
    /// process to make anew. What is acknowledged is durable without it.
    private static let opened = Mutex<[Store]>([])

    private let path: String
    private var state = State.closed

    init(_ path: String) { self.path = path }

    /// - Throws: `store.…`; the next call tries again.
    func open() async throws -> Store {
        if case .opening(let task) = state { return try await task.value }
        let task = Task { [path] in try await Store.open(at: path) }
        state = .opening(task)
        do {
            let store = try await task.value
            Self.opened.withLock { $0.append(store) }
            return store
        } catch {
            state = .closed
            throw error
        }
    }
}
