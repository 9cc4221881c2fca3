internal import ForgeModel

/// Numbers that are the same for the same seed, everywhere.
struct SeededNumbers {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The `number`-th file of a seed: mostly some kilobytes, now and then nothing, a hundred, or more than fits in memory at once.
enum SeededFile {
    static func bytes(_ seed: UInt64, _ number: Int) -> [UInt8] {
        var numbers = SeededNumbers(seed &* 1_000_003 &+ UInt64(number))
        let size =
            switch number % 64 {
            case 13: 0
            case 29: 100_000
            case 61: 1_500_000
            default: Int(numbers.next() % 8192)
            }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + 8)
        while bytes.count < size { withUnsafeBytes(of: numbers.next().littleEndian) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(size))
    }
}

/// A tree of a seed: folders of up to 50 files, some programs, some links, an empty folder.
struct SeededTree: SourceTree {
    private static let perFolder = 50

    let seed: UInt64
    let files: Int

    private var folders: Int { (files + Self.perFolder - 1) / Self.perFolder }

    func node(at path: RelativePath) -> SourceNode? {
        if path.isRoot { return .directory }
        return entries(of: path.parent).first { $0.name == path.name }?.node
    }

    func entries(of path: RelativePath) -> [SourceEntry] {
        switch path.components.count {
        case 0:
            let names = (0..<folders).map { "folder-\($0)" }.sorted()
            return [SourceEntry(name: "empty", node: .directory)] + names.map { SourceEntry(name: $0, node: .directory) }
        case 1:
            guard let folder = number(path.name) else { return [] }
            let numbers = (folder * Self.perFolder)..<min(files, (folder + 1) * Self.perFolder)
            let entries = numbers.map { SourceEntry(name: "file-\($0)", node: .file(executable: $0 % 7 == 3, size: 0)) }
            return (entries + [SourceEntry(name: "link", node: .symlink(target: "file-\(numbers.lowerBound)"))]).sorted {
                $0.name < $1.name
            }
        default: return []
        }
    }

    func read(_ path: RelativePath, limit: Int) -> [UInt8]? {
        guard path.components.count == 2, let number = number(path.name) else { return nil }
        return Array(SeededFile.bytes(seed, number).prefix(limit))
    }

    private func number(_ name: String) -> Int? { name.split(separator: "-").last.flatMap { Int($0) } }
}
