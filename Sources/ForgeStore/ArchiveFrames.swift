internal import CZstd
internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// Compressed pieces of archives, made or taken from those that earlier archives left behind.
struct ArchiveFrames: Sendable {
    let content: FileContentStore
    /// Where they are kept: by the digest of what they follow from, each behind its own SHA-256.
    let folder: String
    private let contexts = CompressionContexts()

    init(content: FileContentStore, folder: String) {
        self.content = content
        self.folder = folder
    }

    /// The zstd frame of a piece. Blocking.
    /// - Throws: `store.missing-blob`
    func frame(of piece: ArchivePieces.Piece) throws -> [UInt8] {
        let key = piece.key
        let path = "\(folder)/\(key.hex.prefix(2))/\(key.hex)"
        if let kept = kept(path) { return kept }
        let frame = try compressed(ArchiveWriter(content: content).bytes(of: piece))
        // Only saves time.
        try? keep(frame, path)
        return frame
    }

    /// Large files are read in parts; whether these are of the file they are named for is known when all of it was read.
    /// - Throws: `store.missing-blob`
    func check(_ pieces: [ArchivePieces.Piece]) async throws {
        let large = pieces.compactMap { piece -> Digest? in
            if case .part(let file, let range) = piece, range.lowerBound == 0 { file.digest } else { nil }
        }
        _ = try await Parallel.map(large, chunk: 1) { digest in
            guard try content.forEachChunk(of: digest, { _ in }) else { throw StoreFailure.missing(digest) }
        }
    }

    private func kept(_ path: String) -> [UInt8]? {
        guard let bytes = (try? Files.read(path)) ?? nil, bytes.count > 32 else { return nil }
        let frame = Array(bytes[32...])
        return Digest(of: frame).hash.elementsEqual(bytes[..<32]) ? frame : nil
    }

    private func keep(_ frame: [UInt8], _ path: String) throws {
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        try Files.replace(path, with: Digest(of: frame).hash + frame, mode: 0o600)
    }

    private func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
        let context = try contexts.take()
        defer { contexts.give(context) }
        var result = 0
        let frame = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { buffer, count in
            result = bytes.withUnsafeBytes { ZSTD_compress2(context, buffer.baseAddress, buffer.count, $0.baseAddress, $0.count) }
            count = ZSTD_isError(result) == 0 ? result : 0
        }
        guard ZSTD_isError(result) == 0 else {
            throw ForgeError(.store, "out.failed", "cannot compress the archive: \(String(cString: ZSTD_getErrorName(result)))")
        }
        return frame
    }
}

/// Compressors of zstd, made once and used by one thread at a time.
private final class CompressionContexts: Sendable {
    private static let level: Int32 = 3

    /// Pointers to `ZSTD_CCtx`, as numbers because pointers may not cross threads unseen.
    private let idle = Mutex<[UInt]>([])

    deinit {
        for context in idle.withLock({ $0 }) { ZSTD_freeCCtx(OpaquePointer(bitPattern: context)) }
    }

    func take() throws -> OpaquePointer {
        if let context = idle.withLock({ $0.popLast() }).flatMap({ OpaquePointer(bitPattern: $0) }) { return context }
        guard let context = ZSTD_createCCtx() else { throw SystemError("ZSTD_createCCtx", "archive", errno: ENOMEM) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Self.level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        return context
    }

    func give(_ context: OpaquePointer) { idle.withLock { $0.append(UInt(bitPattern: context)) } }
}
