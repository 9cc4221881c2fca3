package import ForgeModel
package import ForgeSystem
internal import GRDB
internal import Glibc

/// Names one answer of a registry.
package struct RegistryEntryKey: Hashable, Sendable {
    /// Who may be given it: the scope of trust it was fetched in, and with whose credentials.
    package let scope: String
    /// Exactly as it was asked for.
    package let url: String
    /// What else of the request decides about the answer; '' for files, which have one form only.
    package let variant: String

    package init(scope: String, url: String, variant: String = "") {
        self.scope = scope
        self.url = url
        self.variant = variant
    }
}

/// An answer of a registry: its body is a blob of the store.
package struct RegistryEntry: Hashable, Sendable {
    package let key: RegistryEntryKey
    package let status: Int
    /// Those that are passed on: names in lower case.
    package let headers: [String: String]
    package let body: Digest
    /// Of the body, in hexadecimal: what lockfiles tell.
    package let sha512: String
    package let sha1: String

    package init(key: RegistryEntryKey, status: Int, headers: [String: String], body: Digest, sha512: String, sha1: String) {
        self.key = key
        self.status = status
        self.headers = headers
        self.body = body
        self.sha512 = sha512
        self.sha1 = sha1
    }
}

/// What registries answered: files of packages, which never change, and the documents that lead to them. Losing an entry costs a
/// download, or fails an offline build.
package struct RegistryEntries: Sendable {
    private let content: FileContentStore
    private let index: StoreIndex

    init(content: FileContentStore, index: StoreIndex) {
        self.content = content
        self.index = index
    }

    /// The entry of the first of `keys` that has one.
    package func find(_ keys: [RegistryEntryKey]) async throws -> RegistryEntry? {
        try await index.read { database in
            for key in keys {
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM registryEntry WHERE scope = ? AND url = ? AND variant = ?",
                    arguments: [key.scope, key.url, key.variant])
                if let entry = row.flatMap(RegistryEntry.init) { return entry }
            }
            return nil
        }
    }

    /// The body, from its first byte on, after all of it was found to be what was stored. Nil when it is gone or damaged.
    package func body(of entry: RegistryEntry) async throws -> Descriptor? {
        try await BlockingPool.run { [content] in
            guard try content.forEachChunk(of: entry.body, { _ in }) else { return nil }
            return try? Descriptor.open(content.path(of: entry.body, executable: false), O_RDONLY | O_NOFOLLOW)
        }
    }

    /// Stores the bodies, all at once, and then the entries; both durable on return. One that is there already is replaced.
    /// - Parameter fresh: each entry with the file that holds its body, and is left where it is.
    package func add(_ fresh: [(entry: RegistryEntry, file: String)]) async throws {
        guard !fresh.isEmpty else { return }
        try await BlockingPool.run { [content] in
            try BlobBatch.publishing(to: content) { batch in
                for (entry, file) in fresh where !batch.holds(entry.body) {
                    let stored = try batch.add { body in
                        let file = try Descriptor.open(file, O_RDONLY | O_NOFOLLOW)
                        try file.forEachChunk(body)
                    }
                    guard stored == entry.body else { throw StoreFailure.missing(entry.body) }
                }
            }
        }
        try await index.write { database in for item in fresh { try item.entry.save(in: database) } }
    }

    /// Notes that the entries were used, so that the collector takes others first.
    package func touch(_ keys: Set<RegistryEntryKey>) async throws {
        guard !keys.isEmpty else { return }
        try await index.writeLoosely { database in
            for key in keys {
                try database.execute(
                    sql: """
                        UPDATE registryEntry SET usedAt = unixepoch() WHERE scope = ? AND url = ? AND variant = ?
                        AND usedAt NOT BETWEEN unixepoch() - 3600 AND unixepoch() + 3600
                        """, arguments: [key.scope, key.url, key.variant])
            }
        }
    }
}

extension RegistryEntry {
    /// Nil when a newer version wrote it.
    fileprivate init?(_ row: Row) {
        let (headers, body): (String, String) = (row["headers"], row["body"])
        guard let headers = try? CanonicalJSON.decode([String: String].self, from: Array(headers.utf8)),
            let body = DigestText.digest(body)
        else { return nil }
        key = RegistryEntryKey(scope: row["scope"], url: row["url"], variant: row["variant"])
        status = row["status"]
        self.headers = headers
        self.body = body
        sha512 = row["sha512"]
        sha1 = row["sha1"]
    }

    fileprivate func save(in database: GRDB.Database) throws {
        let headers = String(decoding: try CanonicalJSON.encode(headers), as: UTF8.self)
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO registryEntry (scope, url, variant, status, headers, body, sha512, sha1, usedAt)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, unixepoch())
                """,
            arguments: [key.scope, key.url, key.variant, status, headers, DigestText.of(body), sha512, sha1])
    }
}
