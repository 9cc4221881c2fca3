internal import ForgeModel
internal import ForgeSystem
internal import GRDB

/// What a store holds.
package struct StoreStatistics: Hashable, Sendable {
    package let blobs: Int
    /// What the blobs take on the disk.
    package let bytes: Int64
    package let actions: Int
    package let artifacts: Int
    package let records: Int
    package let sources: Int
    /// Answers of package registries, files and documents.
    package let registryEntries: Int
    /// Folders that steps and servers stand on; they share the blobs' files.
    package let materialisedTrees: Int
    package let toolCaches: [ToolCacheEntry]
}

extension Store {
    package func statistics() async throws -> StoreStatistics {
        let caches = try await toolCaches.list()
        let usage = try await usage()
        let database = database
        return try await StoreFailure.reported(root) {
            let counts = try await database.pool.read { database in
                func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM " + sql) ?? 0 }
                return (
                    actions: try count("actionResult") + count("untrustedResult"), artifacts: try count("object WHERE kind = 'artifact'"),
                    records: try count("object WHERE kind = 'record'"), sources: try count("source"),
                    registryEntries: try count("registryEntry")
                )
            }
            let trees = try await BlockingPool.run {
                try Files.list(root + "/trees").reduce(0) { try $0 + Files.list("\(root)/trees/\($1)").count }
            }
            return StoreStatistics(
                blobs: usage.blobs, bytes: usage.bytes, actions: counts.actions, artifacts: counts.artifacts, records: counts.records,
                sources: counts.sources, registryEntries: counts.registryEntries, materialisedTrees: trees, toolCaches: caches)
        }
    }

    /// Number of the blobs, and what they take.
    package func usage() async throws -> (blobs: Int, bytes: Int64) {
        try await BlockingPool.run {
            try StoreFailure.reported(root) {
                var usage = (blobs: 0, bytes: Int64(0))
                for shard in try Files.list(root + "/blobs") {
                    for name in try Files.list("\(root)/blobs/\(shard)") {
                        guard let status = try FileStatus.of("\(root)/blobs/\(shard)/\(name)") else { continue }
                        usage.blobs += 1
                        usage.bytes += LiveSet.blocks(status.size)
                    }
                }
                return usage
            }
        }
    }
}
