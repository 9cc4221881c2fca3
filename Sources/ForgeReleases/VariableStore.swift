internal import ForgeModel
package import ForgeStore
internal import ForgeSystem
internal import GRDB
internal import Glibc

/// The variables that people set for the environments of their projects, each sealed by itself for its place, name and version.
///
/// Every value that is read or written leaves a row that says who, when and which, never what; without the row there is no value.
package struct VariableStore: Sendable {
    /// What can be told of a variable without reading it.
    package struct Entry: Hashable, Sendable {
        package let name: String
        /// Milliseconds since 1970.
        package let setAt: Int64
    }

    /// One row of the record of who read and wrote.
    package struct Access: Hashable, Sendable {
        package enum Kind: String, Sendable { case read, write, remove }

        package let kind: Kind
        package let place: VariablePlace
        package let name: String
        /// The user id of the process.
        package let user: Int64
        /// Milliseconds since 1970.
        package let at: Int64
    }

    /// Seals and tags whatever belongs to variables elsewhere too: a release's copy, a build's binding.
    package let vault: Vault
    private let database: ForgeStore.Database
    private let path: String
    private let clock: @Sendable () -> Int64

    /// Opens the variables in the release log at `path`; `key` is the file of the key, made when there is none.
    /// - Throws: `ForgeError` `release.log-failed`, `vault.unreadable-key`
    package static func open(_ path: String, key: String, clock: @escaping @Sendable () -> Int64) async throws -> VariableStore {
        _ = try await ReleaseLog.open(path)
        return try await BlockingPool.run {
            let vault = try Vault.open(key)
            let database = try ForgeStore.Database.open(path, migrator: ReleaseSchema.migrator)
            return VariableStore(vault: vault, database: database, path: path, clock: clock)
        }
    }

    /// All variables of `place`.
    /// - Throws: `ForgeError` `variables.damaged` when one of them does not open.
    package func variables(of place: VariablePlace) async throws -> [String: String] {
        try await write { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT name, version, sealed FROM variable WHERE project = ? AND environment = ? ORDER BY name",
                arguments: Self.arguments(place))
            return try Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    let value = try open(row, of: place)
                    try note(.read, row["name"], of: place, in: database)
                    return (row["name"], value)
                })
        }
    }

    package func variables(of place: ReleasePlace) async throws -> [String: String] { try await variables(of: place.variables) }

    /// One variable; nil when it is not set.
    package func value(of name: String, at place: VariablePlace) async throws -> String? {
        try await write { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT name, version, sealed FROM variable WHERE project = ? AND environment = ? AND name = ?",
                arguments: Self.arguments(place) + [name])
            guard let row else { return nil }
            let value = try open(row, of: place)
            try note(.read, name, of: place, in: database)
            return value
        }
    }

    /// One variable.
    /// - Throws: `ForgeError` `variables.unknown`
    package func value(of name: String, orThrowAt place: VariablePlace) async throws -> String {
        guard let value = try await value(of: name, at: place) else { throw Self.unknown([name], at: place) }
        return value
    }

    /// Sets all of `variables`, or none; other variables stay.
    /// - Throws: `ForgeError` `variables.invalid`, `variables.too-many`
    package func set(_ variables: [String: String], at place: VariablePlace) async throws {
        try VariableRule.check(variables)
        try await write { database in
            for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
                try note(.write, name, of: place, in: database)
                // The row that says so gives a number that never comes again.
                let version = database.lastInsertedRowID
                let sealed = try vault.seal(Array(value.utf8), for: Self.context(place, name, version))
                try database.execute(
                    sql: "INSERT OR REPLACE INTO variable VALUES (?, ?, ?, ?, ?, ?)",
                    arguments: Self.arguments(place) + [name, version, sealed, clock()])
            }
            let count = try Int.fetchOne(
                database, sql: "SELECT count(*) FROM variable WHERE project = ? AND environment = ?", arguments: Self.arguments(place))
            guard count ?? 0 <= VariableRule.countLimit else {
                throw ForgeError(
                    .configuration, "variables.too-many", "\(place.display) cannot have more than \(VariableRule.countLimit) variables")
            }
        }
    }

    /// Removes all of `names`, or none.
    /// - Throws: `ForgeError` `variables.unknown` with every name that is not set.
    package func unset(_ names: [String], at place: VariablePlace) async throws {
        try await write { database in
            var unknown: [String] = []
            for name in Set(names).sorted() {
                try database.execute(
                    sql: "DELETE FROM variable WHERE project = ? AND environment = ? AND name = ?",
                    arguments: Self.arguments(place) + [name])
                if database.changesCount == 0 { unknown.append(name) }
                try note(.remove, name, of: place, in: database)
            }
            guard unknown.isEmpty else { throw Self.unknown(unknown, at: place) }
        }
    }

    /// Names and times, by name; reads no value.
    package func list(_ place: VariablePlace) async throws -> [Entry] {
        try await reported {
            try await database.pool.read { database in
                try Row.fetchAll(
                    database, sql: "SELECT name, setAt FROM variable WHERE project = ? AND environment = ? ORDER BY name",
                    arguments: Self.arguments(place)
                ).map { Entry(name: $0["name"], setAt: $0["setAt"]) }
            }
        }
    }

    /// Who read and wrote variables of `project`, the oldest first.
    package func accesses(of project: ProjectSlug) async throws -> [Access] {
        try await reported {
            try await database.pool.read { database in
                try Row.fetchAll(
                    database, sql: "SELECT * FROM variableAccess WHERE project = ? ORDER BY sequence", arguments: [project.text]
                ).compactMap { row in
                    guard let kind = Access.Kind(rawValue: row["kind"]), let environment = DeployEnvironment(rawValue: row["environment"])
                    else { return nil }
                    return Access(
                        kind: kind, place: VariablePlace(project: project, environment: environment), name: row["name"], user: row["user"],
                        at: row["at"])
                }
            }
        }
    }

    private static func unknown(_ names: [String], at place: VariablePlace) -> ForgeError {
        ForgeError(
            .usage, "variables.unknown",
            names.map { "`\($0)`" }.joined(separator: ", ") + (names.count == 1 ? " is" : " are") + " not set in \(place.display)",
            hint: "see what is set: forge env list \(place.options)")
    }

    private func open(_ row: Row, of place: VariablePlace) throws -> String {
        let name: String = row["name"]
        do {
            return String(decoding: try vault.open(row["sealed"], for: Self.context(place, name, row["version"])), as: UTF8.self)
        } catch is ForgeError {
            throw ForgeError(
                .store, "variables.damaged", "`\(name)` of \(place.display) cannot be opened: it, or the key that seals it, was changed",
                hint: "set it again: forge env set \(name)=… \(place.options)")
        }
    }

    private func note(_ kind: Access.Kind, _ name: String, of place: VariablePlace, in database: GRDB.Database) throws {
        try database.execute(
            sql: "INSERT INTO variableAccess (project, environment, name, kind, user, at) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: Self.arguments(place) + [name, kind.rawValue, Int64(getuid()), clock()])
    }

    private static func arguments(_ place: VariablePlace) -> StatementArguments { [place.project.text, place.environment.rawValue] }

    /// Neither a slug nor an environment nor a name can hold the separator.
    private static func context(_ place: VariablePlace, _ name: String, _ version: Int64) -> String {
        "variable/\(place.project)/\(place.environment.rawValue)/\(name)/\(version)"
    }

    private func write<Value: Sendable>(_ body: @escaping @Sendable (GRDB.Database) throws -> Value) async throws -> Value {
        try await reported { try await database.pool.write(body) }
    }

    private func reported<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let error as ForgeError { throw error } catch let error as CancellationError {
            throw error
        } catch {
            throw ForgeError(
                .deploy, "release.log-failed", "the variables in `\(path)` cannot be used",
                hint: "check the folder's permissions and free space", cause: error)
        }
    }
}

/// The tables of the variables, in the file of the release log. A released migration is never edited.
enum VariableSchema {
    static func registerMigrations(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("variables-1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE variable (
                        project TEXT NOT NULL,
                        environment TEXT NOT NULL,
                        name TEXT NOT NULL,
                        version INTEGER NOT NULL,   -- sealed with the value: an older value cannot be put in a newer row
                        sealed TEXT NOT NULL,
                        setAt INTEGER NOT NULL,
                        PRIMARY KEY (project, environment, name)
                    ) STRICT, WITHOUT ROWID;
                    CREATE TABLE variableAccess (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        project TEXT NOT NULL,
                        environment TEXT NOT NULL,
                        name TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        user INTEGER NOT NULL,
                        at INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX variableAccessByProject ON variableAccess (project, sequence);
                    """)
        }
    }
}
