import ForgeModel
import Foundation
import Testing

@testable import ForgePresets

@Suite struct CatalogTests {
    @Test func theShippedCatalogIsSound() throws {
        let catalog = try PresetCatalog.load(directories: [Repository.root + "/Presets"])
        #expect(
            catalog.presets.map(\.id) == [
                "custom", "django", "dockerfile", "fastapi", "flask", "hugo", "nextjs", "node", "python", "static", "vite", "vite-ssr",
            ])
        #expect(catalog.packageManagers.map(\.id) == ["bun", "npm", "pip", "pnpm", "poetry", "uv", "yarn"])
        #expect(catalog.toolchains.map(\.id) == ["hugo", "node", "python"])
    }

    @Test func thePresetsDigestIsThatOfItsFile() throws {
        let catalog = try PresetCatalog.load(directories: [Repository.root + "/Presets"])
        let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: Repository.root + "/Presets/static.toml")))
        #expect(catalog.preset("static")?.digest == Digest(of: bytes))
    }

    @Test func aDirectoryThatIsNotThereHoldsNothing() throws {
        #expect(try PresetCatalog.load(directories: ["/nowhere/at/all"]).presets.isEmpty)
    }
}
