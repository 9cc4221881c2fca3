internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// What the living users of a store count on, so that a collector leaves it alone.
///
/// A lease is a file below `leases/` that its process holds locked and writes the hash of everything into that it has put there or found
/// there. A death by whatever means releases it. What is written down is safe from then on: whoever looks whether something is in the
/// store writes first and looks then, both while holding the gate shared; a collector reads all leases and removes things while it holds the
/// gate alone. No clock is asked. What a process wrote down that ended during a collection still counts for it: the collector has read the
/// index before, and cannot know what that process recorded there.
final class StoreLease: Sendable {
    enum Kind: UInt8 {
        /// The bytes alone.
        case blob = 98
        /// A tree with all that it names.
        case tree = 116
    }

    /// Of one entry: its kind and the 32 bytes of a hash.
    static let entrySize = 33

    private let root: String
    private let file = Mutex<(file: Descriptor, lock: FileLock)?>(nil)
    /// What stands in the file already, so that asking again costs no second entry.
    private let known = Mutex<Set<Digest>>([])

    private static let open = Mutex<[String: WeakLease]>([:])

    private struct WeakLease { weak var lease: StoreLease? }

    private init(root: String) { self.root = root }

    /// The lease of this process on the store at `root`; it ends with its last holder.
    static func shared(root: String) -> StoreLease {
        open.withLock { open in
            if let lease = open[root]?.lease { return lease }
            let lease = StoreLease(root: root)
            open[root] = WeakLease(lease: lease)
            return lease
        }
    }

    static func folder(in root: String) -> String { root + "/leases" }
    static func gate(in root: String) -> String { root + "/gate.lock" }
    /// Held by whoever removes leases: a collector all the time.
    static func broom(in root: String) -> String { root + "/leases.lock" }

    /// Writes down that the digests are counted on, then lets `look` find out which of them are there.
    func claim<Value>(_ kind: Kind, _ digests: some Sequence<Digest>, look: () throws -> Value) throws -> Value {
        let fresh = kind == .tree ? known.withLock { known in digests.filter { !known.contains($0) } } : Array(digests)
        let gate = try FileLock.wait(Self.gate(in: root), exclusive: false)
        return try withExtendedLifetime(gate) {
            if !fresh.isEmpty {
                try append(fresh.flatMap { [kind.rawValue] + $0.hash })
                if kind == .tree { known.withLock { $0.formUnion(fresh) } }
            }
            return try look()
        }
    }

    private func append(_ bytes: [UInt8]) throws {
        try file.withLock { held in
            let lease = try held ?? Self.create(in: root)
            held = lease
            try lease.file.write(bytes, to: Self.folder(in: root))
        }
    }

    private static func create(in root: String) throws -> (Descriptor, FileLock) {
        let folder = folder(in: root)
        try Files.makeDirectory(folder, mode: 0o700)
        while true {
            let path = "\(folder)/\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36)).lease"
            guard let lock = try FileLock.attempt(path) else { continue }
            return (try Descriptor.open(path, O_WRONLY | O_APPEND), lock)
        }
    }
}

/// What all leases of a store say, read by its collector. While it lives nobody else removes any.
struct LeaseReader {
    private let root: String
    private let broom: FileLock
    private var positions: [String: Int64] = [:]

    /// Removes the leases of processes that have ended: what they made is in the index, or nobody's. Waits while somebody else does.
    init(root: String) throws {
        self.root = root
        broom = try FileLock.wait(StoreLease.broom(in: root))
        let gate = try FileLock.wait(StoreLease.gate(in: root))
        try withExtendedLifetime(gate) { try Self.removeAbandoned(in: root) }
    }

    /// What was written since the last call, also by processes that have ended since. The caller holds the gate alone.
    mutating func next() throws -> (blobs: [Digest], trees: [Digest]) {
        var found: (blobs: [Digest], trees: [Digest]) = ([], [])
        let folder = StoreLease.folder(in: root)
        for name in try Files.list(folder).sorted() {
            guard let bytes = try rest(of: "\(folder)/\(name)", from: positions[name] ?? 0) else { continue }
            let whole = bytes.count - bytes.count % StoreLease.entrySize
            positions[name, default: 0] += Int64(whole)
            for start in stride(from: 0, to: whole, by: StoreLease.entrySize) {
                let hash = bytes[(start + 1)..<(start + StoreLease.entrySize)]
                // Sizes are not written down: what is counted on is told by its hash.
                guard let digest = Digest(hash: hash, sizeBytes: 0) else { continue }
                if bytes[start] == StoreLease.Kind.tree.rawValue { found.trees.append(digest) } else { found.blobs.append(digest) }
            }
        }
        return found
    }

    /// Removes the leases of processes that have ended, unless a collection is under way or somebody is just writing one.
    static func sweep(_ root: String) throws {
        guard try !Files.list(StoreLease.folder(in: root)).isEmpty, let broom = try FileLock.attempt(StoreLease.broom(in: root)),
            let gate = try FileLock.attempt(StoreLease.gate(in: root))
        else { return }
        try withExtendedLifetime((broom, gate)) { try removeAbandoned(in: root) }
    }

    private static func removeAbandoned(in root: String) throws {
        for name in try Files.list(StoreLease.folder(in: root)) {
            let path = "\(StoreLease.folder(in: root))/\(name)"
            if let lock = try FileLock.attempt(path) { withExtendedLifetime(lock) { _ = unlink(path) } }
        }
    }

    private func rest(of path: String, from position: Int64) throws -> [UInt8]? {
        do {
            let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
            guard lseek(file.raw, Int(position), SEEK_SET) >= 0 else { return nil }
            return try file.readAll()
        } catch let error as SystemError where error.isNotFound { return nil }
    }
}
