internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// New blobs on their way into the store.
///
/// They are written to a folder of their own, flushed together, and only then get their names: a name in `blobs/` never
/// stands for bytes that a power cut can still take. One `syncfs` before the renames and one after them serve a whole
/// tree, where an fsync of each of 10,000 small files would take minutes; nothing is flushed when nothing was new.
/// A batch whose process dies leaves a folder that the next `Store.open` sweeps.
final class BlobBatch: Sendable {
    private struct Key: Hashable {
        let digest: Digest
        let executable: Bool
    }

    private struct State {
        var folder: TemporaryDirectory?
        var staged: [Key: String] = [:]
        /// What was in the store already.
        var found: Set<Key> = []
        var count = 0
    }

    /// A collector took away what had been found: the batch is to be made once more.
    private struct Overtaken: Error {}
    private static let attempts = 5

    /// Files up to this size are hashed in memory and written in one go; larger ones are read twice.
    static let small = 1 << 20

    private let store: FileContentStore
    private let state = Mutex(State())
    private let epoch: CollectorEpoch

    private init(store: FileContentStore) {
        self.store = store
        epoch = CollectorEpoch(of: store.root)
    }

    /// Runs `body` with a fresh batch, then publishes what it added. Nothing stays behind when it fails. `body` may be run again.
    static func publishing<Value>(to store: FileContentStore, _ body: (BlobBatch) throws -> Value) throws -> Value {
        try StoreFailure.reported(store.root) {
            for _ in 1..<attempts {
                do { return try publishOnce(to: store, body) } catch is Overtaken {}
            }
            return try publishOnce(to: store, body)
        }
    }

    private static func publishOnce<Value>(to store: FileContentStore, _ body: (BlobBatch) throws -> Value) throws -> Value {
        let batch = BlobBatch(store: store)
        defer { batch.discard() }
        let value = try body(batch)
        try batch.publish()
        return value
    }

    /// The same for a body that spreads its work.
    static func publishing<Value: Sendable>(
        to store: FileContentStore, _ body: @Sendable (BlobBatch) async throws -> Value
    ) async throws -> Value {
        var attempt = 1
        while true {
            let batch = BlobBatch(store: store)
            do {
                let value = try await body(batch)
                try await BlockingPool.run { try batch.publish() }
                await BlockingPool.run { batch.discard() }
                return value
            } catch {
                await BlockingPool.run { batch.discard() }
                guard error is Overtaken, attempt < attempts else { throw StoreFailure.translated(error, store.root) }
                attempt += 1
            }
        }
    }

    /// Whether the store has the bytes; they are then counted on.
    func holds(_ digest: Digest) -> Bool {
        let key = Key(digest: digest, executable: false)
        guard store.holds(digest) else { return false }
        state.withLock { _ = $0.found.insert(key) }
        return true
    }

    @discardableResult
    func add(_ bytes: [UInt8]) throws -> Digest {
        let digest = Digest(of: bytes)
        try stage(Key(digest: digest, executable: false)) { file, path in try file.write(bytes, to: path) }
        return digest
    }

    /// Stores what `produce` hands out in pieces. It is asked a second time when the whole is large and new.
    func add(_ produce: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> Digest {
        var hasher = DigestHasher()
        var kept: [UInt8]? = []
        try produce { bytes in
            hasher.update(bytes)
            if let size = kept?.count, size + bytes.count <= BlobBatch.small { kept?.append(contentsOf: bytes) } else { kept = nil }
        }
        let digest = hasher.finish()
        let key = Key(digest: digest, executable: false)
        if let kept {
            try stage(key) { file, path in try file.write(kept, to: path) }
            return digest
        }
        return holds(digest) || state.withLock({ $0.staged[key] != nil }) ? digest : try addStream(produce)
    }

    /// Stores what `produce` hands out, once, in pieces. The digest of what was copied counts: a file may have changed since it was hashed.
    func addStream(_ produce: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void) throws -> Digest {
        let path = try newPath()
        var hasher = DigestHasher()
        try write(path, mode: 0o644) { file, path in
            try produce { bytes in
                hasher.update(bytes)
                try file.write(bytes, to: path)
            }
        }
        let digest = hasher.finish()
        if !claim(Key(digest: digest, executable: false), path) { unlink(path) }
        return digest
    }

    /// A second file with the bytes of a stored blob, for trees in which it is a program.
    func addExecutable(_ digest: Digest) throws {
        try stage(Key(digest: digest, executable: true)) { file, path in
            guard try store.forEachChunk(of: digest, { try file.write($0, to: path) }) else { throw StoreFailure.missing(digest) }
        }
    }

    private func stage(_ key: Key, _ fill: (Descriptor, String) throws -> Void) throws {
        if store.holds(key.digest, executable: key.executable) { return state.withLock { _ = $0.found.insert(key) } }
        let path = try newPath()
        guard claim(key, path) else { return }
        try write(path, mode: key.executable ? 0o755 : 0o644, fill)
    }

    private func claim(_ key: Key, _ path: String) -> Bool {
        state.withLock { state in
            guard state.staged[key] == nil else { return false }
            state.staged[key] = path
            return true
        }
    }

    private func newPath() throws -> String {
        try state.withLock { state in
            let folder = try state.folder ?? TemporaryDirectory(in: store.temporary, prefix: "blobs")
            state.folder = folder
            state.count += 1
            return "\(folder.path)/\(state.count)"
        }
    }

    private func write(_ path: String, mode: UInt32, _ fill: (Descriptor, String) throws -> Void) throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        try fill(file, path)
        try file.setMode(mode)
        try file.setTimes(FileContentStore.modificationTime)
    }

    private func publish() throws {
        let (staged, found) = state.withLock { ($0.staged, $0.found) }
        guard !(staged.isEmpty && found.isEmpty) else { return }
        try store.lease.claim(.blob, Set((Array(staged.keys) + found).map(\.digest))) {
            guard epoch == CollectorEpoch(of: store.root) || found.allSatisfy({ store.holds($0.digest, executable: $0.executable) })
            else { throw Overtaken() }
        }
        guard !staged.isEmpty else { return }
        let disk = try Descriptor.open(store.temporary, O_RDONLY | O_DIRECTORY)
        try disk.syncFileSystem()
        for (key, path) in staged {
            try publish(key, path)
        }
        try disk.syncFileSystem()
    }

    /// A blob that came meanwhile stays: who is just linking to it would find it gone if its name passed to another file.
    private func publish(_ key: Key, _ path: String) throws {
        let target = store.path(of: key.digest, executable: key.executable)
        for _ in 0..<2 {
            do { return try Files.renameNew(path, to: target) } catch let error as SystemError where error.isNotFound {
                try Files.makeDirectory(Files.parent(of: target), mode: 0o700)
            } catch let error as SystemError where error.errno == EEXIST {
                break
            }
        }
        if !store.holds(key.digest, executable: key.executable) { try Files.move(path, over: target) }
    }

    private func discard() {
        let folder = state.withLock { state in
            defer { state.folder = nil }
            return state.folder
        }
        // A folder that cannot be removed now is swept by the next process; the caller's own failure matters more.
        try? folder?.remove()
    }
}
