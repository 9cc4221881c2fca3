package import ForgeModel
package import ForgeSystem
internal import Glibc

/// Blobs as files: `blobs/ab/<hex>`, and `blobs/ab/<hex>.x` where the same bytes are needed as a program.
///
/// Two files, because a hard link shares its mode and materialised trees are hard links. Modes are 0644 and 0755, owner
/// writable: a build step sees the file through a read-only id-mapped layer of an overlay and must be able to write to
/// the copy the overlay makes of it, without CAP_DAC_OVERRIDE. What protects the blob is that layer, not its mode.
/// Times are 1980-01-01, the earliest a zip file can hold. Several processes share one store.
package struct FileContentStore: ContentStore {
    /// The time of every file and folder that a build step can see.
    package static let modificationTime: Int64 = 315_532_800

    let root: String
    /// What this process counts on.
    let lease: StoreLease
    var temporary: String { root + "/tmp" }

    /// Opens the store at `root`, making its folders when they are missing.
    package init(root: String) throws {
        self.root = root
        lease = StoreLease.shared(root: root)
        try StoreFailure.reported(root) {
            for folder in ["", "/blobs", "/tmp"] { try Files.makeDirectory(root + folder, mode: 0o700) }
        }
    }

    /// Where the blob lies, if it is here. The executable copy exists only after `makeExecutable`.
    package func path(of digest: Digest, executable: Bool) -> String {
        "\(root)/blobs/\(digest.hex.prefix(2))/\(digest.hex)\(executable ? ".x" : "")"
    }

    /// The digest of a hash as a person types it: the size comes from the disk. Nil when no such blob is here.
    package func digest(ofHash hex: String) -> Digest? {
        guard let bare = try? Digest(hex: hex, sizeBytes: 0),
            let status = try? FileStatus.of(path(of: bare, executable: false)), status.kind == .file
        else { return nil }
        return try? Digest(hex: hex, sizeBytes: status.size)
    }

    package func contains(_ digest: Digest) async throws -> Bool {
        await BlockingPool.run { holds(digest) }
    }

    package func read(_ digest: Digest) async throws -> [UInt8]? {
        try await BlockingPool.run { try readNow(digest) }
    }

    package func write(_ bytes: [UInt8]) async throws -> Digest {
        try await BlockingPool.run { try writeNow(bytes) }
    }
}

/// The same, blocking: for work that is off the cooperative pool already.
extension FileContentStore {
    /// Whether a file of the right name and size is there that nobody has written to since. Its bytes are checked when they are read.
    package func holds(_ digest: Digest, executable: Bool = false) -> Bool {
        guard let signature = FileSignature.of(path(of: digest, executable: executable)) else { return false }
        return signature.isFile && signature.size == digest.sizeBytes && signature.modified == Self.modificationTime * 1_000_000_000
    }

    package func readNow(_ digest: Digest) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(clamping: min(digest.sizeBytes, 1 << 28)))
        let found = try forEachChunk(of: digest) { bytes.append(contentsOf: $0) }
        return found ? bytes : nil
    }

    package func writeNow(_ bytes: [UInt8]) throws -> Digest {
        try BlobBatch.publishing(to: self) { try $0.add(bytes) }
    }

    /// Stores the rest of an open regular file, in constant memory; durable on return.
    package func ingest(_ file: Descriptor) throws -> Digest {
        try BlobBatch.publishing(to: self) { batch in
            try batch.add {
                try file.rewind()
                try file.forEachChunk($0)
            }
        }
    }

    /// Hands the blob to `body` piece by piece; false when it is not here or turned out to be damaged, which is known
    /// only at the end: what `body` made of it must then be thrown away. A damaged blob is removed.
    func forEachChunk(of digest: Digest, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        let path = path(of: digest, executable: false)
        let file: Descriptor
        do { file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW) } catch let error as SystemError where error.isNotFound {
            return false
        }
        var hasher = DigestHasher()
        var failure: (any Error)?
        try StoreFailure.reported(path) {
            try file.forEachChunk { bytes in
                hasher.update(bytes)
                guard failure == nil else { return }
                do { try body(bytes) } catch { failure = error }
            }
        }
        if let failure { throw failure }
        if hasher.finish() == digest { return true }
        try discardDamaged(digest, file)
        return false
    }

    /// Materialised trees share the damaged file; they are put out of use too. They go to a folder that is swept after
    /// this process's end, since a running step may still stand on one.
    private func discardDamaged(_ digest: Digest, _ file: Descriptor) throws {
        try StoreFailure.reported(root) {
            let status = try file.status()
            let path = path(of: digest, executable: false)
            if try FileStatus.of(path)?.inode == status.inode { unlink(path) }
            try MaterializedTrees(root: root, content: self).retire(holding: status)
        }
    }

    /// Takes blobs out of the store, wherever they came from: what they stand for becomes a miss.
    func remove(_ digests: some Sequence<Digest>) throws {
        for digest in digests {
            for executable in [false, true] where unlink(path(of: digest, executable: executable)) < 0 && errno != ENOENT {
                throw SystemError.last("unlink", digest.hex)
            }
        }
    }

    /// Makes the executable copies that are missing, durably.
    /// - Throws: `store.missing-blob`
    package func makeExecutable(_ digests: some Sequence<Digest>) throws {
        let missing = digests.filter { !holds($0, executable: true) }
        guard !missing.isEmpty else { return }
        try BlobBatch.publishing(to: self) { batch in
            for digest in missing { try batch.addExecutable(digest) }
        }
    }
}
