package import ForgeModel
internal import ForgeSystem
internal import Glibc

extension TreeStore {
    /// Writes the tree as a `tar.zst` to `file`, replacing a file that is there, and returns the archive's digest.
    ///
    /// Equal trees give equal bytes: entries by the bytes of their paths, times and ids zero, modes 0644 and 0755, pax headers only where the
    /// old format is too small. The stream is cut into pieces of some 256 KiB between entries (and inside large files), and each is a frame of
    /// its own at level 3, so that both cores work, an unchanged piece of an earlier archive is taken as it was compressed then, and memory
    /// does not grow with the tree. Another version of libarchive or zstd may write other bytes; the artifact's own digest does not depend on
    /// this.
    ///
    /// Not flushed to the disk: a reader sees the old file or the whole new one, a power cut may leave neither.
    /// Source: RFC 8878, section 3.1: frames follow each other independently.
    /// - Throws: `out.not-a-file`, `out.failed`, `out.no-space`, `store.missing-blob`
    package func archive(_ root: Digest, to file: String) async throws -> Digest {
        let place = try await BlockingPool.run { try ExportPlace(file, suffix: "archive", mustBe: .file, replace: true) }
        let pieces = try await BlockingPool.run { try ArchivePieces(of: TreeListing(of: root, in: self)).pieces }
        let frames = ArchiveFrames(content: content, folder: self.root + "/frames")
        return try await place.filled { work in
            let path = work + "/archive"
            let file = try await BlockingPool.run { try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o644) }
            var hasher = DigestHasher()
            // A few at a time: what is compressed and not yet written is all that lies in memory.
            for start in stride(from: 0, to: pieces.count, by: Self.portion) {
                let made = try await Parallel.map(Array(pieces[start..<min(start + Self.portion, pieces.count)]), chunk: 1) {
                    try frames.frame(of: $0)
                }
                for bytes in made {
                    bytes.withUnsafeBytes { hasher.update($0) }
                    try file.write(bytes, to: path)
                }
            }
            try await frames.check(pieces)
            try await BlockingPool.run { try Files.move(path, over: place.path) }
            return hasher.finish()
        }
    }

    private static let portion = 32
}
