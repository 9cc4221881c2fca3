import ForgeModel
import Foundation
import Testing

@testable import ForgePresets

/// Presets that say only what differs from their family.
@Suite struct FamilyTests {
    private static let family = """
        id = "tool"
        group = "framework"
        language = "node"

        [derive.build]
        firstOf = [{ value = "command" }]

        [derive.command]
        firstOf = []

        [[step]]
        id = "build"
        run = "{{build}}"
        outputs = ["dist"]
        environment = { A = "1" }

        [artifact]
        kind = "static"
        port = 3000
        """

    private func load(_ preset: String, families: [String: String] = ["tool": family]) throws -> PresetCatalog {
        let folder = "\(NSTemporaryDirectory())/forge-family-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/families", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, text) in families { try text.write(toFile: "\(folder)/families/\(name).toml", atomically: true, encoding: .utf8) }
        try preset.write(toFile: folder + "/x.toml", atomically: true, encoding: .utf8)
        return try PresetCatalog.load(directories: [folder])
    }

    @Test func aPresetHasWhatItsFamilySaysAndItDoesNot() throws {
        let preset = try #require(
            try load(
                """
                id = "x"
                name = "X"
                extends = "tool"

                [match]
                file = "x.toml"

                [derive.command]
                firstOf = [{ argv = ["x", "build"] }]

                [[step]]
                id = "build"
                environment = { B = "2" }

                [artifact]
                kind = "container"
                """
            ).preset("x"))
        #expect(preset.language == "node")
        #expect(preset.group == .framework)
        #expect(
            preset.artifact
                == ArtifactTemplate(kind: .container, port: 3000, healthPath: nil, dockerfile: nil, environment: [:], leavesOut: []))
        #expect(preset.steps.map(\.id) == ["build"])
        #expect(preset.steps[0].run == .command("build"))
        #expect(preset.steps[0].outputs == [Template("dist")])
        #expect(preset.steps[0].environment == ["A": "1", "B": "2"])
        #expect(preset.derive.keys.sorted() == ["build", "command"])
    }

    @Test func thePresetsDigestCoversItsFamily() throws {
        let text = "id = \"x\"\nname = \"X\"\nextends = \"tool\"\n\n[match]\nfile = \"x\"\n"
        let one = try load(text).preset("x")?.digest
        let other = try load(text, families: ["tool": Self.family + "\n# another word\n"]).preset("x")?.digest
        #expect(one != nil && other != nil && one != other)
    }

    @Test func aFamilyThatIsNotThereIsAFaultWithTheNearestName() {
        let error = #expect(throws: ForgeError.self) {
            try load(
                "id = \"x\"\nname = \"X\"\nextends = \"tol\"\ngroup = \"static\"\n[match]\nfile = \"x\"\n[artifact]\nkind = \"static\"\n")
        }
        #expect(error?.message == "no family named `tol`")
        #expect(error?.hint == "did you mean `tool`?")
        #expect(error?.location?.line == 3)
    }

    @Test func familiesThatBuildOnEachOtherInACircleAreAFault() {
        let text = "id = \"a\"\nextends = \"b\"\n"
        let error = #expect(throws: ForgeError.self) {
            try load(
                "id = \"x\"\nname = \"X\"\nextends = \"a\"\n[match]\nfile = \"x\"\n",
                families: ["a": text, "b": "id = \"b\"\nextends = \"a\"\n"])
        }
        #expect(error?.code == "preset.invalid")
    }

    @Test func versionsAreComparedByNumbersAndARequirementWithoutOneMayBeAny() throws {
        let range = try #require(VersionRange(">=2 <4"))
        #expect(["^2.0.0", "~> 3.9", "v3.0.1", "*", "latest", ""].allSatisfy(range.admits))
        #expect(["^1.9.0", "4", "==4.0.0", "10.0.0"].allSatisfy { !range.admits(requirement: $0) })
        #expect(VersionRange("2") == nil && VersionRange("") == nil && VersionRange("<=3") == nil)
    }
}
