package import ForgeModel
internal import ForgeSystem
internal import Glibc

extension TreeStore {
    /// The files of a tree that do not have the bytes they are named for, or are not here; sorted. Every byte is read, from where
    /// a server would read it. What is damaged is taken out of use, so that nobody meets it again.
    package func damagedFiles(_ root: Digest) async throws -> [String] {
        let listing: TreeListing
        let folder: String
        do {
            listing = try await BlockingPool.run { try TreeListing(of: root, in: self) }
            folder = try await materialize(root)
        } catch let error as ForgeError where error.code == "store.missing-blob" { return ["\(error.message)"] }
        return try await Parallel.map(listing.files) { file in
            let path = "\(folder)/\(file.path)"
            guard try !Self.isWhole(path, file.digest) else { return nil }
            try discard(path, file)
            return "`\(file.path)`"
        }.compactMap(\.self).sorted()
    }

    private static func isWhole(_ path: String, _ digest: Digest) throws -> Bool {
        let file: Descriptor
        do { file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW) } catch let error as SystemError where error.isNotFound {
            return false
        }
        var hasher = DigestHasher()
        try file.forEachChunk { hasher.update($0) }
        return hasher.finish() == digest
    }

    private func discard(_ path: String, _ file: TreeListing.File) throws {
        guard let damaged = try FileStatus.of(path) else { return }
        for isExecutable in [false, true] {
            let blob = content.path(of: file.digest, executable: isExecutable)
            if try FileStatus.of(blob)?.inode == damaged.inode { unlink(blob) }
        }
        try MaterializedTrees(root: root, content: content).retire(holding: damaged)
    }
}
