import ForgeModel
import Foundation
import Testing

@testable import ForgePresets

/// Presets that are read when somebody asks for them.
@Suite(.serialized) struct PresetIndexTests {
    private static let shipped = Repository.root + "/Presets"
    private static let updates = ProcessInfo.processInfo.environment["FORGE_UPDATE_GOLDENS"] != nil

    @Test func theShippedIndexIsThatOfThePresetsBesideIt() throws {
        let file = "\(Self.shipped)/\(PresetIndex.file)"
        let made = try PresetIndex.text(of: Self.shipped)
        if Self.updates { try made.write(toFile: file, atomically: true, encoding: .utf8) }
        let kept = try String(contentsOfFile: file, encoding: .utf8)
        #expect(kept.split(separator: "\n") == made.split(separator: "\n"), "FORGE_UPDATE_GOLDENS=1 makes it anew")
    }

    @Test func aCatalogueThatReadsOnDemandHoldsTheSamePresets() throws {
        let whole = try PresetCatalog.load(directories: [Self.shipped])
        let lazy = try PresetCatalog.load(directories: [Self.shipped], readsAll: false)
        #expect(lazy.entries.compactMap(\.read).map(\.id) == [], "nothing is read before it is asked for")
        #expect(try lazy.presets == whole.presets)
        #expect(lazy.managers.compactMap(\.content.atHand).map(\.id) == [])
        #expect(try lazy.packageManagers == whole.packageManagers)
        #expect(lazy.toolchainsByID.values.compactMap(\.atHand).isEmpty)
        #expect(try lazy.toolchains == whole.toolchains)
    }

    private static func withCopy(_ body: (String) throws -> Void) throws {
        let folder = "\(NSTemporaryDirectory())/forge-index-\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: shipped, toPath: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private static func append(_ text: String, to file: String) throws {
        try (String(contentsOfFile: file, encoding: .utf8) + text).write(toFile: file, atomically: true, encoding: .utf8)
    }

    @Test func aPresetThatWasChangedIsReadAndItsFaultsAreTold() throws {
        try Self.withCopy { folder in
            try Self.append("\n# a word\n", to: "\(folder)/static.toml")
            let catalog = try PresetCatalog.load(directories: [folder], readsAll: false)
            #expect(catalog.entries.compactMap(\.read).map(\.id) == ["static"])
            try Self.append("\nnonsense = 1\n", to: "\(folder)/vite.toml")
            let error = #expect(throws: ForgeError.self) { try PresetCatalog.load(directories: [folder], readsAll: false) }
            #expect(error?.code == "preset.invalid")
            #expect(error?.location?.file == "\(folder)/vite.toml")
        }
    }

    @Test(arguments: ["families/node-site.toml", "families/another.toml"])
    func afterAChangeOfAFamilyEverythingIsRead(family: String) throws {
        try Self.withCopy { folder in
            let file = "\(folder)/\(family)"
            if !FileManager.default.fileExists(atPath: file) { _ = FileManager.default.createFile(atPath: file, contents: nil) }
            try Self.append("\n# a word\n", to: file)
            let catalog = try PresetCatalog.load(directories: [folder], readsAll: false)
            #expect(catalog.entries.allSatisfy { $0.read != nil })
        }
    }

    @Test(arguments: ["", "nonsense", "families\t0\nstatic.toml\tx\tstatic", "\u{FEFF}\t\t\t\n\t\n"])
    func anIndexThatSaysSomethingElseIsNone(text: String) throws {
        try Self.withCopy { folder in
            try text.write(toFile: "\(folder)/\(PresetIndex.file)", atomically: true, encoding: .utf8)
            let catalog = try PresetCatalog.load(directories: [folder], readsAll: false)
            #expect(catalog.entries.allSatisfy { $0.read != nil })
        }
    }

    @Test func aSieveIsWrittenAndReadAsOneLine() throws {
        let sieves = try PresetCatalog.load(directories: [Self.shipped]).presets.compactMap { PresetSieve(of: $0.match) }
        #expect(sieves.count >= 140)
        for sieve in sieves {
            let cells = try #require(sieve.cells)
            #expect(PresetSieve(cells: cells.map { $0[...] }) == sieve)
        }
    }
}
