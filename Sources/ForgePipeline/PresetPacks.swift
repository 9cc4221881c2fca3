internal import ForgeEvents
internal import ForgeGit
internal import ForgeModel
internal import ForgePlanning
internal import ForgePresets
internal import ForgeSources
internal import ForgeStore
internal import ForgeSystem
internal import ForgeToolchains

/// The packs of presets that a project names, brought into the store.
struct PresetPacks: Sendable {
    /// How packs are looked for.
    enum Manner: Sendable {
        /// At the locked commit; one that is not locked at the version that is asked for.
        case locked
        /// The same, and one that is not locked is refused before any server is asked.
        case strictly
        /// At the version that is asked for, whatever is locked.
        case anew
    }

    static let none = PresetPacks(layers: [], used: [])

    /// The descriptors of each, in the project's order.
    let layers: [[DescriptorFile]]
    let used: [LockedPack]
}

extension Pipeline {
    /// Opens the store only for a project that has packs.
    /// - Throws: `preset.pack-missing`, `lock.drift`, `lock.missing`, `source.…` for what cannot be fetched
    func packs(of source: any SourceTree, _ manner: PresetPacks.Manner = .locked, isOffline: Bool = false) async throws -> PresetPacks {
        let wanted = try await BlockingPool.run { try ProjectConfiguration.load(from: source).packs }
        guard !wanted.isEmpty else { return .none }
        let lock = try await BlockingPool.run { try BuildLock.read(from: source) }
        let store = try await openStore()
        let span = events.newSpan(.source, "packs")
        let fetching = fetching(into: store, tellingBelow: span)
        return try await spanned(span) {
            var (layers, used): ([[DescriptorFile]], [LockedPack]) = ([], [])
            for pack in wanted {
                let locked = manner == .anew ? nil : lock?.pack(pack.text)
                if manner == .strictly, locked == nil { throw Self.notLocked(pack, lock) }
                let found = try await Self.fetch(pack, locked, fetching, isOffline: isOffline)
                let tree = store.trees.sourceTree(found.tree)
                let files = try await BlockingPool.run { try ProjectPresets.files(in: tree, at: .root, named: pack.text + "/") }
                guard !files.isEmpty else {
                    throw ForgeError(
                        .configuration, "preset.pack-empty", "the pack `\(pack.text)` holds no presets", at: pack.location,
                        hint: "presets are `*.toml` files at its root, families in `families/`")
                }
                try await store.sources.note(found.tree)
                layers.append(files)
                used.append(found)
            }
            return (PresetPacks(layers: layers, used: used), "\(Count(used.count, "pack"))")
        }
    }

    private static func fetch(
        _ pack: PresetPack, _ locked: LockedPack?, _ fetching: SourceFetching, isOffline: Bool
    ) async throws -> LockedPack {
        guard let location = try RemoteLocation(parsing: pack.address) else {
            throw ForgeError(
                .configuration, "preset.pack-address", "`\(pack.address)` is no address of a repository", at: pack.location,
                hint: "write it like `https://example.org/presets.git#v1`")
        }
        let credentials = RemoteCredentials(userinfo: nil, token: nil, environment: fetching.environment)
        let source = RemoteSource(
            fetching: fetching, location: location, revision: locked?.commit ?? pack.revision, credentials: credentials)
        fetching.progress("pack `\(pack.text)`")
        let stored = try await source.stored()
        if stored == nil, isOffline {
            throw ForgeError(
                .configuration, "preset.pack-missing", "the pack `\(pack.text)` is not in the store, and an offline build asks no server",
                at: pack.location, hint: locked == nil ? "lock it: `forge lock`" : "build once without `--offline`")
        }
        let (commit, entry) = if let stored { stored } else { try await source.ingest() }
        let found = LockedPack(text: pack.text, commit: commit, tree: entry.root)
        guard let locked, locked.tree != entry.root else { return found }
        throw ForgeError(
            .configuration, "lock.drift", "the pack `\(pack.text)` holds other files at \(commit.prefix(12)) than the locked ones",
            at: pack.location, hint: "`forge lock --update` takes them over")
    }

    private static func notLocked(_ pack: PresetPack, _ lock: LockFile?) -> ForgeError {
        ForgeError(
            .configuration, lock == nil ? "lock.missing" : "lock.drift", "the pack `\(pack.text)` is not locked", at: pack.location,
            hint: "run `forge lock` and commit `\(LockFile.fileName)`")
    }
}
