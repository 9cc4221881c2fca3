internal import ForgeModel
internal import ForgePresets
internal import Synchronization

/// The presets of this installation, read once a command and only when they are wanted.
final class PresetShelf: Sendable {
    /// Later ones replace what earlier ones have.
    let directories: [String]
    private let memo: DescriptorMemo
    private let found = Mutex<[DescriptorFolder]?>(nil)
    private let loaded = Mutex<PresetCatalog?>(nil)

    init(directories: [String], memo: DescriptorMemo) {
        self.directories = directories
        self.memo = memo
    }

    /// What lies in the directories. Blocks on files the first time.
    /// - Throws: `ForgeError` `preset.unreadable`
    func folders() throws -> [DescriptorFolder] {
        try found.withLock { known in
            if let known { return known }
            let folders = try directories.map(memo.folder)
            known = folders
            return folders
        }
    }

    /// Blocks on files the first time.
    /// - Throws: as `PresetCatalog.load`
    func catalog() throws -> PresetCatalog {
        try loaded.withLock { known in
            if let known { return known }
            let catalog = try PresetCatalog.load(folders(), readsAll: false)
            known = catalog
            return catalog
        }
    }

    /// With the presets that a project brings along, in packs and over them in `.forge/presets`. Blocks on files.
    /// - Throws: as `PresetCatalog.load`
    func catalog(for tree: any SourceTree, _ packs: PresetPacks = .none) throws -> PresetCatalog {
        let layers = packs.layers + [try ProjectPresets.files(in: tree)].filter { !$0.isEmpty }
        return layers.isEmpty ? try catalog() : try PresetCatalog.load(folders(), adding: layers, readsAll: false)
    }
}

/// The presets that a project keeps for itself.
enum ProjectPresets {
    static let folder = ".forge/presets"
    private static let limit = 256

    /// - Throws: `preset.too-many`
    static func files(in tree: any SourceTree) throws -> [DescriptorFile] {
        try files(in: tree, at: RelativePath(parsing: folder), named: "")
    }

    static func files(in tree: any SourceTree, at root: RelativePath, named prefix: String) throws -> [DescriptorFile] {
        guard let real = try tree.resolve(root) else { return [] }
        var files: [DescriptorFile] = []
        for kind in DescriptorKind.allCases {
            let path = kind.folder.isEmpty ? real : real.appending(component: kind.folder)
            for entry in try tree.entries(of: path) where entry.name.hasSuffix(".toml") && entry.name != "crowdforge.toml" {
                guard let bytes = try tree.read(path.appending(component: entry.name), limit: 1 << 20) else { continue }
                let name = "\(path.isRoot ? "" : path.string + "/")\(entry.name)"
                files.append(DescriptorFile(file: prefix + name, bytes: bytes))
            }
            guard files.count <= limit else {
                throw ForgeError(.configuration, "preset.too-many", "`\(prefix)\(root)` holds more than \(limit) descriptors")
            }
        }
        return files
    }
}
