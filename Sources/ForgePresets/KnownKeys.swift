internal import Synchronization

/// Which keys the decoders ask for, by table: what schemas are held against.
package enum KnownKeys {
    @TaskLocal static var notes: Notes?

    final class Notes: Sendable {
        fileprivate let keys = Mutex<[String: Set<String>]>([:])

        func add(_ key: String, of table: String) { keys.withLock { _ = $0[table, default: []].insert(key) } }
    }

    /// What `body` has asked for, by the names that messages give to tables.
    package static func recorded(_ body: () throws -> Void) rethrows -> [String: Set<String>] {
        let fresh = Notes()
        try $notes.withValue(fresh) { try body() }
        return fresh.keys.withLock { $0 }
    }
}
