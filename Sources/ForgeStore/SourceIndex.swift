package import ForgeModel
internal import GRDB

/// Trees that builds began with, sources and toolchains: kept as long as they are used, so that the next build finds what has not changed.
package struct SourceIndex: Sendable {
    private let database: Database
    private let path: String

    init(database: Database, path: String) {
        self.database = database
        self.path = path
    }

    /// Notes that the tree was used now. A power cut may undo it.
    package func note(_ root: Digest) async throws {
        let text = DigestText.of(root)
        let isKnown = try await StoreFailure.reported(path) {
            try await database.pool.read {
                try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM source WHERE root = ?)", arguments: [text])
            }
        }
        if isKnown == true { return try await UseClock.note("source", "root", [text], in: database, path) }
        try await StoreFailure.reported(path) {
            try await database.writeLoosely {
                try $0.execute(sql: "INSERT OR IGNORE INTO source VALUES (?, unixepoch())", arguments: [text])
            }
        }
    }
}
