package import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// The layers of an image laid over each other, the lowest first.
/// Source: OCI Image Format Specification 1.1, "Image Layer Filesystem Changeset", "Applying Changesets".
package struct ImageAssembly {
    private let trees: TreeStore
    private var remaining: Int64
    /// What is there by now.
    private var root: Digest

    init(trees: TreeStore, maximumBytes: Int64) async throws {
        self.trees = trees
        remaining = maximumBytes
        root = try await trees.merge([])
    }

    /// Without what never shows: other file systems are mounted there, and nothing on the way to them may be a link of somebody's making.
    func finished() async throws -> Digest { try await trees.removing(Self.covered, from: root) }

    package static let covered = ["dev", "proc", "sys"].map { RelativePath.root.appending(component: $0) }

    /// Unpacks the layer at `path` over what is there: first what it takes away, then what it brings.
    mutating func add(_ path: String, named name: String, thenRemove: Bool) async throws {
        var rules = ArchiveRules.imageLayer
        rules.maximumBytes = min(rules.maximumBytes, remaining)
        let file = try await BlockingPool.run { try Descriptor.open(path, O_RDONLY) }
        let layer = try await ArchiveImporter(trees: trees).importArchive(file, named: name, rules: rules)
        remaining -= layer.bytes
        if thenRemove { try? await BlockingPool.run { try Files.removeTree(path) } }
        let below = try await trees.removing(layer.whiteouts, emptying: layer.opaque, from: root)
        root = try await trees.merge([below, layer.root])
    }
}
