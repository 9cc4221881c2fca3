internal import ForgePresets
internal import Synchronization

/// The presets of this installation, read once a command and only when they are wanted.
final class PresetShelf: Sendable {
    /// Later ones replace what earlier ones have.
    let directories: [String]
    private let loaded = Mutex<PresetCatalog?>(nil)

    init(directories: [String]) { self.directories = directories }

    /// Blocks on files the first time.
    /// - Throws: as `PresetCatalog.load`
    func catalog() throws -> PresetCatalog {
        try loaded.withLock { known in
            if let known { return known }
            let catalog = try PresetCatalog.load(directories: directories)
            known = catalog
            return catalog
        }
    }
}
