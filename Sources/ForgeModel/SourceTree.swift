/// A read-only tree of files: a work tree, a commit's tree in an object store, a stored Merkle tree.
///
/// Calls may block on files: make them off the cooperative pool. Paths are looked up component by component and never
/// follow a symbolic link on their own; `SourceTree.resolve` does, inside the tree only.
package protocol SourceTree: Sendable {
    /// What stands at `path`; nil when nothing does. The root is always a directory.
    func node(at path: RelativePath) throws -> SourceNode?
    /// The entries of the directory at `path`, sorted by the UTF-8 bytes of their names; empty when there is none.
    func entries(of path: RelativePath) throws -> [SourceEntry]
    /// At most `limit` first bytes of the file at `path`; nil when there is no file (symbolic links are not followed).
    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]?
    /// Hands the file at `path` to `body` piece by piece, in order, in constant memory where the tree can; false when there
    /// is no file. May be called again for the same path.
    func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool
    /// The digest of the file at `path`, if the tree knows it without reading the bytes; the store checks that it holds them.
    func knownDigest(of path: RelativePath) throws -> Digest?
}

extension SourceTree {
    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        guard let bytes = try read(path, limit: .max) else { return false }
        try bytes.withUnsafeBytes(body)
        return true
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? { nil }
}

package enum SourceNode: Hashable, Sendable {
    case file(executable: Bool, size: Int64)
    case directory
    case symlink(target: String)
}

package struct SourceEntry: Hashable, Sendable {
    package let name: String
    package let node: SourceNode

    package init(name: String, node: SourceNode) {
        self.name = name
        self.node = node
    }
}

extension SourceTree {
    /// Follows symbolic links that stay inside the tree; nil when the path ends nowhere, loops or leaves the tree.
    package func resolve(_ path: RelativePath) throws -> RelativePath? {
        var done = RelativePath.root
        var rest = path.components[...]
        var links = 0
        while let name = rest.popFirst() {
            if name == ".." {
                guard !done.isRoot else { return nil }
                done = done.parent
                continue
            }
            let next = done.appending(component: name)
            switch try node(at: next) {
            case nil: return nil
            case .symlink(let target):
                links += 1
                guard links <= 40, !target.hasPrefix("/") else { return nil }
                rest = target.split(separator: "/").filter { $0 != "." }.map(String.init) + rest
            case .some: done = next
            }
        }
        return done
    }
}
