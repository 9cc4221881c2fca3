package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// A tree that holds `root` at `path` and nothing else.
    package func nest(_ root: Digest, at path: RelativePath) async throws -> Digest {
        guard !path.isRoot else { return root }
        return try await BlockingPool.run {
            try BlobBatch.publishing(to: content) { batch in
                try path.components.reversed().reduce(root) { below, name in
                    var parent = DirectoryMessage()
                    parent.directories = [.init(name: name, digest: below)]
                    return try batch.add(parent.canonicalBytes())
                }
            }
        }
    }
}
