package import ForgeModel
package import GRDB

/// The record of every change of route, by the release that it brought; beside the route table, written by the gateway.
/// Calls block: make them off the cooperative pool.
package struct SwapTable: Sendable {
    private let database: Database

    /// The table inside `database`, whose migrator had `registerMigrations`.
    package init(in database: Database) { self.database = database }

    package static func registerMigrations(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("swaps-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE swap (
                        release TEXT PRIMARY KEY,
                        healthyMs INTEGER,
                        replaced TEXT,
                        crossed INTEGER NOT NULL,
                        failed INTEGER,
                        drainMs INTEGER
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
    }

    /// Writes `record` of `release`, over what was written of it before.
    package func save(_ record: SwapRecord, of release: String) throws {
        try database.pool.write {
            try $0.execute(
                sql: "INSERT OR REPLACE INTO swap VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [release, record.healthyMs, record.replaced, record.crossed, record.failed, record.drainMs])
        }
    }

    /// The records of `releases`, by release.
    package func records(of releases: [String]) throws -> [String: SwapRecord] {
        try database.pool.read { database in
            var records: [String: SwapRecord] = [:]
            for release in releases {
                guard let row = try Row.fetchOne(database, sql: "SELECT * FROM swap WHERE release = ?", arguments: [release]) else {
                    continue
                }
                records[release] = SwapRecord(
                    healthyMs: row["healthyMs"], replaced: row["replaced"], crossed: row["crossed"], failed: row["failed"],
                    drainMs: row["drainMs"])
            }
            return records
        }
    }
}
