internal import ForgeModel
internal import ForgePlanning
internal import ForgePresets
internal import ForgeSources
internal import ForgeSystem
internal import Foundation

/// Where a folder on this machine belongs to: the workspace above it that lists it as a member.
struct SurroundingWorkspace {
    /// Folders above that are looked at.
    private static let height = 12

    /// Absolute.
    let root: String
    /// The folder below that.
    let folder: RelativePath

    /// Never leaves the repository the folder lies in, nor what belongs to the folder's owner: a file of somebody else's above it
    /// must not decide what is built. A folder above that cannot be read is none. Blocks.
    static func find(around path: String, presets: PresetShelf) throws -> SurroundingWorkspace? {
        guard var current = (try? Files.resolved(path)) ?? nil, let owner = owner(of: current) else { return nil }
        var names: [String] = []
        for _ in 0..<height {
            guard !Files.exists("\(current)/.git"), current != "/" else { return nil }
            names.insert(String(current.split(separator: "/").last ?? ""), at: 0)
            current = Files.parent(of: current)
            guard self.owner(of: current) == owner else { return nil }
            let folder = names.reduce(RelativePath.root) { $0.appending(component: $1) }
            guard mayList(current) else { continue }
            let surveyor = Surveyor(catalog: try presets.catalog())
            if (try? surveyor.lists(folder, in: LooseFolder(path: current))) == true {
                return SurroundingWorkspace(root: current, folder: folder)
            }
        }
        return nil
    }

    /// Presets are read for a folder only that holds a file in a language of manifests: most have nothing of the kind above them.
    private static func mayList(_ folder: String) -> Bool {
        let names = (try? Files.list(folder)) ?? []
        return names.contains { name in [".json", ".toml", ".yaml", ".work"].contains { name.hasSuffix($0) } }
    }

    private static func owner(of path: String) -> UInt32? {
        // Not by stat(2): where Foundation and NIOSSL are imported too, its name is found in two modules.
        guard let real = try? Files.resolved(path) else { return nil }
        return (try? FileManager.default.attributesOfItem(atPath: real))?[.ownerAccountID].flatMap { ($0 as? NSNumber)?.uint32Value }
    }
}
