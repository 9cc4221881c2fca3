internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// A reader's view of the table that is never older than the last change a writer finished announcing.
///
/// Before a request is routed, eight bytes of a small file are compared (a third of a microsecond); only when they differ is
/// the table read again. A lost announcement is made good by `recheck`, called every `recheckInterval`.
package final class RouteWatch: Sendable {
    /// How long a change whose announcement was lost may stay unseen.
    package static let recheckInterval = Duration.milliseconds(200)

    private struct State {
        var notice: Int64?
        var snapshot: RouteSnapshot
    }

    private let table: RouteTable
    private let notice: Descriptor
    private let state: Mutex<State>

    /// Reads the table once.
    package init(_ table: RouteTable) throws {
        self.table = table
        self.notice = try Descriptor.open(table.noticePath, O_RDONLY | O_CREAT, mode: 0o644)
        let seen = RouteNotice.read(notice)
        self.state = Mutex(State(notice: seen, snapshot: try table.snapshot()))
    }

    /// The snapshot in hand when it is known to be current; nil when `current()` has to read. Never waits for the disk's data.
    package func snapshotInHand() -> RouteSnapshot? {
        let now = RouteNotice.read(notice)
        return state.withLock { $0.notice == now ? $0.snapshot : nil }
    }

    /// The table as it is now. May block.
    package func current() throws -> RouteSnapshot {
        if let snapshot = snapshotInHand() { return snapshot }
        // The notice is read before the table: a change in between is seen at the next call.
        let seen = RouteNotice.read(notice)
        let fresh = try table.snapshot()
        return state.withLock { state in
            if fresh.version >= state.snapshot.version { state = State(notice: seen, snapshot: fresh) }
            return state.snapshot
        }
    }

    /// The newest snapshot that could be read, however old; for when `current()` throws.
    package var last: RouteSnapshot { state.withLock { $0.snapshot } }

    /// Looks at the table's own version, so that a change nobody announced is seen too. May block. Returns whether there was one.
    @discardableResult
    package func recheck() throws -> Bool {
        let version = try table.version()
        let isOld = state.withLock { state in
            guard state.snapshot.version < version else { return false }
            state.notice = nil
            return true
        }
        if isOld { _ = try current() }
        return isOld
    }
}

/// The eight bytes beside the table.
enum RouteNotice {
    static let writing = O_WRONLY | O_CREAT

    /// What the file says; 0 while nothing was ever announced.
    static func read(_ file: Descriptor) -> Int64 {
        var value: Int64 = 0
        let count = withUnsafeMutableBytes(of: &value) { pread(file.raw, $0.baseAddress, $0.count, 0) }
        return count == 8 ? Int64(littleEndian: value) : 0
    }
}
