internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// Finds out why a step is not in the cache, by comparing it with what it was in this project's last build.
struct MissExplanation: Sendable {
    /// Differing files that are looked for; finding them reads the folders in which the trees differ.
    private static let maximumPaths = 64
    private static let shownPaths = 3
    private static let shownPackages = 3
    private static let maximumLockfile = 64 << 20

    let trees: TreeStore
    /// Of the step, below the source's root.
    let lockfile: RelativePath?

    /// All that differs, what a person would look for first at the front; never empty.
    func reasons(_ last: Execution, _ now: Execution) async throws -> [CacheMissReason] {
        let preset = last.preset.flatMap { old in now.preset.flatMap { $0.id == old.id && $0.digest == old.digest ? nil : $0.id } }
        var reasons = CacheMissReason.between(last.action, and: now.action, preset: preset)
        if last.action.inputRoot != now.action.inputRoot { reasons += try await inputs(last.action.inputRoot, now.action.inputRoot) }
        return reasons.isEmpty ? [.notRecorded] : reasons
    }

    private func inputs(_ old: Digest, _ new: Digest) async throws -> [CacheMissReason] {
        let found = try await trees.differences(old, new, limit: Self.maximumPaths)
        let paths = found.paths.filter { $0 != lockfile }
        let shown = Array(paths.prefix(Self.shownPaths))
        let others = CacheMissReason.inputsChanged(shown, more: found.more || paths.count > shown.count)
        guard let lockfile, found.paths.contains(lockfile) else { return [others] }
        let changes = try await BlockingPool.run { try packages(at: lockfile, in: new, since: old) }
        let first = CacheMissReason.lockfileChanged(
            lockfile, packages: changes.prefix(Self.shownPackages).map(\.description), more: max(0, changes.count - Self.shownPackages))
        return paths.isEmpty ? [first] : [first, others]
    }

    /// Empty where a lockfile is gone from the store, or cannot be read.
    private func packages(at path: RelativePath, in new: Digest, since old: Digest) throws -> [LockedPackages.Change] {
        func locked(_ root: Digest) -> LockedPackages? {
            let bytes = (try? trees.sourceTree(root).read(path, limit: Self.maximumLockfile)) ?? nil
            return bytes.flatMap { LockedPackages(path.name, $0) }
        }
        guard let before = locked(old), let after = locked(new) else { return [] }
        return before.changes(to: after)
    }
}
