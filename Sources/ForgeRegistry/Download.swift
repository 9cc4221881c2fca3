internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import NIOCore

/// A body on its way into a file, hashed as it comes. One owner at a time.
struct Download {
    /// Written at once: bytes that came one by one need not be.
    private static let portion = 256 << 10

    let path: String
    private let file: Descriptor
    private var hasher = BodyHasher()
    private var waiting = ByteBuffer()
    private(set) var size: Int64 = 0

    init(at path: String) async throws {
        self.path = path
        file = try await BlockingPool.run { try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW) }
    }

    mutating func add(_ bytes: ByteBuffer) async throws {
        bytes.withUnsafeReadableBytes { hasher.update($0) }
        size += Int64(bytes.readableBytes)
        waiting.writeImmutableBuffer(bytes)
        if waiting.readableBytes >= Self.portion { try await flush() }
    }

    private mutating func flush() async throws {
        let bytes = waiting
        waiting.clear()
        guard bytes.readableBytes > 0 else { return }
        try await BlockingPool.run { [file, path] in try bytes.withUnsafeReadableBytes { try file.write($0, to: path) } }
    }

    mutating func finish() async throws -> (hashes: BodyHashes, digest: Digest) {
        try await flush()
        let hashes = hasher.finish()
        guard let digest = Digest(hash: hashes.sha256, sizeBytes: size) else { throw SystemError("hash", path, errno: EIO) }
        return (hashes, digest)
    }
}
