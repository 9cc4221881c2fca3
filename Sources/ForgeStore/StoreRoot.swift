package import ForgeModel
internal import Foundation
internal import ForgeREAPI
internal import GRDB
internal import SwiftProtobuf

/// Something in the index for whose sake blobs are kept.
package struct StoreRoot: Sendable {
    package enum Owner: Hashable, Sendable {
        /// Of a step's execution; `scope` names who made it when it was untrusted.
        case action(hex: String, scope: String)
        case artifact(Digest)
        case record(Digest)
        case toolCache(ToolCacheKey)
        case source(Digest)
        /// `digest` in hexadecimal digits.
        case image(digest: String, platform: Platform)
        case registry(RegistryEntryKey)
    }

    package let owner: Owner
    /// Merkle roots of all that is to stay whole.
    package let trees: [Digest]
    /// Blobs besides, by hex.
    package let blobs: [String]
    /// Seconds since 1970.
    package let usedAt: Int64
}

extension StoreRoot.Owner: CustomStringConvertible {
    package var description: String {
        switch self {
        case .action(let hex, let scope): "action sha256:\(hex)" + (scope.isEmpty ? "" : " of `\(scope)`")
        case .artifact(let digest): "artifact \(digest)"
        case .record(let digest): "build record \(digest)"
        case .toolCache(let key): "tool cache `\(key.path)` of `\(key.project)`"
        case .source(let digest): "source \(digest)"
        case .image(let digest, let platform): "image sha256:\(digest) for \(platform)"
        case .registry(let key): "`\(key.url)`"
        }
    }
}

/// Reads the roots of a store from its index, and takes those out that are given up.
struct RootIndex {
    let database: Database
    let content: FileContentStore

    /// The most recently used first.
    func roots() throws -> [StoreRoot] {
        let roots = try database.pool.read { database in
            try actions(database) + objects(database) + toolCaches(database) + sources(database) + images(database) + registries(database)
        }
        return roots.sorted { ($1.usedAt, "\($0.owner)") < ($0.usedAt, "\($1.owner)") }
    }

    private func actions(_ database: GRDB.Database) throws -> [StoreRoot] {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT '' AS scope, action, result, usedAt FROM actionResult
                UNION ALL SELECT scope, action, result, usedAt FROM untrustedResult
                """)
        return rows.compactMap { row in
            let (hex, text): (String, String) = (row["action"], row["result"])
            // What cannot be read is a miss for whoever asks, so nothing is kept for it.
            guard let result = try? CanonicalJSON.decode(ActionResult.self, from: Array(text.utf8)) else { return nil }
            return StoreRoot(
                owner: .action(hex: hex, scope: row["scope"]), trees: [result.outputs],
                blobs: [hex, result.log.hex] + command(of: hex), usedAt: row["usedAt"])
        }
    }

    private func command(of action: String) -> [String] {
        guard let digest = content.digest(ofHash: action), let bytes = try? content.readNow(digest),
            let message = try? Build_Bazel_Remote_Execution_V2_Action(serializedBytes: bytes)
        else { return [] }
        return [message.commandDigest.hash]
    }

    private func objects(_ database: GRDB.Database) throws -> [StoreRoot] {
        try Row.fetchAll(database, sql: "SELECT hex, kind, size, usedAt FROM object").compactMap { row in
            let (hex, kind): (String, String) = (row["hex"], row["kind"])
            let digest = try Digest(hex: hex, sizeBytes: row["size"])
            let bytes = try content.readNow(digest)
            if kind == "artifact" {
                let manifest = bytes.flatMap { try? CanonicalJSON.decode(ArtifactManifest.self, from: $0) }
                return StoreRoot(owner: .artifact(digest), trees: manifest.map(\.trees) ?? [], blobs: [hex], usedAt: row["usedAt"])
            }
            let record = bytes.flatMap { try? CanonicalJSON.decode(BuildRecord.self, from: $0) }
            return StoreRoot(owner: .record(digest), trees: [], blobs: [hex] + (record.map { [$0.plan.hex] } ?? []), usedAt: row["usedAt"])
        }
    }

    private func toolCaches(_ database: GRDB.Database) throws -> [StoreRoot] {
        try Row.fetchAll(database, sql: "SELECT * FROM toolCache").compactMap(ToolCacheEntry.init).map {
            StoreRoot(owner: .toolCache($0.key), trees: [$0.root], blobs: [], usedAt: $0.savedAt)
        }
    }

    private func sources(_ database: GRDB.Database) throws -> [StoreRoot] {
        try Row.fetchAll(database, sql: "SELECT root, usedAt FROM source").compactMap { row in
            DigestText.digest(row["root"]).map { StoreRoot(owner: .source($0), trees: [$0], blobs: [], usedAt: row["usedAt"]) }
        }
    }

    private func images(_ database: GRDB.Database) throws -> [StoreRoot] {
        try Row.fetchAll(database, sql: "SELECT image, usedAt FROM image").compactMap { row in
            guard let image = try? CanonicalJSON.decode(StoredImage.self, from: Array((row["image"] as String).utf8)) else { return nil }
            return StoreRoot(owner: .image(image), trees: [image.root], blobs: image.documents.map(\.hex), usedAt: row["usedAt"])
        }
    }

    private func registries(_ database: GRDB.Database) throws -> [StoreRoot] {
        try Row.fetchAll(database, sql: "SELECT scope, url, variant, body, usedAt FROM registryEntry").compactMap { row in
            DigestText.digest(row["body"]).map { body in
                StoreRoot(
                    owner: .registry(RegistryEntryKey(scope: row["scope"], url: row["url"], variant: row["variant"])), trees: [],
                    blobs: [body.hex], usedAt: row["usedAt"])
            }
        }
    }

    /// Takes the roots out of the index, but for those that were used since they were read. Durable on return.
    func remove(_ roots: [StoreRoot]) throws {
        try database.pool.write { database in
            for root in roots {
                switch root.owner {
                case .action(let hex, ""):
                    try database.execute(sql: "DELETE FROM actionResult WHERE action = ? AND usedAt = ?", arguments: [hex, root.usedAt])
                case .action(let hex, let scope):
                    try database.execute(
                        sql: "DELETE FROM untrustedResult WHERE scope = ? AND action = ? AND usedAt = ?",
                        arguments: [scope, hex, root.usedAt])
                case .artifact(let digest), .record(let digest):
                    try database.execute(sql: "DELETE FROM object WHERE hex = ? AND usedAt = ?", arguments: [digest.hex, root.usedAt])
                case .toolCache(let key):
                    try database.execute(
                        sql: "DELETE FROM toolCache WHERE project = ? AND scope = ? AND path = ? AND lockfile = ? AND savedAt = ?",
                        arguments: [key.project, key.trust.scope, key.path.string, key.lockfile?.hex ?? "", root.usedAt])
                case .registry(let key):
                    try database.execute(
                        sql: "DELETE FROM registryEntry WHERE scope = ? AND url = ? AND variant = ? AND usedAt = ?",
                        arguments: [key.scope, key.url, key.variant, root.usedAt])
                case .source(let digest):
                    try database.execute(
                        sql: "DELETE FROM source WHERE root = ? AND usedAt = ?", arguments: [DigestText.of(digest), root.usedAt])
                case .image(let digest, let platform):
                    try database.execute(
                        sql: "DELETE FROM image WHERE key = ? AND usedAt = ?", arguments: [ImageIndex.key(digest, platform), root.usedAt])
                }
            }
            try database.execute(
                sql: """
                    DELETE FROM artifactRecord WHERE artifact NOT IN (SELECT hex FROM object) OR record NOT IN (SELECT hex FROM object);
                    DELETE FROM assembly WHERE usedAt < unixepoch() - 30 * 86400;
                    """)
        }
    }
}
