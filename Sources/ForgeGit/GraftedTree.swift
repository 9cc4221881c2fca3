package import ForgeModel

/// A tree in which other trees stand for folders that it does not have, and other contents for some of its files.
package struct GraftedTree: SourceTree {
    private let base: any SourceTree
    private let folders: [RelativePath: any SourceTree]
    private let files: [RelativePath: Digest]
    /// Entries that the grafts add to folders of the base, by folder.
    private var additions: [RelativePath: [String: SourceEntry]] = [:]

    /// - Parameters:
    ///   - folders: none lies within another, and none where the base has something.
    ///   - files: contents of files that the base has; the store holds them.
    package init(_ base: any SourceTree, folders: [RelativePath: any SourceTree], files: [RelativePath: Digest]) {
        (self.base, self.folders, self.files) = (base, folders, files)
        for path in folders.keys {
            var path = path
            while !path.isRoot {
                additions[path.parent, default: [:]][path.name] = SourceEntry(name: path.name, node: .directory)
                path = path.parent
            }
        }
    }

    package func node(at path: RelativePath) throws -> SourceNode? {
        if let (tree, rest) = graft(at: path) { return try tree.node(at: rest) }
        if additions[path] != nil { return .directory }
        return try base.node(at: path).map { replaced($0, at: path) }
    }

    package func entries(of path: RelativePath) throws -> [SourceEntry] {
        if let (tree, rest) = graft(at: path) { return try tree.entries(of: rest) }
        var entries = try base.entries(of: path).map { entry in
            files.isEmpty ? entry : SourceEntry(name: entry.name, node: replaced(entry.node, at: path.appending(component: entry.name)))
        }
        guard let added = additions[path] else { return entries }
        entries.removeAll { added[$0.name] != nil }
        return (entries + added.values).sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        if let (tree, rest) = graft(at: path) { return try tree.read(rest, limit: limit) }
        try checkBase(path)
        return try base.read(path, limit: limit)
    }

    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        if let (tree, rest) = graft(at: path) { return try tree.forEachChunk(of: rest, body) }
        try checkBase(path)
        return try base.forEachChunk(of: path, body)
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? {
        if let (tree, rest) = graft(at: path) { return try tree.knownDigest(of: rest) }
        return try files[path] ?? base.knownDigest(of: path)
    }

    private func graft(at path: RelativePath) -> (tree: any SourceTree, rest: RelativePath)? {
        guard !folders.isEmpty else { return nil }
        var root = RelativePath.root
        for name in path.components {
            root = root.appending(component: name)
            if let tree = folders[root], let rest = path.relative(to: root) { return (tree, rest) }
        }
        return nil
    }

    private func replaced(_ node: SourceNode, at path: RelativePath) -> SourceNode {
        guard let digest = files[path], case .file(let executable, _) = node else { return node }
        return .file(executable: executable, size: digest.sizeBytes)
    }

    /// What the base has in the place of a replaced file is not what the tree holds.
    private func checkBase(_ path: RelativePath) throws {
        guard files[path] == nil else {
            throw ForgeError(.store, "store.missing-blob", "the contents of `\(path)` went away while they were used", hint: "run again")
        }
    }
}
