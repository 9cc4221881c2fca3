package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// The part of a tree that a step sees: what matches one of `patterns` (none: everything) and lies at or below none of
    /// `excluding`. Folders that hold nothing of it are left out, so the digest does not tell what else there was.
    package func select(_ root: Digest, including patterns: [String], excluding: [RelativePath]) async throws -> Digest {
        let patterns = try patterns.map { try TreePattern($0) }
        return try await BlockingPool.run {
            try BlobBatch.publishing(to: content) { batch in
                let selection = TreeSelection(trees: self, batch: batch, patterns: patterns, excluded: excluding)
                return try selection.selected(root)
            }
        }
    }
}

private struct TreeSelection {
    let trees: TreeStore
    let batch: BlobBatch
    let patterns: [TreePattern]
    let excluded: [RelativePath]

    func selected(_ root: Digest) throws -> Digest {
        let everything = patterns.isEmpty || patterns.contains(where: \.matchesAll)
        let chosen = try part(of: root, at: .root, progress: everything ? nil : patterns.map(\.start))
        return try chosen ?? batch.add(DirectoryMessage().canonicalBytes())
    }

    /// `progress` is nil where everything is chosen already. Nil when nothing of the directory is chosen.
    private func part(of digest: Digest, at path: RelativePath, progress: [TreePattern.Progress]?) throws -> Digest? {
        guard !excluded.contains(where: { path.isWithin($0) }) else { return nil }
        if progress == nil && !excluded.contains(where: { $0.isWithin(path) }) { return digest }
        let whole = try trees.directory(digest)
        var chosen = whole
        chosen.files.removeAll { !isChosen($0.name, in: path, progress) }
        chosen.symlinks.removeAll { !isChosen($0.name, in: path, progress) }
        chosen.directories = try whole.directories.compactMap { child in
            let (isMatch, next) = step(progress, to: child.name)
            if !isMatch && next.allSatisfy(\.isOver) { return nil }
            let below = path.appending(component: child.name)
            return try part(of: child.digest.checked(), at: below, progress: isMatch ? nil : next)
                .map { .init(name: child.name, digest: $0) }
        }
        if chosen.isEmpty && !(progress == nil && whole.isEmpty) { return nil }
        return chosen == whole ? digest : try batch.add(chosen.canonicalBytes())
    }

    private func isChosen(_ name: String, in directory: RelativePath, _ progress: [TreePattern.Progress]?) -> Bool {
        step(progress, to: name).isMatch && !excluded.contains(directory.appending(component: name))
    }

    private func step(_ progress: [TreePattern.Progress]?, to name: String) -> (isMatch: Bool, next: [TreePattern.Progress]) {
        guard let progress else { return (true, []) }
        let steps = zip(patterns, progress).map { $0.step($1, to: name) }
        return (steps.contains(where: \.isMatch), steps.map(\.next))
    }
}
