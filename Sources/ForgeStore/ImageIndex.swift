package import ForgeModel
internal import GRDB

/// The root file system of an image, unpacked.
package struct StoredImage: Hashable, Sendable, Codable {
    /// SHA-256 of the manifest or index it was asked for by.
    package let digest: String
    package let platform: Platform
    /// Merkle root of its files, whiteouts applied.
    package let root: Digest
    /// Folders of the image's own `PATH`.
    package let path: [String]
    /// The name it was last pulled by; for people.
    package let name: String
    /// What its manifests and its configuration are, as they were pulled.
    package let documents: [Digest]

    package init(digest: String, platform: Platform, root: Digest, path: [String], name: String, documents: [Digest]) {
        self.digest = digest
        self.platform = platform
        self.root = root
        self.path = path
        self.name = name
        self.documents = documents
    }
}

/// Images that were pulled: kept as long as they are used.
package struct ImageIndex: Sendable {
    private let trees: TreeStore
    private let index: StoreIndex

    init(trees: TreeStore, index: StoreIndex) {
        self.trees = trees
        self.index = index
    }

    /// The image, if it was pulled and all of it is still here; then no collector takes any of it while this process lives.
    package func load(_ digest: String, for platform: Platform) async throws -> StoredImage? {
        let key = Self.key(digest, platform)
        let text = try await index.read {
            try String.fetchOne($0, sql: "SELECT image FROM image WHERE key = ?", arguments: [key])
        }
        guard let text, let image = try? CanonicalJSON.decode(StoredImage.self, from: Array(text.utf8)),
            try await trees.acquire(image.root)
        else { return nil }
        try await index.use("image", "key", [key])
        return image
    }

    /// Call once all of it is stored. Durable on return.
    package func save(_ image: StoredImage) async throws {
        let text = String(decoding: try CanonicalJSON.encode(image), as: UTF8.self)
        try await index.write {
            try $0.execute(
                sql: "INSERT OR REPLACE INTO image VALUES (?, ?, unixepoch())",
                arguments: [Self.key(image.digest, image.platform), text])
        }
    }

    static func key(_ digest: String, _ platform: Platform) -> String { "\(digest) \(platform)" }
}

extension StoreRoot.Owner {
    static func image(_ image: StoredImage) -> StoreRoot.Owner { .image(digest: image.digest, platform: image.platform) }
}
