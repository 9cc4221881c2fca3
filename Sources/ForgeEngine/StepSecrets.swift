internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Synchronization

/// What a step knows and must not tell: hidden in its log, and not let into what it leaves.
struct StepSecrets: Sendable {
    /// All that the step is given of the place.
    private let mask: SecretMask?
    /// Those of them that do harm in an artifact.
    private let confidential: SecretMask?

    init(_ secrets: [Secret], for step: Step) {
        mask = SecretMask(secrets)
        let published = Set(secrets.filter { (step.publishes ?? []).contains($0.name) }.map(\.value))
        confidential = SecretMask(secrets.filter { $0.isConfidential && !published.contains($0.value) })
    }

    func masked(_ text: String) -> String { mask?.masked(text) ?? text }

    func output(to sink: @escaping @Sendable ([UInt8]) -> Void) -> MaskedOutput { MaskedOutput(mask, to: sink) }

    /// The first file of the tree that holds a confidential value, in its bytes or its name; all such files are taken out of the store.
    func leak(in root: Digest, of trees: TreeStore) async throws -> (file: RelativePath, name: String)? {
        guard let confidential else { return nil }
        return try await BlockingPool.run {
            var scan = LeakScan(mask: confidential, tree: trees.sourceTree(root))
            try scan.visit(.root)
            try trees.remove(files: scan.found.map(\.digest))
            return scan.found.first.map { ($0.file, $0.name) }
        }
    }
}

/// A step's output on its way to the log, without what it must not tell.
final class MaskedOutput: Sendable {
    private let stream: Mutex<SecretMask.Stream?>
    private let sink: @Sendable ([UInt8]) -> Void

    init(_ mask: SecretMask?, to sink: @escaping @Sendable ([UInt8]) -> Void) {
        stream = Mutex(mask.map { SecretMask.Stream($0) })
        self.sink = sink
    }

    func write(_ bytes: [UInt8]) {
        let certain = stream.withLock { $0 == nil ? bytes : $0?.feed(bytes) ?? [] }
        if !certain.isEmpty { sink(certain) }
    }

    /// What was held back, once nothing more comes.
    func finish() {
        let rest = stream.withLock { $0?.finish() ?? [] }
        if !rest.isEmpty { sink(rest) }
    }
}

private struct LeakScan {
    let mask: SecretMask
    let tree: StoredTree
    private(set) var found: [(file: RelativePath, name: String, digest: Digest)] = []
    private var seen: [Digest: String?] = [:]

    init(mask: SecretMask, tree: StoredTree) {
        self.mask = mask
        self.tree = tree
    }

    mutating func visit(_ folder: RelativePath) throws {
        for entry in try tree.entries(of: folder) {
            let path = folder.appending(component: entry.name)
            switch entry.node {
            case .directory: try visit(path)
            case .symlink: continue
            case .file:
                guard let digest = try tree.knownDigest(of: path) else { continue }
                if let name = try name(of: digest, at: path) ?? inName(path) { found.append((path, name, digest)) }
            }
        }
    }

    private func inName(_ path: RelativePath) -> String? {
        var search = SecretMask.Search(mask)
        return search.feed(path.string.utf8)?.name
    }

    private mutating func name(of digest: Digest, at path: RelativePath) throws -> String? {
        if let known = seen[digest] { return known }
        var search = SecretMask.Search(mask)
        var name: String?
        _ = try tree.forEachChunk(of: path) { if name == nil { name = search.feed($0)?.name } }
        seen[digest] = .some(name)
        return name
    }
}
