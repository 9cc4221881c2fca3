package import ForgeModel
internal import ForgeREAPI
internal import Synchronization

/// A stored tree read like a source. Calls block; directories are read once and kept.
package struct StoredTree: SourceTree {
    /// A directory read once: its message, and its entries in order.
    private struct Folder: Sendable {
        let message: DirectoryMessage
        let entries: [SourceEntry]

        init(_ message: DirectoryMessage) {
            self.message = message
            let files = message.files.map {
                SourceEntry(name: $0.name, node: .file(executable: $0.isExecutable, size: $0.digest.sizeBytes))
            }
            let links = message.symlinks.map { SourceEntry(name: $0.name, node: .symlink(target: $0.target)) }
            let directories = message.directories.map { SourceEntry(name: $0.name, node: .directory) }
            entries = (files + links + directories).sorted { $0.name.precedes($1.name) }
        }

        /// By halves: detection asks folders of thousands for hundreds of names.
        func node(named name: String) -> SourceNode? {
            var range = entries.startIndex..<entries.endIndex
            while !range.isEmpty {
                let middle = range.lowerBound + range.count / 2
                if entries[middle].name.precedes(name) {
                    range = (middle + 1)..<range.upperBound
                } else if name.precedes(entries[middle].name) {
                    range = range.lowerBound..<middle
                } else {
                    return entries[middle].node
                }
            }
            return nil
        }
    }

    private final class Cache: Sendable {
        let folders = Mutex<[Digest: Folder]>([:])
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
        return try folder(at: path.parent)?.node(named: path.name)
    }

    package func entries(of path: RelativePath) throws -> [SourceEntry] { try folder(at: path)?.entries ?? [] }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        let found = try forEachChunk(of: path) { chunk in
            bytes.append(contentsOf: chunk.prefix(max(0, limit - bytes.count)))
        }
        return found ? bytes : nil
    }

    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        guard !path.isRoot, let file = try folder(at: path.parent)?.message.files.first(where: { $0.name.isSame(as: path.name) }) else {
            return false
        }
        let digest = try file.digest.checked()
        guard try trees.content.forEachChunk(of: digest, body) else { throw StoreFailure.missing(digest) }
        return true
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? {
        guard !path.isRoot else { return nil }
        return try folder(at: path.parent)?.message.files.first { $0.name.isSame(as: path.name) }?.digest.checked()
    }

    private func folder(at path: RelativePath) throws -> Folder? {
        var folder = try folder(root)
        for name in path.components {
            guard let child = folder.message.directories.first(where: { $0.name.isSame(as: name) }) else { return nil }
            folder = try self.folder(child.digest.checked())
        }
        return folder
    }

    private func folder(_ digest: Digest) throws -> Folder {
        if let known = cache.folders.withLock({ $0[digest] }) { return known }
        let folder = Folder(try trees.directory(digest))
        cache.folders.withLock { $0[digest] = folder }
        return folder
    }
}
