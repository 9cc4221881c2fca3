import ForgeModel
import Foundation
import Testing

@testable import ForgePresets

@Suite struct CatalogTests {
    @Test func theShippedCatalogIsSound() throws {
        let catalog = try PresetCatalog.load(directories: [Repository.root + "/Presets"])
        #expect(try catalog.presets.count >= 150)
        #expect(
            try catalog.packageManagers.map(\.id) == [
                "bun", "bundler", "cargo", "clojure", "composer", "conda", "deno", "go", "gradle", "leiningen", "maven", "mix", "npm",
                "nuget", "pdm", "pip", "pipenv", "pnpm", "poetry", "pub", "sbt", "shards", "swiftpm", "uv", "yarn",
            ])
    }

    @Test func aProgramThatIsNotThereIsAFaultOfThePackageManager() throws {
        let folder = "\(NSTemporaryDirectory())/forge-catalog-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/package-managers", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder + "/programs", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "print(1)".write(toFile: folder + "/programs/tidy.py", atomically: true, encoding: .utf8)
        try """
        id = "x"
        name = "X"
        ecosystem = "npm"

        [install]
        firstOf = [{ shell = "python3 -c {{program.tydi}}" }]
        """.write(toFile: folder + "/package-managers/x.toml", atomically: true, encoding: .utf8)
        let error = #expect(throws: ForgeError.self) { try PresetCatalog.load(directories: [folder]) }
        #expect(error?.message == "placeholder `{{program.tydi}}` is not declared")
        #expect(error?.hint == "did you mean `{{program.tidy}}`?")
    }

    @Test func thePresetsDigestIsThatOfItsFile() throws {
        let catalog = try PresetCatalog.load(directories: [Repository.root + "/Presets"])
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: Repository.root + "/Presets/static.toml")))
        #expect(try catalog.preset("static")?.digest == Digest(of: bytes))
    }

    @Test func aDirectoryThatIsNotThereHoldsNothing() throws {
        #expect(try PresetCatalog.load(directories: ["/nowhere/at/all"]).presets.isEmpty)
    }
}
