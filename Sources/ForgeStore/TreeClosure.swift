package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem
internal import Glibc

extension TreeStore {
    /// Whether everything that the tree names is here; if so, no collector takes any of it while this process lives.
    ///
    /// The first time, its folders are read and each file is looked at. What was found is written down with the times of the 256 folders
    /// of `blobs/`: whatever is taken out of one changes its time, so later on only the blobs in folders that have changed are looked at.
    /// In-place damage is found when bytes are read, and by `verify`.
    package func acquire(_ root: Digest) async throws -> Bool {
        try await BlockingPool.run { try acquireNow(root) }
    }

    func acquireNow(_ root: Digest) throws -> Bool {
        try StoreFailure.reported(self.root) {
            try content.lease.claim(.tree, [root]) { try isComplete(root) }
        }
    }

    private func isComplete(_ root: Digest) throws -> Bool {
        let before = ShardTimes(of: content)
        let file = ClosureFile(root, in: self.root)
        if let answer = try? file.check(before, content) { return answer }
        guard let closure = try TreeClosure(of: root, in: self) else { return false }
        // Only saves time; a full disk is no reason to fail.
        if closure.digests.count >= ClosureFile.worthwhile { try? file.write(closure, before) }
        return true
    }

}

/// A tree's digest and those of all folders and files in it.
struct TreeClosure {
    private(set) var digests: Set<Digest> = []

    /// Nil when something is missing.
    init?(of root: Digest, in trees: TreeStore) throws {
        var rest = [root]
        digests.insert(root)
        while let digest = rest.popLast() {
            guard let bytes = try trees.content.readNow(digest) else { return nil }
            let message = try DirectoryMessage(validating: bytes, named: digest)
            for file in message.files {
                let digest = try file.digest.checked()
                if digests.insert(digest).inserted && !trees.content.holds(digest) { return nil }
            }
            for child in message.directories {
                let digest = try child.digest.checked()
                if digests.insert(digest).inserted { rest.append(digest) }
            }
        }
    }
}

/// The times of the folders of `blobs/`.
struct ShardTimes {
    static let count = 256
    /// Nanoseconds since 1970; 0 where there is no folder, or where the next change need not show.
    private(set) var times: [Int64]

    init(of content: FileContentStore) {
        let now = FileSignature.now()
        times = [Int64](repeating: 0, count: Self.count)
        guard let blobs = try? Descriptor.open(content.root + "/blobs", O_RDONLY | O_DIRECTORY) else { return }
        let digits = Array("0123456789abcdef".utf8)
        var name = [CChar](repeating: 0, count: 3)
        for shard in 0..<Self.count {
            name[0] = CChar(digits[shard >> 4])
            name[1] = CChar(digits[shard & 15])
            if let signature = blobs.signature(at: name), signature.isSettled(at: now) { times[shard] = signature.modified }
        }
    }
}

/// What is written down about a tree that was found complete: the times of the folders, and its digests in their order.
///
/// Magic (8), 256 times (8 each), 257 positions (4 each), the digests (32 + 8 each). A file that is not like this counts as none.
struct ClosureFile {
    /// A smaller tree is looked at faster than its file.
    static let worthwhile = 64
    private static let magic = Array("forgecl1".utf8)
    private static let timesAt = 8
    private static let positionsAt = timesAt + 8 * ShardTimes.count
    private static let digestsAt = positionsAt + 4 * (ShardTimes.count + 1)
    private static let entrySize = 40

    let path: String

    init(_ tree: Digest, in root: String) { path = "\(root)/complete/\(tree.hex.prefix(2))/\(tree.hex)" }

    func write(_ closure: TreeClosure, _ shards: ShardTimes) throws {
        var bytes = Self.magic
        for time in shards.times { withUnsafeBytes(of: time.littleEndian) { bytes.append(contentsOf: $0) } }
        let sorted = closure.digests.sorted()
        var positions = [UInt32](repeating: 0, count: ShardTimes.count + 1)
        for digest in sorted { positions[Self.shard(of: digest) + 1] += 1 }
        for shard in 1...ShardTimes.count { positions[shard] += positions[shard - 1] }
        for position in positions { withUnsafeBytes(of: position.littleEndian) { bytes.append(contentsOf: $0) } }
        for digest in sorted {
            bytes += digest.hash
            withUnsafeBytes(of: digest.sizeBytes.littleEndian) { bytes.append(contentsOf: $0) }
        }
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        try Files.replace(path, with: bytes, mode: 0o600)
    }

    private static func shard(of digest: Digest) -> Int { Int(digest.hash[0]) }

    /// Whether all is still there; nil when the file cannot tell.
    func check(_ now: ShardTimes, _ content: FileContentStore) throws -> Bool? {
        let file = try Descriptor.open(path, O_RDWR | O_NOFOLLOW)
        let head = try file.bytes(at: 0, count: Self.digestsAt)
        guard head.count == Self.digestsAt, head.starts(with: Self.magic) else { return nil }
        let (known, positions) = head.withUnsafeBytes { bytes in
            (
                (0..<ShardTimes.count).map {
                    Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: Self.timesAt + 8 * $0, as: Int64.self))
                },
                (0...ShardTimes.count).map {
                    Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: Self.positionsAt + 4 * $0, as: UInt32.self)))
                }
            )
        }
        var seen = false
        for shard in 0..<ShardTimes.count where positions[shard + 1] > positions[shard] {
            if known[shard] != 0 && known[shard] == now.times[shard] { continue }
            seen = true
            guard let all = try digests(positions[shard]..<positions[shard + 1], in: file) else { return nil }
            guard all.allSatisfy({ content.holds($0) }) else { return false }
        }
        if seen { try file.write(now.times.flatMap { time in withUnsafeBytes(of: time.littleEndian) { Array($0) } }, at: Self.timesAt) }
        return true
    }

    private func digests(_ range: Range<Int>, in file: Descriptor) throws -> [Digest]? {
        let bytes = try file.bytes(at: Self.digestsAt + Self.entrySize * range.lowerBound, count: Self.entrySize * range.count)
        guard bytes.count == Self.entrySize * range.count else { return nil }
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: Self.entrySize).compactMap { start in
                Digest(
                    hash: bytes[start..<(start + 32)],
                    sizeBytes: Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 32, as: Int64.self)))
            }
        }
    }
}
