package import ForgeModel
internal import Synchronization

/// Everything that was asked of a tree, and what it answered: another tree that answers the same leads to the same detection.
package struct ReadSet: Hashable, Sendable, Codable {
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
        for (path, word) in nodes {
            guard let path = try? RelativePath(parsing: path), try ReadSet.word(tree.node(at: path)) == word else { return false }
        }
        for (path, digest) in folders {
            guard let path = try? RelativePath(parsing: path), try ReadSet.digest(tree.entries(of: path)) == digest else { return false }
        }
        for (path, digest) in files {
            guard let path = try? RelativePath(parsing: path), try ReadSet.digest(of: path, in: tree) == digest else { return false }
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
