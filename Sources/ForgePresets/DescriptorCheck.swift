internal import Foundation
package import ForgeModel

/// What a descriptor's file describes; the folder that it lies in says which.
package enum DescriptorKind: String, Sendable, Hashable, Encodable, CaseIterable {
    case family, preset, packageManager, toolchain

    /// The folder of such files below a folder of presets.
    package var folder: String {
        switch self {
        case .family: "families"
        case .preset: ""
        case .packageManager: "package-managers"
        case .toolchain: "toolchains"
        }
    }

    package init(file: String) {
        let path = file.utf8.prefix(upTo: file.utf8.lastIndex(of: UInt8(ascii: "/")) ?? file.startIndex)
        let folder = path.lastIndex(of: UInt8(ascii: "/")).map { path.suffix(from: path.index(after: $0)) } ?? path
        self = DescriptorKind.allCases.first { !$0.folder.isEmpty && folder.elementsEqual($0.folder.utf8) } ?? .preset
    }
}

/// Descriptors held against those that are installed.
package struct DescriptorCheck: Sendable {
    /// Everything wrong with the files, in the order of a reader.
    package let faults: [Diagnostic]
    /// The sound presets of the files.
    package let presets: [Preset]
    /// What is installed, with the sound ones of the files in their places.
    package let catalog: PresetCatalog

    /// - Parameters:
    ///   - files: what is checked; families among them are known to all of them.
    ///   - directories: as for `PresetCatalog.load`.
    /// - Throws: as `PresetCatalog.load`, for what is installed.
    package init(_ files: [DescriptorFile], besides directories: [String]) throws {
        let log = FaultLog()
        var loader = CatalogLoader(faults: log)
        for directory in directories { try loader.read(DescriptorFolder(reading: directory)) }
        guard log.faults.isEmpty else { throw ForgeError(.configuration, "preset.invalid", findings: log.sorted) }
        loader.begin()
        for item in files where item.kind == .preset && !Self.isInstalled(item.file, directories) { loader.guests.insert(item.file) }
        for kind in DescriptorKind.allCases {
            for item in files where item.kind == kind { loader.add(item) }
        }
        catalog = loader.catalog()
        faults = log.sorted
        let own = Set(files.map(\.file))
        presets = try catalog.presets.filter { own.contains($0.file) }
    }

    private static func isInstalled(_ file: String, _ directories: [String]) -> Bool {
        let real = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
        return directories.contains { real.hasPrefix(URL(fileURLWithPath: $0).resolvingSymlinksInPath().path + "/") }
    }
}
