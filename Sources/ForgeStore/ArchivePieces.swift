internal import ForgeModel

/// A tree's archive cut into pieces that are compressed each for itself. Where the cuts are follows from the entries alone, so a change in one
/// place leaves the pieces elsewhere as they are.
struct ArchivePieces {
    enum Entry: Sendable {
        case directory(String)
        case file(TreeListing.File)
        case symlink(TreeListing.Symlink)

        var path: String {
            switch self {
            case .directory(let path): path
            case .file(let file): file.path
            case .symlink(let link): link.path
            }
        }

        /// What it takes in the archive, about.
        var size: Int64 { if case .file(let file) = self { 512 + file.digest.sizeBytes } else { 512 } }

        /// All that its bytes in the archive follow from.
        var identity: String {
            switch self {
            case .directory(let path): "d \(path)\n"
            case .file(let file): "\(file.isExecutable ? "x" : "f") \(file.digest.hex)/\(file.digest.sizeBytes) \(file.path)\n"
            case .symlink(let link): "l \(link.target) \(link.path)\n"
            }
        }
    }

    enum Piece: Sendable {
        case entries([Entry])
        /// A part of a large file; the first one begins with the entry's header, the last one is filled up to whole blocks.
        case part(TreeListing.File, Range<Int64>)
        case end

        /// Raised when equal entries may now give other bytes.
        private static let version = 1

        var key: Digest {
            let text =
                switch self {
                case .entries(let entries): entries.map(\.identity).joined()
                case .part(let file, let range): "\(range) \(Entry.file(file).identity)"
                case .end: "end"
                }
            return Digest(of: "\(Self.version)\n\(text)")
        }
    }

    private static let smallest: Int64 = 128 << 10
    private static let largest: Int64 = 1 << 20
    /// One entry in so many ends a piece that is large enough.
    private static let rarity: UInt8 = 8

    private(set) var pieces: [Piece] = []
    private var open: [Entry] = []
    private var size: Int64 = 0

    init(of listing: TreeListing) {
        let entries = listing.directories.map(Entry.directory) + listing.files.map(Entry.file) + listing.symlinks.map(Entry.symlink)
        for entry in entries.sorted(by: { $0.path.precedes($1.path) }) { add(entry) }
        close()
        pieces.append(.end)
    }

    private mutating func add(_ entry: Entry) {
        if case .file(let file) = entry, file.digest.sizeBytes > Self.largest {
            close()
            for start in stride(from: 0, to: file.digest.sizeBytes, by: Int(Self.largest)) {
                pieces.append(.part(file, start..<min(start + Self.largest, file.digest.sizeBytes)))
            }
            return
        }
        if size + entry.size > Self.largest { close() }
        open.append(entry)
        size += entry.size
        if size >= Self.smallest, Self.endsPiece(entry) { close() }
    }

    private static func endsPiece(_ entry: Entry) -> Bool {
        // By the path alone: a changed file moves no cut. FNV-1a, for it is asked of every entry.
        let hash = entry.path.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return UInt8(truncatingIfNeeded: hash >> 32) % rarity == 0
    }

    private mutating func close() {
        if !open.isEmpty { pieces.append(.entries(open)) }
        (open, size) = ([], 0)
    }
}
