internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// How far a transfer has come.
final class Progress: Sendable {
    private let state = Mutex<Int64>(0)
    var offset: Int64 {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

/// A small body in memory.
final class CollectedBytes: Sendable {
    private let state = Mutex<[UInt8]>([])
    var bytes: [UInt8] { state.withLock { $0 } }
    func restart() { state.withLock { $0 = [] } }
    func append(_ piece: UnsafeRawBufferPointer) { state.withLock { $0.append(contentsOf: piece) } }
}

/// A large body in a file, hashed while it comes.
final class BlobSink: Sendable {
    private struct State {
        var hasher = DigestHasher()
        var count: Int64 = 0
    }

    private let file: Descriptor
    private let path: String
    private let state = Mutex(State())

    init(_ path: String) throws {
        self.path = path
        file = try Descriptor.open(path, O_RDWR | O_CREAT | O_TRUNC)
    }

    /// How many bytes are here now.
    func append(_ piece: UnsafeRawBufferPointer) throws -> Int64 {
        try state.withLock { state in
            try file.write(piece, to: path)
            state.hasher.update(piece)
            state.count += Int64(piece.count)
            return state.count
        }
    }

    func restart() throws {
        try state.withLock { state in
            guard ftruncate(file.raw, 0) == 0 else { throw SystemError.last("ftruncate", path) }
            try file.rewind()
            state = State()
        }
    }

    func finish() -> Digest { state.withLock { $0.hasher.finish() } }
}
