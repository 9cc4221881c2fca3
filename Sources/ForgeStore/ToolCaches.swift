package import ForgeModel
internal import GRDB

/// Which of the things that tools keep is meant.
package struct ToolCacheKey: Hashable, Sendable {
    /// Names the project.
    package let project: String
    package let trust: Trust
    /// Where its steps find it.
    package let path: RelativePath
    /// Of the file that fixes what is installed; nil without one.
    package let lockfile: Digest?

    package init(project: String, trust: Trust = .trusted, path: RelativePath, lockfile: Digest? = nil) {
        self.project = project
        self.trust = trust
        self.path = path
        self.lockfile = lockfile
    }
}

/// What is kept for a key, or for one near to it.
package struct ToolCacheEntry: Hashable, Sendable {
    package let key: ToolCacheKey
    package let root: Digest
    package let bytes: Int64
    /// Seconds since 1970.
    package let savedAt: Int64
}

/// What tools keep between builds for speed (downloads, compiled parts): a tree for each project, scope of trust, path and lockfile.
///
/// Never part of a key, never shared between projects; losing one costs time and nothing else. A step works on a private
/// overlay of it, so builds that run at once do not meet; what the step added is merged in when it has succeeded.
package struct ToolCaches: Sendable {
    /// A cache that has grown past this is started anew with what the last step added.
    static let maximumBytes: Int64 = 2 << 30
    /// Lockfiles for which one path is kept, the newest ones.
    static let maximumVariants = 3

    private let trees: TreeStore
    private let index: StoreIndex

    init(trees: TreeStore, index: StoreIndex) {
        self.trees = trees
        self.index = index
    }

    /// What is kept for `key`; else the newest for another lockfile. An untrusted source also sees what trusted ones have, where it has
    /// nothing of its own. Nil when there is nothing, or it is damaged.
    package func load(_ key: ToolCacheKey) async throws -> ToolCacheEntry? {
        let lockfile = key.lockfile?.hex ?? ""
        let rows = try await rows(
            """
            WHERE project = ? AND path = ? AND scope IN ('', ?)
            ORDER BY lockfile = ? DESC, scope = ? DESC, sequence DESC
            """, [key.project, key.path.string, key.trust.scope, lockfile, key.trust.scope])
        for entry in rows where try await trees.acquire(entry.root) { return entry }
        return nil
    }

    /// Everything that is kept, the largest first.
    package func list() async throws -> [ToolCacheEntry] { try await rows("ORDER BY bytes DESC, project, path, scope, lockfile", []) }

    /// Lays `added` over what is kept for `key`, or over `base` when nothing is; also when another build does the same. Durable on return.
    package func add(_ added: Digest, over base: Digest? = nil, to key: ToolCacheKey) async throws {
        while true {
            let old = try await current(key)
            let whole = try await merged(old ?? base, added)
            let bytes = try await trees.summary(whole).bytes
            if try await replace(old, with: whole, bytes, key) { return }
        }
    }

    private func merged(_ old: Digest?, _ added: Digest) async throws -> Digest {
        guard let old, try await trees.acquire(old) else { return added }
        let whole = try await trees.merge([old, added])
        return try await trees.summary(whole).bytes > Self.maximumBytes ? added : whole
    }

    private func current(_ key: ToolCacheKey) async throws -> Digest? {
        try await rows(
            "WHERE project = ? AND scope = ? AND path = ? AND lockfile = ?",
            [key.project, key.trust.scope, key.path.string, key.lockfile?.hex ?? ""]
        ).first?.root
    }

    private func rows(_ condition: String, _ arguments: StatementArguments) async throws -> [ToolCacheEntry] {
        try await index.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM toolCache " + condition, arguments: arguments).compactMap(
                ToolCacheEntry.init)
        }
    }

    /// False when somebody else was faster.
    private func replace(_ old: Digest?, with new: Digest, _ bytes: Int64, _ key: ToolCacheKey) async throws -> Bool {
        let place: StatementArguments = [key.project, key.trust.scope, key.path.string]
        let lockfile = key.lockfile?.hex ?? ""
        return try await index.write { database in
            let found = try String.fetchOne(
                database, sql: "SELECT root FROM toolCache WHERE project = ? AND scope = ? AND path = ? AND lockfile = ?",
                arguments: place + [lockfile])
            guard found == old.map(DigestText.of) else { return false }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO toolCache (project, scope, path, lockfile, root, bytes, savedAt, sequence)
                    VALUES (?, ?, ?, ?, ?, ?, unixepoch(), (SELECT COALESCE(MAX(sequence), 0) + 1 FROM toolCache))
                    """,
                arguments: place + [lockfile, DigestText.of(new), bytes])
            try database.execute(
                sql: """
                    DELETE FROM toolCache WHERE project = ?1 AND scope = ?2 AND path = ?3 AND sequence NOT IN
                        (SELECT sequence FROM toolCache WHERE project = ?1 AND scope = ?2 AND path = ?3
                         ORDER BY sequence DESC LIMIT \(Self.maximumVariants))
                    """,
                arguments: place)
            return true
        }
    }
}

extension ToolCacheEntry {
    /// Nil when a newer version wrote it.
    init?(_ row: Row) {
        let scope: String = row["scope"]
        let lockfile: String = row["lockfile"]
        guard let root = DigestText.digest(row["root"]), let path = try? RelativePath(parsing: row["path"]) else { return nil }
        let digest = lockfile.isEmpty ? nil : try? Digest(hex: lockfile, sizeBytes: 0)
        key = ToolCacheKey(
            project: row["project"], trust: scope.isEmpty ? .trusted : .untrusted(scope: scope), path: path, lockfile: digest)
        self.root = root
        bytes = row["bytes"]
        savedAt = row["savedAt"]
    }
}

/// A digest as the index has it: `<hex>/<size>`.
enum DigestText {
    static func of(_ digest: Digest) -> String { "\(digest.hex)/\(digest.sizeBytes)" }

    static func digest(_ text: String) -> Digest? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let size = Int64(parts[1]) else { return nil }
        return try? Digest(hex: String(parts[0]), sizeBytes: size)
    }
}
