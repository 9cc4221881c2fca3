internal import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

/// What must stay: blobs and trees by hex, grown root by root.
struct LiveSet {
    private(set) var blobs: Set<String> = []
    private(set) var trees: Set<String> = []
    /// What the live blobs take on a disk of 4 KiB blocks.
    private(set) var bytes: Int64 = 0
    /// What living processes have named themselves, without what follows from it.
    private(set) var claimed: Set<String> = []
    private let content: FileContentStore
    /// What the root that is being added brought with it.
    private var fresh: (blobs: [(hex: String, bytes: Int64)], trees: [String]) = ([], [])

    init(content: FileContentStore) { self.content = content }

    mutating func claim(_ digests: [Digest]) { claimed.formUnion(digests.lazy.map(\.hex)) }

    mutating func add(_ root: StoreRoot) throws { _ = try add(root, upTo: .max) }

    /// Adds all that the root needs; nothing, and false, when everything together would then take more than `limit`.
    mutating func add(_ root: StoreRoot, upTo limit: Int64) throws -> Bool {
        fresh = ([], [])
        for tree in root.trees { try add(tree: tree) }
        for blob in root.blobs { add(blob: blob) }
        if bytes <= limit { return true }
        for blob in fresh.blobs {
            blobs.remove(blob.hex)
            bytes -= blob.bytes
        }
        trees.subtract(fresh.trees)
        return false
    }

    mutating func add(blob hex: String) {
        guard !blobs.contains(hex) else { return }
        insert(hex, Self.blocks(content.digest(ofHash: hex)?.sizeBytes ?? 0))
    }

    private mutating func insert(_ hex: String, _ size: Int64) {
        guard blobs.insert(hex).inserted else { return }
        bytes += size
        fresh.blobs.append((hex, size))
    }

    /// A tree of which parts are gone keeps what is left of it.
    mutating func add(tree root: Digest) throws {
        var rest = [root]
        while let digest = rest.popLast() {
            guard trees.insert(digest.hex).inserted else { continue }
            fresh.trees.append(digest.hex)
            // One that a lease names is known by its hash alone.
            let whole = digest.sizeBytes > 0 ? digest : content.digest(ofHash: digest.hex) ?? digest
            insert(whole.hex, Self.blocks(whole.sizeBytes))
            guard let bytes = try content.readNow(whole), let message = try? DirectoryMessage(validating: bytes, named: whole) else {
                continue
            }
            for file in message.files { insert(file.digest.hash, Self.blocks(file.digest.sizeBytes)) }
            rest += try message.directories.map { try $0.digest.checked() }
        }
    }

    static func blocks(_ size: Int64) -> Int64 { (size + 4095) / 4096 * 4096 }
}
