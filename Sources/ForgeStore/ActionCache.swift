package import ForgeModel
internal import GRDB

/// What executing an action gave. Two are real: this machine's SQLite file and, later, a Remote Execution API cluster.
package protocol ActionCache: Sendable {
    /// The recorded result; whether its blobs are still there is the caller's to ask (`TreeStore.acquire`).
    func result(for action: Digest) async throws -> ActionResult?
    /// Call only once every digest in `result` can be read back. Durable on return. `execution` says which step of which
    /// project this was, for `lastExecution`.
    func record(_ result: ActionResult, for action: Digest, execution: Execution) async throws
}

/// One execution of an action, as a step of a project: what the next build compares itself with.
package struct Execution: Hashable, Sendable, Codable {
    /// Names the project.
    package let scope: String
    package let step: String
    package let action: Action

    package init(scope: String, step: String, action: Action) {
        self.scope = scope
        self.step = step
        self.action = action
    }
}

/// The action cache of this machine.
package struct SQLiteActionCache: ActionCache {
    private let database: Database
    private let path: String

    init(database: Database, path: String) {
        self.database = database
        self.path = path
    }

    package func result(for action: Digest) async throws -> ActionResult? {
        let text = try await StoreFailure.reported(path) {
            try await database.pool.read {
                try String.fetchOne($0, sql: "SELECT result FROM actionResult WHERE action = ?", arguments: [action.hex])
            }
        }
        // A result that this version cannot read is a miss, not a failure.
        return text.flatMap { try? CanonicalJSON.decode(ActionResult.self, from: Array($0.utf8)) }
    }

    package func record(_ result: ActionResult, for action: Digest, execution: Execution) async throws {
        let text = String(decoding: try CanonicalJSON.encode(result), as: UTF8.self)
        let performed = String(decoding: try CanonicalJSON.encode(execution.action), as: UTF8.self)
        try await StoreFailure.reported(path) {
            try await database.pool.write { database in
                try database.execute(
                    sql: "INSERT OR REPLACE INTO actionResult (action, result, recordedAt) VALUES (?, ?, unixepoch())",
                    arguments: [action.hex, text])
                try Self.remember(execution, performed, in: database)
            }
        }
    }

    /// Notes which action a step was last, also when its result came from the cache.
    package func remember(_ execution: Execution) async throws {
        guard try await lastExecution(scope: execution.scope, step: execution.step) != execution.action else { return }
        let performed = String(decoding: try CanonicalJSON.encode(execution.action), as: UTF8.self)
        try await StoreFailure.reported(path) {
            try await database.pool.write { try Self.remember(execution, performed, in: $0) }
        }
    }

    /// The action that `step` of the project `scope` last was; nil when it never ran here.
    package func lastExecution(scope: String, step: String) async throws -> Action? {
        let text = try await StoreFailure.reported(path) {
            try await database.pool.read {
                try String.fetchOne($0, sql: "SELECT action FROM execution WHERE scope = ? AND step = ?", arguments: [scope, step])
            }
        }
        return text.flatMap { try? CanonicalJSON.decode(Action.self, from: Array($0.utf8)) }
    }

    private static func remember(_ execution: Execution, _ action: String, in database: GRDB.Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO execution (scope, step, action, recordedAt) VALUES (?, ?, ?, unixepoch())",
            arguments: [execution.scope, execution.step, action])
    }
}
