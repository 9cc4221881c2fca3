package import ForgeModel
internal import ForgeREAPI
internal import Synchronization

/// A stored tree read like a source. Calls block; directories are read once and kept.
package struct StoredTree: SourceTree {
    private final class Cache: Sendable {
        let directories = Mutex<[Digest: DirectoryMessage]>([:])
    }

    private let trees: TreeStore
    /// The digest of the whole.
    package let root: Digest
    private let cache = Cache()

    init(trees: TreeStore, root: Digest) {
        self.trees = trees
        self.root = root
    }

    package func node(at path: RelativePath) throws -> SourceNode? {
        guard !path.isRoot else { return .directory }
        return try entries(of: path.parent).first { $0.name.isSame(as: path.name) }?.node
    }

    package func entries(of path: RelativePath) throws -> [SourceEntry] {
        guard let message = try directory(at: path) else { return [] }
        let files = message.files.map {
            SourceEntry(name: $0.name, node: .file(executable: $0.isExecutable, size: $0.digest.sizeBytes))
        }
        let links = message.symlinks.map { SourceEntry(name: $0.name, node: .symlink(target: $0.target)) }
        let directories = message.directories.map { SourceEntry(name: $0.name, node: .directory) }
        return (files + links + directories).sorted { $0.name.precedes($1.name) }
    }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        let found = try forEachChunk(of: path) { chunk in
            bytes.append(contentsOf: chunk.prefix(max(0, limit - bytes.count)))
        }
        return found ? bytes : nil
    }

    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        guard !path.isRoot, let file = try directory(at: path.parent)?.files.first(where: { $0.name.isSame(as: path.name) }) else {
            return false
        }
        let digest = try file.digest.checked()
        guard try trees.content.forEachChunk(of: digest, body) else { throw StoreFailure.missing(digest) }
        return true
    }

    private func directory(at path: RelativePath) throws -> DirectoryMessage? {
        var message = try directory(root)
        for name in path.components {
            guard let child = message.directories.first(where: { $0.name.isSame(as: name) }) else { return nil }
            message = try directory(child.digest.checked())
        }
        return message
    }

    private func directory(_ digest: Digest) throws -> DirectoryMessage {
        if let known = cache.directories.withLock({ $0[digest] }) { return known }
        let message = try trees.directory(digest)
        cache.directories.withLock { $0[digest] = message }
        return message
    }
}
