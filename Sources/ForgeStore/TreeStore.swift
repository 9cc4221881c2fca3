package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

/// Merkle trees of files: canonical Remote Execution API `Directory` messages, kept as blobs beside the files they name.
///
/// Names are UTF-8; of a file's mode only the owner's executable bit counts; times, owners and set-id bits do not.
/// Empty directories are kept. Equal trees have equal digests wherever they were made.
package struct TreeStore: Sendable {
    let content: FileContentStore
    let root: String

    /// `root` is the store's folder: materialised trees lie in its `trees/`.
    package init(content: FileContentStore, root: String) {
        self.content = content
        self.root = root
    }

    /// Stores all of `source` but what `excluding` names (with what lies below it) and returns the tree's digest. Everything
    /// the digest stands for is durable on return. A folder that holds nothing but excluded paths is left out. A file whose
    /// digest `source` knows and whose bytes are here is not read. `learned` is told every file's digest, from several threads.
    package func ingest(
        _ source: any SourceTree, excluding: @escaping @Sendable (RelativePath) -> Bool = { _ in false },
        learned: (@Sendable (RelativePath, Digest) -> Void)? = nil
    ) async throws -> Digest {
        let skeleton = try await BlockingPool.run { try TreeSkeleton(of: source, excluding: excluding) }
        return try await ingest(skeleton) { [content] path, batch in
            if let known = try source.knownDigest(of: path), content.holds(known) {
                learned?(path, known)
                return known
            }
            let digest = try batch.add { body in
                guard try source.forEachChunk(of: path, body) else {
                    throw ForgeError(
                        .usage, "source.changed", "`\(path)` went away while it was read", hint: "run again once it is at rest")
                }
            }
            learned?(path, digest)
            return digest
        }
    }

    func ingest(
        _ skeleton: TreeSkeleton,
        reading: @escaping @Sendable (RelativePath, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) async throws -> Digest {
        try await ingest(skeleton) { path, batch in try batch.add { body in try reading(path, body) } }
    }

    /// - Parameter adding: stores a file, by way of the batch unless it is here, and gives its digest.
    func ingest(
        _ skeleton: TreeSkeleton, adding: @escaping @Sendable (RelativePath, BlobBatch) throws -> Digest
    ) async throws -> Digest {
        try await BlobBatch.publishing(to: content) { batch in
            let digests = try await Parallel.map(skeleton.files) { path in try adding(path, batch) }
            return try await BlockingPool.run { try skeleton.stage(in: batch, digests: digests) }
        }
    }

    /// The directory named by `digest`.
    /// - Throws: `store.missing-blob`, `store.malformed-tree`
    func directory(_ digest: Digest) throws -> DirectoryMessage {
        guard let bytes = try content.readNow(digest) else { throw StoreFailure.missing(digest) }
        return try DirectoryMessage(validating: bytes, named: digest)
    }

    /// The tree as a `SourceTree`, so that what reads sources reads stored trees too. Nothing is read yet.
    package func sourceTree(_ root: Digest) -> StoredTree { StoredTree(trees: self, root: root) }
}

/// What a tree amounts to.
package struct TreeSummary: Hashable, Sendable {
    /// Files and symbolic links.
    package var files: Int
    /// Directories below the root.
    package var directories: Int
    /// Sum of the files' sizes, each time a file occurs.
    package var bytes: Int64

    package init(files: Int, directories: Int, bytes: Int64) {
        self.files = files
        self.directories = directories
        self.bytes = bytes
    }
}
