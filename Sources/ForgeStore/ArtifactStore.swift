package import ForgeModel
internal import ForgeSystem
internal import GRDB

/// An artifact with what was found to say about it when it was put together.
package struct Assembly: Hashable, Sendable, Codable {
    package let artifact: Artifact
    package let warnings: [Diagnostic]

    package init(artifact: Artifact, warnings: [Diagnostic]) {
        self.artifact = artifact
        self.warnings = warnings
    }
}

/// Artifacts and build records: blobs of canonical JSON, listed in the index as the roots of what is kept.
package struct ArtifactStore: Sendable {
    private enum Kind: String { case artifact, record }

    private let content: FileContentStore
    private let trees: TreeStore
    private let index: StoreIndex

    init(content: FileContentStore, trees: TreeStore, index: StoreIndex) {
        self.content = content
        self.trees = trees
        self.index = index
    }

    /// Stores the manifest; durable on return. Equal manifests are one artifact.
    /// - Throws: `store.missing-blob` when a file of its tree is not here.
    package func save(_ manifest: ArtifactManifest) async throws -> Artifact {
        for root in manifest.trees {
            if try await !trees.acquire(root), let missing = try await trees.missingBlobs(root).first {
                throw StoreFailure.missing(missing)
            }
        }
        let digest = try await content.write(CanonicalJSON.encode(manifest))
        try await list(digest, as: .artifact)
        return try await artifact(digest, manifest)
    }

    /// The artifact named by `digest`; nil when it is not here, or its blob was damaged.
    package func load(_ digest: Digest) async throws -> Artifact? {
        // Before it is looked for: from here on it is there, or is not.
        try await BlockingPool.run { [content] in try content.lease.claim(.blob, [digest]) {} }
        guard try await isListed(digest.hex, as: .artifact) != nil, let bytes = try await content.read(digest) else { return nil }
        try await note(digest)
        return try await artifact(digest, CanonicalJSON.decode(ArtifactManifest.self, from: bytes))
    }

    /// The artifact that a person names as `sha256:<hex>`.
    /// - Throws: `artifact.malformed`, `artifact.unknown`
    package func resolve(_ text: String) async throws -> Digest {
        let hex: String
        do { hex = try Digest.hash(parsing: text) } catch {
            throw ForgeError(
                .usage, "artifact.malformed", "`\(text)` does not name an artifact", hint: "write `sha256:` and 64 digits", cause: error)
        }
        guard let size = try await isListed(hex, as: .artifact) else {
            throw ForgeError(
                .store, "artifact.unknown", "no artifact `\(text)` in this store", hint: "`forge build` prints the digest of what it made")
        }
        return try Digest(hex: hex, sizeBytes: size)
    }

    /// Stores how an artifact came to be; durable on return.
    package func saveRecord(_ record: BuildRecord) async throws -> Digest {
        let digest = try await content.write(CanonicalJSON.encode(record))
        try await list(digest, as: .record)
        try await index.write {
            try $0.execute(
                sql: "INSERT INTO artifactRecord (artifact, record, size) VALUES (?, ?, ?)",
                arguments: [record.artifact.hex, digest.hex, digest.sizeBytes])
        }
        return digest
    }

    /// What was assembled under `key`, if it was and all of it is still here.
    package func assembly(_ key: Digest) async throws -> Assembly? {
        let text = try await index.read {
            try String.fetchOne($0, sql: "SELECT artifact FROM assembly WHERE key = ?", arguments: [key.hex])
        }
        guard let text, let assembly = try? CanonicalJSON.decode(Assembly.self, from: Array(text.utf8)),
            try await isListed(assembly.artifact.digest.hex, as: .artifact) != nil, content.holds(assembly.artifact.digest)
        else { return nil }
        for root in assembly.artifact.manifest.trees { guard try await trees.acquire(root) else { return nil } }
        try await index.use("assembly", "key", [key.hex])
        try await note(assembly.artifact.digest)
        return assembly
    }

    /// Remembers what was assembled under `key`. A power cut may undo it.
    package func remember(_ assembly: Assembly, as key: Digest) async throws {
        let text = String(decoding: try CanonicalJSON.encode(assembly), as: UTF8.self)
        try await index.writeLoosely {
            try $0.execute(sql: "INSERT OR REPLACE INTO assembly VALUES (?, ?, unixepoch())", arguments: [key.hex, text])
        }
    }

    /// How `artifact` came to be, each time it did, the newest first; at most `limit`.
    package func records(of artifact: Digest, limit: Int = 50) async throws -> [BuildRecord] {
        var records: [BuildRecord] = []
        for digest in try await recordDigests(of: artifact, limit) {
            if let record = try await record(digest) { records.append(record) }
        }
        return records
    }

    /// How `artifact` came to be the last time, if that is still known.
    package func newestRecord(of artifact: Digest) async throws -> (digest: Digest, record: BuildRecord)? {
        guard let digest = try await recordDigests(of: artifact, 1).first, let record = try await record(digest) else { return nil }
        try await note(digest)
        return (digest, record)
    }

    private func recordDigests(of artifact: Digest, _ limit: Int) async throws -> [Digest] {
        try await index.read { database in
            try Row.fetchAll(
                database, sql: "SELECT record, size FROM artifactRecord WHERE artifact = ? ORDER BY sequence DESC LIMIT ?",
                arguments: [artifact.hex, limit]
            ).map { try Digest(hex: $0["record"] as String, sizeBytes: $0["size"]) }
        }
    }

    /// The build record named by `digest`; nil when it is not here.
    package func record(_ digest: Digest) async throws -> BuildRecord? {
        guard try await isListed(digest.hex, as: .record) != nil, let bytes = try await content.read(digest) else { return nil }
        return try CanonicalJSON.decode(BuildRecord.self, from: bytes)
    }

    private func artifact(_ digest: Digest, _ manifest: ArtifactManifest) async throws -> Artifact {
        let summary = try await trees.summary(manifest.root)
        return Artifact(digest: digest, manifest: manifest, sizeBytes: summary.bytes, fileCount: summary.files)
    }

    private func list(_ digest: Digest, as kind: Kind) async throws {
        guard try await isListed(digest.hex, as: kind) == nil else { return try await note(digest) }
        try await index.write {
            try $0.execute(
                sql: "INSERT OR IGNORE INTO object (hex, kind, size, savedAt, usedAt) VALUES (?, ?, ?, unixepoch(), unixepoch())",
                arguments: [digest.hex, kind.rawValue, digest.sizeBytes])
        }
    }

    private func note(_ digest: Digest) async throws { try await index.use("object", "hex", [digest.hex]) }

    private func isListed(_ hex: String, as kind: Kind) async throws -> Int64? {
        try await index.read {
            try Int64.fetchOne($0, sql: "SELECT size FROM object WHERE hex = ? AND kind = ?", arguments: [hex, kind.rawValue])
        }
    }
}
