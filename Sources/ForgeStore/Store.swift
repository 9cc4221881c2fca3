internal import ForgeModel
internal import ForgeSystem

/// Everything Forge keeps on this machine, below one folder that only its owner may enter:
/// `blobs/`, `trees/` (materialised trees), `tmp/` and `index.sqlite`.
package struct Store: Sendable {
    package let content: FileContentStore
    package let trees: TreeStore
    package let actions: SQLiteActionCache
    package let artifacts: ArtifactStore
    package let toolCaches: ToolCaches
    /// Locks of the actions that are being executed.
    package let flights: String

    /// Opens or makes the store at `root` and removes what processes that died left in its `tmp/`. Several processes may
    /// have it open.
    /// - Throws: `store.no-space`, `store.permission`, `store.index-failed`, `store.failed`
    package static func open(at root: String) async throws -> Store {
        let content = try await BlockingPool.run { try FileContentStore(root: root) }
        return try await StoreFailure.reported(root) {
            // SQLite cannot switch a new file to its log while another process does the same.
            let lock = try await FileLock.acquire(root + "/open.lock")
            let store = try await BlockingPool.run {
                try Files.makeDirectory(root + "/trees", mode: 0o700)
                try TemporaryDirectory.sweep(content.temporary)
                let path = root + "/index.sqlite"
                let database = try Database.open(path, migrator: StoreSchema.migrator)
                let trees = TreeStore(content: content, root: root)
                return Store(
                    content: content, trees: trees, actions: SQLiteActionCache(database: database, path: path),
                    artifacts: ArtifactStore(content: content, trees: trees, database: database, path: path),
                    toolCaches: ToolCaches(trees: trees, database: database, path: path), flights: root + "/flights")
            }
            withExtendedLifetime(lock) {}
            return store
        }
    }
}
