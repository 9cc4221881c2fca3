package import ForgeModel
internal import Synchronization

/// Everything that was asked of a tree, and what it answered: another tree that answers the same leads to the same detection.
package struct ReadSet: Hashable, Sendable {
    /// What stands at a path, by a word for it; nil: nothing.
    fileprivate(set) var nodes: [String: String?]
    /// The names in a folder and what they stand for. How large a file is decides nothing.
    fileprivate(set) var folders: [String: Digest]
    /// The content of a file; nil: there is none.
    fileprivate(set) var files: [String: Digest?]

    /// How many questions it holds.
    package var count: Int { nodes.count + folders.count + files.count }

    /// Whether `tree` gives all the answers. Reads nothing whose digest the tree knows. May block on files.
    package func holds(in tree: some SourceTree) throws -> Bool {
        // Files first: one of these is what most trees differ in.
        for (path, digest) in files {
            guard let path = try? RelativePath(parsing: path), try ReadSet.digest(of: path, in: tree) == digest else { return false }
        }
        for (path, word) in nodes {
            guard let path = try? RelativePath(parsing: path), try ReadSet.word(tree.node(at: path)) == word else { return false }
        }
        for (path, digest) in folders {
            guard let path = try? RelativePath(parsing: path), try ReadSet.digest(tree.entries(of: path)) == digest else { return false }
        }
        return true
    }

    fileprivate static func word(_ node: SourceNode?) -> String? {
        switch node {
        case nil: nil
        case .file: "file"
        case .directory: "directory"
        case .symlink(let target): "link " + target
        }
    }

    fileprivate static func digest(_ entries: [SourceEntry]) -> Digest {
        Digest(of: entries.map { "\($0.name)\0\(word($0.node) ?? "")\0" }.joined())
    }

    fileprivate static func digest(of path: RelativePath, in tree: some SourceTree) throws -> Digest? {
        if let known = try tree.knownDigest(of: path) { return known }
        var hasher = DigestHasher()
        return try tree.forEachChunk(of: path) { hasher.update($0) } ? hasher.finish() : nil
    }
}

/// How it is written down: each question as its kind, its path and the answer, an empty one for nothing.
extension ReadSet {
    private static let (node, folder, file) = ("n", "d", "f")

    /// In no order; no field holds a NUL, for no path and no link does.
    package var fields: [String] {
        nodes.flatMap { [Self.node, $0.key, $0.value ?? ""] } + folders.flatMap { [Self.folder, $0.key, Self.text($0.value)] }
            + files.flatMap { [Self.file, $0.key, $0.value.map(Self.text) ?? ""] }
    }

    /// Nil for anything else than `fields` gives.
    package init?(fields: ArraySlice<String>) {
        self.init(nodes: [:], folders: [:], files: [:])
        guard fields.count.isMultiple(of: 3) else { return nil }
        var rest = fields
        while let kind = rest.popFirst(), let path = rest.popFirst(), let answer = rest.popFirst() {
            switch kind {
            case Self.node: nodes[path] = .some(answer.isEmpty ? nil : answer)
            case Self.file where answer.isEmpty: files[path] = .some(nil)
            case Self.file, Self.folder:
                guard let digest = Self.digest(answer) else { return nil }
                if kind == Self.file { files[path] = .some(digest) } else { folders[path] = digest }
            default: return nil
            }
        }
    }

    private static func text(_ digest: Digest) -> String { "\(digest.hex)/\(digest.sizeBytes)" }

    private static func digest(_ text: String) -> Digest? {
        guard let slash = text.firstIndex(of: "/"), let size = Int64(text[slash...].dropFirst()) else { return nil }
        return try? Digest(hex: text[..<slash], sizeBytes: size)
    }
}

/// A tree that notes what it is asked.
package final class WitnessedTree: SourceTree {
    private let tree: any SourceTree
    private let seen = Mutex(ReadSet(nodes: [:], folders: [:], files: [:]))

    package init(_ tree: any SourceTree) { self.tree = tree }

    package var readSet: ReadSet { seen.withLock { $0 } }

    package func node(at path: RelativePath) throws -> SourceNode? {
        let node = try tree.node(at: path)
        seen.withLock { $0.nodes[path.string] = .some(ReadSet.word(node)) }
        return node
    }

    package func entries(of path: RelativePath) throws -> [SourceEntry] {
        let entries = try tree.entries(of: path)
        seen.withLock { $0.folders[path.string] = ReadSet.digest(entries) }
        return entries
    }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        try note(path)
        return try tree.read(path, limit: limit)
    }

    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        try note(path)
        return try tree.forEachChunk(of: path, body)
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? {
        try note(path)
        return try tree.knownDigest(of: path)
    }

    private func note(_ path: RelativePath) throws {
        guard seen.withLock({ $0.files[path.string] == nil }) else { return }
        let digest = try ReadSet.digest(of: path, in: tree)
        seen.withLock { $0.files[path.string] = .some(digest) }
    }
}
