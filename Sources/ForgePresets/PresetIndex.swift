internal import ForgeManifests
internal import ForgeModel
internal import Foundation

/// What is known of a directory's descriptors without reading them: their ids, a package manager's ecosystem and the file of its
/// workspaces, and what a project must have for a preset to match.
///
/// A file `index.tsv` beside them, made by `text(of:)`. It speaks of files by their SHA-256: one that was changed since, or is not in it,
/// is read like any other.
package struct PresetIndex: Sendable {
    package static let file = "index.tsv"
    private static let title = "# Made of the descriptors beside it; whatever is not listed with its SHA-256 is read whole."
    private static let families = "families"

    private struct Line: Sendable {
        let id: Substring
        let cells: [Substring]
    }

    /// By the name of the file and its digest.
    private let lines: [String: Line]

    /// Nil when there is none, or families were changed since: a preset is no longer what it was then.
    static func read(in directory: String, families: PresetFamilies) -> PresetIndex? {
        guard let data = FileManager.default.contents(atPath: "\(directory)/\(file)") else { return nil }
        // By bytes: as characters it takes longer than all the rest of a detection.
        let rows = String(decoding: data, as: UTF8.self).utf8.split(separator: UInt8(ascii: "\n")).map { row in
            row.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map(Substring.init)
        }
        guard rows.contains([Self.families[...], families.digest.hex[...]]) else { return nil }
        let lines = rows.filter { $0.count >= 3 }.map { ("\($0[0])\t\($0[1])", Line(id: $0[2], cells: Array($0[3...]))) }
        return PresetIndex(lines: Dictionary(lines) { first, _ in first })
    }

    /// Nil for a preset that has to be read.
    func preset(in item: DescriptorFile, _ families: PresetFamilies) -> CatalogEntry? {
        line(of: item).map { CatalogEntry(id: String($0.id), item, families, sieve: PresetSieve(cells: $0.cells)) }
    }

    /// Nil for a package manager that has to be read.
    func packageManager(in item: DescriptorFile) -> ManagerEntry? {
        guard let line = line(of: item), line.cells.count == 2, let ecosystem = Ecosystem(rawValue: String(line.cells[0])) else {
            return nil
        }
        let file = line.cells[1].isEmpty ? nil : String(line.cells[1])
        return ManagerEntry(id: String(line.id), ecosystem, workspaceFile: file, OnDemand { PackageManager(parsing: item, faults: $0) })
    }

    /// Nil for a toolchain that has to be read.
    func toolchain(in item: DescriptorFile) -> (id: String, content: OnDemand<Toolchain>)? {
        line(of: item).map { (String($0.id), OnDemand { Toolchain(parsing: item, faults: $0) }) }
    }

    private func line(of item: DescriptorFile) -> Line? { lines["\(Self.name(item.file))\t\(item.digest.hex)"] }

    /// The index of a directory whose descriptors are sound.
    /// - Throws: as `PresetCatalog.load`
    package static func text(of directory: String) throws -> String {
        let catalog = try PresetCatalog.load(directories: [directory])
        let presets = try catalog.presets.map { try row($0.file, $0.id, PresetSieve(of: $0.match)?.cells ?? []) }
        let managers = try catalog.packageManagers.map { try row($0.file, $0.id, [$0.ecosystem.rawValue, $0.workspace?.file ?? ""]) }
        let toolchains = try catalog.toolchains.map { try row($0.file, $0.id, []) }
        var loader = CatalogLoader(faults: FaultLog())
        loader.read(try DescriptorFolder(reading: directory))
        return ([title, "\(families)\t\(loader.families.digest.hex)"] + presets + managers + toolchains).joined(separator: "\n") + "\n"
    }

    private static func row(_ file: String, _ id: String, _ cells: [String]) throws -> String {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        return ([name(file), Digest(of: bytes).hex, id] + cells).joined(separator: "\t")
    }

    /// With its folder where that says what it describes.
    private static func name(_ file: String) -> String {
        let folder = DescriptorKind(file: file).folder
        let last = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[file.utf8.index(after: $0)...]) } ?? file
        return folder.isEmpty ? last : "\(folder)/\(last)"
    }
}
