package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// The tree with these symbolic links laid over it, each in the place of whatever stands there.
    /// - Throws: `archive.unsafe-path` for a link that leaves the tree; `name` is for the message.
    package func link(_ root: Digest, _ links: [(path: RelativePath, target: String)], named name: String) async throws -> Digest {
        guard !links.isEmpty else { return root }
        let over = try await BlockingPool.run {
            try BlobBatch.publishing(to: content) { batch in
                let contents = ArchiveContents(name: name, rules: .package)
                for link in links { try contents.add(.symlink(target: link.target), at: link.path) }
                return try contents.stage(in: batch)
            }
        }
        return try await merge([root, over])
    }
}
