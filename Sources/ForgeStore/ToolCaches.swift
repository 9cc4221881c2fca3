package import ForgeModel
internal import GRDB

/// What tools keep between builds for speed (downloads, compiled parts): one tree for each project and path.
///
/// Never part of a key, never shared between projects; losing one costs time and nothing else. A step works on a private
/// overlay of it, and what the step added is merged in when it has succeeded.
package struct ToolCaches: Sendable {
    /// A cache that has grown past this is started anew with what the last step added.
    static let maximumBytes: Int64 = 2 << 30

    private let trees: TreeStore
    private let database: Database
    private let path: String

    init(trees: TreeStore, database: Database, path: String) {
        self.trees = trees
        self.database = database
        self.path = path
    }

    /// The tree kept at `location`; nil when there is none, or it is damaged.
    package func load(scope: String, at location: RelativePath) async throws -> Digest? {
        guard let root = try await current(scope, location), try await trees.acquire(root) else { return nil }
        return root
    }

    /// Lays `added` over what is kept at `location`, also when another build does the same. Durable on return.
    package func add(_ added: Digest, scope: String, at location: RelativePath) async throws {
        while true {
            let old = try await current(scope, location)
            if try await replace(old, with: merged(old, added), scope, location) { return }
        }
    }

    private func merged(_ old: Digest?, _ added: Digest) async throws -> Digest {
        guard let old, try await trees.acquire(old) else { return added }
        let whole = try await trees.merge([old, added])
        return try await trees.summary(whole).bytes > Self.maximumBytes ? added : whole
    }

    private func current(_ scope: String, _ location: RelativePath) async throws -> Digest? {
        let text = try await StoreFailure.reported(path) {
            try await database.pool.read {
                try String.fetchOne(
                    $0, sql: "SELECT root FROM toolCache WHERE scope = ? AND path = ?", arguments: [scope, location.string])
            }
        }
        return text.flatMap(Self.parse)
    }

    /// False when somebody else was faster.
    private func replace(_ old: Digest?, with new: Digest, _ scope: String, _ location: RelativePath) async throws -> Bool {
        try await StoreFailure.reported(path) {
            try await database.pool.write { database in
                let found = try String.fetchOne(
                    database, sql: "SELECT root FROM toolCache WHERE scope = ? AND path = ?", arguments: [scope, location.string])
                guard found.flatMap(Self.parse) == old else { return false }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO toolCache (scope, path, root, savedAt) VALUES (?, ?, ?, unixepoch())",
                    arguments: [scope, location.string, "\(new.hex)/\(new.sizeBytes)"])
                return true
            }
        }
    }

    private static func parse(_ text: String) -> Digest? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let size = Int64(parts[1]) else { return nil }
        return try? Digest(hex: String(parts[0]), sizeBytes: size)
    }
}
