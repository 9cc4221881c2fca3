internal import GRDB

/// When things in the index were last used, to the hour: a build that changes nothing writes nothing.
enum UseClock {
    private static let hour = 3600

    /// Sets `usedAt` of the rows of `table` whose `column` is one of `keys`, where it is older than an hour.
    static func note(_ table: String, _ column: String, _ keys: [String], in database: Database, _ path: String) async throws {
        let marks = keys.map { _ in "?" }.joined(separator: ", ")
        let isOld = "\(column) IN (\(marks)) AND usedAt NOT BETWEEN unixepoch() - \(hour) AND unixepoch() + \(hour)"
        try await StoreFailure.reported(path) {
            let found = try await database.pool.read {
                try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM \(table) WHERE \(isOld))", arguments: StatementArguments(keys))
            }
            guard found == true else { return }
            try await database.writeLoosely {
                try $0.execute(sql: "UPDATE \(table) SET usedAt = unixepoch() WHERE \(isOld)", arguments: StatementArguments(keys))
            }
        }
    }
}
