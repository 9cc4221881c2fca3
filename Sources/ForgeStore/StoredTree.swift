package import ForgeModel
internal import ForgeREAPI
internal import Synchronization

/// A stored tree read like a source. Calls block; directories are read once and kept.
package struct StoredTree: SourceTree {
    /// A directory read once: its message, and its entries in order.
    private struct Folder: Sendable {
        let message: DirectoryMessage
        let entries: [SourceEntry]
        private let files: [Build_Bazel_Remote_Execution_V2_FileNode]

        init(_ message: DirectoryMessage) {
            self.message = message
            self.files = message.files.sorted { $0.name.precedes($1.name) }
            let files = message.files.map {
                SourceEntry(name: $0.name, node: .file(executable: $0.isExecutable, size: $0.digest.sizeBytes))
            }
            let links = message.symlinks.map { SourceEntry(name: $0.name, node: .symlink(target: $0.target)) }
            let directories = message.directories.map { SourceEntry(name: $0.name, node: .directory) }
            entries = (files + links + directories).sorted { $0.name.precedes($1.name) }
        }

        func node(named name: String) -> SourceNode? { Self.find(name, in: entries, by: \.name)?.node }

        func file(named name: String) -> Build_Bazel_Remote_Execution_V2_FileNode? { Self.find(name, in: files, by: \.name) }

        /// By halves: detection asks folders of thousands for hundreds of names.
        private static func find<Element>(_ name: String, in all: [Element], by key: (Element) -> String) -> Element? {
            var range = all.startIndex..<all.endIndex
            while !range.isEmpty {
                let middle = range.lowerBound + range.count / 2
                let found = key(all[middle])
                if found.precedes(name) {
                    range = (middle + 1)..<range.upperBound
                } else if name.precedes(found) {
                    range = range.lowerBound..<middle
                } else {
                    return all[middle]
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
        guard let digest = try knownDigest(of: path) else { return false }
        guard try trees.content.forEachChunk(of: digest, body) else { throw StoreFailure.missing(digest) }
        return true
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? {
        guard !path.isRoot else { return nil }
        return try folder(at: path.parent)?.file(named: path.name)?.digest.checked()
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
