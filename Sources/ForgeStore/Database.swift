internal import ForgeSystem
package import GRDB

/// An SQLite file opened so that an acknowledged write survives a power cut, shared by several processes.
package struct Database: Sendable {
    package let pool: DatabasePool

    /// Opens or creates the file at `path` and brings it to the newest schema.
    /// - Throws: `DatabaseError`, also when the file was written by a newer Forge.
    package static func open(_ path: String, migrator: DatabaseMigrator) throws -> Database {
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        let pool = try DatabasePool(path: path, configuration: configuration)
        // DatabasePool sets NORMAL after `prepareDatabase`, so FULL is asked for here, on the one writer connection.
        // A short log: the process that opens the file after one that was killed reads all of it.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 200") }
        if try !pool.read(migrator.hasCompletedMigrations) || pool.read(migrator.hasBeenSuperseded) { try migrator.migrate(pool) }
        return Database(pool: pool)
    }

    /// A transaction that a power cut may undo: for what only saves time, or says when something was used. The file stays whole.
    package func writeLoosely(_ body: @escaping @Sendable (GRDB.Database) throws -> Void) async throws {
        try await BlockingPool.run {
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = NORMAL")
                // The connection goes back as it came, whatever happens.
                defer { try? database.execute(sql: "PRAGMA synchronous = FULL") }
                try database.inTransaction {
                    try body(database)
                    return .commit
                }
            }
        }
    }
}
