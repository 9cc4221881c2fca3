import ForgeModel
import Foundation
import Testing

@testable import ForgePresets

/// Every `fixtures/presets-invalid/<name>.toml` has its expected findings beside it in `<name>.expected`.
@Suite struct InvalidPresetTests {
    static let folder = Repository.root + "/fixtures/presets-invalid"
    static let names = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.filter { $0.hasSuffix(".toml") }.sorted() ?? []

    @Test(arguments: names)
    func everyFaultIsReportedWithItsPlaceAndAHint(name: String) throws {
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name)")))
        let faults = FaultLog()
        #expect(PresetCatalog.preset(parsing: bytes, file: name, faults: faults) == nil)
        let found = faults.sorted.map { fault in
            "\(fault.location?.description ?? "?"): \(fault.message)" + (fault.hint.map { "\n    hint: \($0)" } ?? "") + "\n"
        }.joined()
        let file = "\(Self.folder)/\(name.dropLast(".toml".count)).expected"
        if ProcessInfo.processInfo.environment["FORGE_UPDATE_GOLDENS"] == "1" { try Data(found.utf8).write(to: URL(fileURLWithPath: file)) }
        #expect(found == (try? String(contentsOfFile: file, encoding: .utf8)))
    }

    @Test func thereAreInvalidPresetsToTry() { #expect(Self.names.count >= 7) }

    @Test func faultsOfAllFilesOfACatalogComeTogether() throws {
        let error = #expect(throws: ForgeError.self) { try PresetCatalog.load(directories: [Self.folder]) }
        #expect(error?.code == "preset.invalid")
        #expect(error?.exitCode == 10)
        let files = Set(([error?.location] + (error?.others.map(\.location) ?? [])).compactMap { $0?.file })
        #expect(files.count == Self.names.count)
    }
}

enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path
}
