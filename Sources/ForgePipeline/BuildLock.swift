internal import ForgeModel
internal import ForgePresets
internal import ForgeStore
internal import ForgeToolchains

/// Holds a build against the project's `forge.lock`.
enum BuildLock {
    /// Blocks. Nil when there is none.
    /// - Throws: `lock.syntax`, `lock.invalid`
    static func read(from source: any SourceTree) throws -> LockFile? {
        let path = try RelativePath(parsing: LockFile.fileName)
        return try source.read(path, limit: 1 << 20).map { try LockFile(parsing: $0) }
    }

    /// What a build of these plans uses.
    /// - Throws: `preset.invalid`
    static func used(_ plans: [BuildPlan], _ toolchains: [IdentifiedToolchains], _ catalog: PresetCatalog, _ packs: [LockedPack]) throws
        -> LockFile
    {
        var lock = LockFile(toolchains: toolchains.flatMap(\.chosen))
        lock.packs = packs.sorted { $0.text < $1.text }
        lock.systems = Set(toolchains.compactMap(\.system?.locked)).sorted {
            ($0.system, $0.packages.joined()) < ($1.system, $1.packages.joined())
        }
        for plan in plans {
            lock.presets[plan.preset.id] = plan.preset.digest.description
            for manager in plan.steps.compactMap({ $0.registries?.manager }) {
                lock.packageManagers[manager] = try catalog.packageManager(manager)?.digest.description
            }
        }
        return lock
    }

    /// What there is to remark.
    /// - Throws: `lock.missing`, `lock.drift` where drift is not to be accepted
    static func check(_ used: LockFile, against lock: LockFile?, isStrict: Bool) throws -> [Diagnostic] {
        guard let lock else {
            guard isStrict else { return [] }
            throw ForgeError(
                .configuration, "lock.missing", "the project has no `\(LockFile.fileName)`, and `--locked` wants one",
                hint: "run `forge lock` and commit it")
        }
        let drift = lock.drift(to: used)
        if isStrict, !drift.isEmpty { throw ForgeError(.configuration, "lock.drift", findings: drift) }
        return drift
    }
}
