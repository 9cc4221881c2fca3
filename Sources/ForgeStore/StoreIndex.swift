internal import GRDB

/// The index of a store, as its parts read and write it: what SQLite says is told as a failure of the store at `path`.
struct StoreIndex: Sendable {
    let database: Database
    let path: String

    func read<Value: Sendable>(_ body: @escaping @Sendable (GRDB.Database) throws -> Value) async throws -> Value {
        try await StoreFailure.reported(path) { try await database.pool.read(body) }
    }

    /// Durable on return.
    func write<Value: Sendable>(_ body: @escaping @Sendable (GRDB.Database) throws -> Value) async throws -> Value {
        try await StoreFailure.reported(path) { try await database.pool.write(body) }
    }

    /// What a power cut may undo.
    func writeLoosely(_ body: @escaping @Sendable (GRDB.Database) throws -> Void) async throws {
        try await StoreFailure.reported(path) { try await database.writeLoosely(body) }
    }

    private static let hour = 3600

    /// Notes that the rows of `table` whose `column` is one of `keys` were used; to the hour, so that a build that changes nothing writes
    /// nothing.
    func use(_ table: String, _ column: String, _ keys: [String]) async throws {
        let marks = keys.map { _ in "?" }.joined(separator: ", ")
        let isOld = "\(column) IN (\(marks)) AND usedAt NOT BETWEEN unixepoch() - \(Self.hour) AND unixepoch() + \(Self.hour)"
        let found = try await read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM \(table) WHERE \(isOld))", arguments: StatementArguments(keys))
        }
        guard found == true else { return }
        try await writeLoosely {
            try $0.execute(sql: "UPDATE \(table) SET usedAt = unixepoch() WHERE \(isOld)", arguments: StatementArguments(keys))
        }
    }
}
