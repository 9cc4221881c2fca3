internal import ForgeStore

/// Opens a store when it is first asked for, and hands the same one out from then on.
actor StoreDoor {
    private enum State {
        case closed
        case opening(Task<Store, any Error>)
    }

    private let path: String
    private var state = State.closed

    init(_ path: String) { self.path = path }

    /// - Throws: `store.…`; the next call tries again.
    func open() async throws -> Store {
        if case .opening(let task) = state { return try await task.value }
        let task = Task { [path] in try await Store.open(at: path) }
        state = .opening(task)
        do { return try await task.value } catch {
            state = .closed
            throw error
        }
    }
}
