internal import ForgeManifests
internal import ForgeModel
internal import ForgePresets

/// Looks for the apps of a source whose root is none: people keep `frontend` and `backend` side by side with nothing that lists them.
struct FolderSearch {
    /// So many folders are looked at, and so many are named.
    private static let (searched, named) = (24, 4)

    let detector: Detector
    let facts: ProjectFacts

    /// What to do about them; nil when no folder at the root is an app.
    func advice() -> String? {
        let found = apps()
        guard let first = found.first else { return nil }
        let list = found.prefix(Self.named).map { "`\($0.folder)` (\($0.name))" }.joined(separator: ", ")
        let rest = found.count > Self.named ? " and \(found.count - Self.named) more" : ""
        return found.count == 1
            ? "\(list) is an app: run forge in that folder, or write `root = \"\(first.folder)\"` below `[build]` in `crowdforge.toml`"
            : "these folders are apps: \(list)\(rest); run forge in one of them, or list them in `crowdforge.toml`: `[[app]]` with "
                + "`name = \"\(first.folder)\"` and `root = \"\(first.folder)\"`"
    }

    /// A folder of pages alone is mostly a part of something else.
    private func apps() -> [(folder: String, name: String)] {
        guard let folders = try? facts.files.subfolders(.root) else { return [] }
        return folders.prefix(Self.searched).compactMap { folder in
            let files = facts.files.folder(RelativePath.root.appending(component: folder))
            let inside = ProjectFacts(files: files, configuration: ProjectConfiguration(), catalog: facts.catalog)
            guard let preset = (try? detector.rank(inside))?.winner?.preset, [.framework, .runtime].contains(preset.group) else {
                return nil
            }
            return (folder, preset.name)
        }
    }
}
