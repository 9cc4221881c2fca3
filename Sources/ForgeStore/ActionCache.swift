package import ForgeModel
internal import GRDB

/// What executing an action gave. Two are real: this machine's SQLite file and, later, a Remote Execution API cluster.
package protocol ActionCache: Sendable {
    /// The recorded result; whether its blobs are still there is the caller's to ask (`TreeStore.acquire`).
    func result(for action: Digest, trust: Trust) async throws -> ActionResult?
    /// Call only once every digest in `result` can be read back. Durable on return. `execution` says which step of which
    /// project this was, for `lastExecution`.
    func record(_ result: ActionResult, for action: Digest, execution: Execution, trust: Trust) async throws
}

/// Whose word a source is.
///
/// What is made of an untrusted one (a pull request) is kept in a scope of its own; it reads the trusted scope and never writes it.
package enum Trust: Hashable, Sendable {
    case trusted
    case untrusted(scope: String)

    /// As the index has it; the trusted scope has no name.
    package var scope: String {
        switch self {
        case .trusted: ""
        case .untrusted(let scope): scope
        }
    }
}

/// One execution of an action, as a step of a project: what the next build compares itself with.
package struct Execution: Hashable, Sendable, Codable {
    /// Names the project.
    package let scope: String
    package let step: String
    package let action: Action
    /// Whose words the step's are; nil where it was not written down.
    package let preset: PresetReference?

    package init(scope: String, step: String, action: Action, preset: PresetReference? = nil) {
        self.scope = scope
        self.step = step
        self.action = action
        self.preset = preset
    }
}

/// The action cache of this machine.
package struct SQLiteActionCache: ActionCache {
    private let index: StoreIndex

    init(index: StoreIndex) {
        self.index = index
    }

    package func result(for action: Digest, trust: Trust = .trusted) async throws -> ActionResult? {
        let text = try await index.read { database -> String? in
            let own = try String.fetchOne(
                database, sql: "SELECT result FROM untrustedResult WHERE scope = ? AND action = ?",
                arguments: [trust.scope, action.hex])
            return try own
                ?? String.fetchOne(database, sql: "SELECT result FROM actionResult WHERE action = ?", arguments: [action.hex])
        }
        if text != nil { try await index.use("actionResult", "action", [action.hex]) }
        // A result that this version cannot read is a miss, not a failure.
        return text.flatMap { try? CanonicalJSON.decode(ActionResult.self, from: Array($0.utf8)) }
    }

    package func record(
        _ result: ActionResult, for action: Digest, execution: Execution, trust: Trust = .trusted
    ) async throws {
        let text = String(decoding: try CanonicalJSON.encode(result), as: UTF8.self)
        let memory = try Memory(execution, trust)
        try await index.write { database in
            switch trust {
            case .trusted:
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO actionResult (action, result, recordedAt, usedAt)
                        VALUES (?, ?, unixepoch(), unixepoch())
                        """,
                    arguments: [action.hex, text])
            case .untrusted(let scope):
                try database.execute(
                    sql: "INSERT OR REPLACE INTO untrustedResult VALUES (?, ?, ?, unixepoch(), unixepoch())",
                    arguments: [scope, action.hex, text])
            }
            try memory.save(in: database)
        }
    }

    /// Notes which action a step was last, also when its result came from the cache. A power cut may undo it.
    package func remember(_ execution: Execution, trust: Trust = .trusted) async throws {
        let last = try await lastExecution(scope: execution.scope, step: execution.step, trust: trust)
        guard last != execution else { return }
        let memory = try Memory(execution, trust)
        try await index.writeLoosely { try memory.save(in: $0) }
    }

    /// What `step` of the project `scope` last was; nil when it never ran here.
    package func lastExecution(scope: String, step: String, trust: Trust = .trusted) async throws -> Execution? {
        let found = try await index.read { database -> (String, String?)? in
            for scope in Set([Memory.scope(scope, trust), scope]).sorted(by: { $0.utf8.count > $1.utf8.count }) {
                let row = try Row.fetchOne(
                    database, sql: "SELECT action, preset FROM execution WHERE scope = ? AND step = ?", arguments: [scope, step])
                if let row { return (row["action"], row["preset"]) }
            }
            return nil
        }
        guard let found, let action = try? CanonicalJSON.decode(Action.self, from: Array(found.0.utf8)) else { return nil }
        let preset = found.1.flatMap { try? CanonicalJSON.decode(PresetReference.self, from: Array($0.utf8)) }
        return Execution(scope: scope, step: step, action: action, preset: preset)
    }

    /// A row about the last execution of a step.
    private struct Memory: Sendable {
        private let scope: String
        private let step: String
        private let action: String
        private let preset: String?

        init(_ execution: Execution, _ trust: Trust) throws {
            scope = Self.scope(execution.scope, trust)
            step = execution.step
            action = String(decoding: try CanonicalJSON.encode(execution.action), as: UTF8.self)
            preset = try execution.preset.map { String(decoding: try CanonicalJSON.encode($0), as: UTF8.self) }
        }

        static func scope(_ scope: String, _ trust: Trust) -> String { trust.scope.isEmpty ? scope : "\(scope)@\(trust.scope)" }

        func save(in database: GRDB.Database) throws {
            try database.execute(
                sql: "INSERT OR REPLACE INTO execution (scope, step, action, recordedAt, preset) VALUES (?, ?, ?, unixepoch(), ?)",
                arguments: [scope, step, action, preset])
        }
    }
}
