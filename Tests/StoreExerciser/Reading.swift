internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// What looks whether a store keeps its word.
struct Reading {
    let store: Store
    let root: String

    /// `whole NAME` or `missing NAME` for each, by the calls that everybody reads with.
    func read(_ names: [Named]) async throws {
        for name in names { say(try await isWhole(name) ? "whole \(name)" : "missing \(name)") }
    }

    func isWhole(_ name: Named) async throws -> Bool {
        switch name.kind {
        case .blob:
            guard let bytes = try await store.content.read(name.digest) else { return false }
            guard Digest(of: bytes) == name.digest else { throw lie(name) }
            return true
        case .tree:
            do {
                return try await BlockingPool.run { try read(.root, of: store.trees.sourceTree(name.digest)) }
            } catch let error as ForgeError where error.code == "store.missing-blob" { return false }
        }
    }

    private func read(_ path: RelativePath, of tree: StoredTree) throws -> Bool {
        for entry in try tree.entries(of: path) {
            let child = path.appending(component: entry.name)
            switch entry.node {
            case .directory: guard try read(child, of: tree) else { return false }
            case .file: guard try tree.forEachChunk(of: child, { _ in }) else { return false }
            case .symlink: continue
            }
        }
        return true
    }

    private func lie(_ name: Named) -> ForgeError {
        ForgeError(.bug, "exerciser.lie", "other bytes were given out for \(name)")
    }

    /// `bad FILE` for each file below `blobs/` whose bytes do not have the digest that its name says, looked at without the store's help; then
    /// what was `missing` of `names`; at last what lies in `tmp/`, as `left FILE`.
    func verify(_ names: [Named]) async throws {
        for shard in try Files.list(root + "/blobs").sorted() {
            let folder = "\(root)/blobs/\(shard)"
            for name in try Files.list(folder).sorted() where try Self.hash("\(folder)/\(name)") != name.prefix(64) { say("bad \(name)") }
        }
        for name in names where try await !isWhole(name) { say("missing \(name)") }
        for name in try Files.list(root + "/tmp").sorted() { say("left \(name)") }
    }

    private static func hash(_ path: String) throws -> String {
        var hasher = DigestHasher()
        try Descriptor.open(path, O_RDONLY | O_NOFOLLOW).forEachChunk { hasher.update($0) }
        return hasher.finish().hex
    }
}
