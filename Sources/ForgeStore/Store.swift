internal import ForgeModel
internal import ForgeSystem

/// Everything Forge keeps on this machine, below one folder that only its owner may enter: `blobs/`, `trees/` (materialised trees),
/// `complete/` (which trees were found whole), `leases/` (what running processes count on), `flights/` (actions being executed), `tmp/`
/// and `index.sqlite`.
package struct Store: Sendable {
    package let content: FileContentStore
    package let trees: TreeStore
    package let actions: SQLiteActionCache
    package let artifacts: ArtifactStore
    package let toolCaches: ToolCaches
    package let registries: RegistryEntries
    package let sources: SourceIndex
    package let images: ImageIndex
    package let collector: GarbageCollector
    package let verifier: StoreVerifier
    /// Where what is not stored yet may be kept while the process lives.
    package var temporary: String { content.temporary }
    /// Locks of the actions that are being executed.
    package let flights: String
    let root: String
    let database: Database

    private init(root: String, content: FileContentStore, database: Database) {
        let index = StoreIndex(database: database, path: root + "/index.sqlite")
        self.root = root
        self.content = content
        self.database = database
        trees = TreeStore(content: content, root: root)
        actions = SQLiteActionCache(index: index)
        artifacts = ArtifactStore(content: content, trees: trees, index: index)
        toolCaches = ToolCaches(trees: trees, index: index)
        registries = RegistryEntries(content: content, index: index)
        sources = SourceIndex(index: index)
        images = ImageIndex(trees: trees, index: index)
        collector = GarbageCollector(root: root, content: content, trees: trees, database: database)
        verifier = StoreVerifier(root: root, content: content, trees: trees, database: database)
        flights = root + "/flights"
    }

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
                try LeaseReader.sweep(root)
                let database = try Database.open(root + "/index.sqlite", migrator: StoreSchema.migrator)
                return Store(root: root, content: content, database: database)
            }
            withExtendedLifetime(lock) {}
            return store
        }
    }
}
