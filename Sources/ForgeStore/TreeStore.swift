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
    /// the digest stands for is durable on return. A folder that holds nothing but excluded paths is left out.
    /// - Parameter learned: is told the digest of each file, in no order; afterwards, when all is stored.
    package func ingest(
        _ source: any SourceTree, excluding: @escaping @Sendable (RelativePath) -> Bool = { _ in false },
        learned: (@Sendable (RelativePath, Digest) -> Void)? = nil
    ) async throws -> Digest {
        let skeleton = try await BlockingPool.run { try TreeSkeleton(of: source, excluding: excluding) }
        return try await ingest(skeleton, known: { try source.knownDigest(of: $0) }, learned: learned) { path, body in
            guard try source.forEachChunk(of: path, body) else {
                throw ForgeError(.usage, "source.changed", "`\(path)` went away while it was read", hint: "run again once it is at rest")
            }
        }
    }

    func ingest(
        _ skeleton: TreeSkeleton, known: @escaping @Sendable (RelativePath) throws -> Digest? = { _ in nil },
        learned: (@Sendable (RelativePath, Digest) -> Void)? = nil,
        reading: @escaping @Sendable (RelativePath, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) async throws -> Digest {
        let (root, digests) = try await BlobBatch.publishing(to: content) { batch in
            let digests = try await Parallel.map(skeleton.files) { path in
                if let digest = try known(path), batch.holds(digest) { return digest }
                return try batch.add { body in try reading(path, body) }
            }
            return (try await BlockingPool.run { try skeleton.stage(in: batch, digests: digests) }, digests)
        }
        if let learned { zip(skeleton.files, digests).forEach(learned) }
        return root
    }

    /// The directory named by `digest`.
    /// - Throws: `store.missing-blob`, `store.malformed-tree`
    func directory(_ digest: Digest) throws -> DirectoryMessage {
        guard let bytes = try content.readNow(digest) else { throw StoreFailure.missing(digest) }
        return try DirectoryMessage(validating: bytes, named: digest)
    }

    /// Takes files out of the store that must not be kept; trees that hold them are damaged then.
    package func remove(files: [Digest]) throws { try content.remove(files) }

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
