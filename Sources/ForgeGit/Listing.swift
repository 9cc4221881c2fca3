internal import ForgeModel

/// The folders of a tree, listed in one go.
struct Listing: Sendable {
    /// A tree is not listed beyond these: an object store can describe one that no disk could hold.
    static let maximumDepth = 256
    static let maximumEntries = 2_000_000

    private var folders: [RelativePath: [SourceEntry]] = [:]
    private(set) var count = 0

    mutating func add(_ entries: [SourceEntry], at path: RelativePath) throws {
        count += entries.count
        guard count <= Listing.maximumEntries else {
            throw ForgeError(.usage, "source.too-large", "the source has more than \(Listing.maximumEntries) files")
        }
        folders[path] = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    func entries(of path: RelativePath) -> [SourceEntry] { folders[path] ?? [] }

    func node(at path: RelativePath) -> SourceNode? {
        if path.isRoot { return .directory }
        let entries = entries(of: path.parent)
        let name = path.name.utf8
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].name.utf8.lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].name.utf8.elementsEqual(name) ? entries[low].node : nil
    }

    static func tooDeep(_ path: RelativePath) -> ForgeError {
        let start = RelativePath.root.appending(component: path.components[0])
        return ForgeError(.usage, "source.too-deep", "folders below `\(start)` are nested more than \(maximumDepth) deep")
    }

    /// A name that is not UTF-8 has no place in a tree's digest.
    static func badName(_ bytes: some Sequence<UInt8>, in folder: RelativePath) -> ForgeError {
        let escaped = bytes.map { byte in
            let digits = String(byte, radix: 16)
            return (32..<127).contains(byte) ? String(UnicodeScalar(byte)) : "\\x" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
        let shown = folder.isRoot ? escaped : "\(folder)/\(escaped)"
        return ForgeError(.usage, "source.name", "the name `\(shown)` is not UTF-8", hint: "rename it")
    }
}
