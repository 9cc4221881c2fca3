package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// The tree without what lies at `paths` and without what `emptied` folders hold; folders in which nothing is left stay. A path where
    /// nothing lies is no error.
    package func removing(_ paths: [RelativePath], emptying emptied: [RelativePath] = [], from root: Digest) async throws -> Digest {
        let removal = Removal()
        for path in paths where !path.isRoot { removal.place(path.components[...]).isGone = true }
        for path in emptied { removal.place(path.components[...]).isEmptied = true }
        return try await BlockingPool.run { [rules = removal.frozen] in
            try BlobBatch.publishing(to: content) { try rules.applied(to: root, self, $0) }
        }
    }
}

/// What is to be removed at one place and below it, while it is being gathered.
private final class Removal {
    var isGone = false
    var isEmptied = false
    private var children: [[UInt8]: Removal] = [:]

    func place(_ path: ArraySlice<String>) -> Removal {
        guard let first = path.first else { return self }
        let key = Array(first.utf8)
        let child = children[key] ?? Removal()
        children[key] = child
        return child.place(path.dropFirst())
    }

    var frozen: RemovalRules { RemovalRules(isGone: isGone, isEmptied: isEmptied, children: children.mapValues(\.frozen)) }
}

private struct RemovalRules: Sendable {
    let isGone: Bool
    let isEmptied: Bool
    let children: [[UInt8]: RemovalRules]

    func applied(to digest: Digest, _ trees: TreeStore, _ batch: BlobBatch) throws -> Digest {
        if isEmptied { return try batch.add(DirectoryMessage().canonicalBytes()) }
        let whole = try trees.directory(digest)
        var kept = whole
        kept.files.removeAll { isGone($0.name) }
        kept.symlinks.removeAll { isGone($0.name) }
        kept.directories = try whole.directories.filter { !isGone($0.name) }.map { child in
            guard let rules = children[Array(child.name.utf8)] else { return child }
            return .init(name: child.name, digest: try rules.applied(to: child.digest.checked(), trees, batch))
        }
        return kept == whole ? digest : try batch.add(kept.canonicalBytes())
    }

    private func isGone(_ name: String) -> Bool { children[Array(name.utf8)]?.isGone ?? false }
}
