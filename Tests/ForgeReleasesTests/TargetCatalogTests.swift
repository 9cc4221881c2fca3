import ForgeModel
import ForgeReleases
import ForgeSystem
import Foundation
import Testing

@Suite struct TargetCatalogTests {
    /// Writes plugins (folder name → text of `plugin.toml`) with a program called `run` each.
    private func withPlugins(_ plugins: [String: String], _ body: (TargetCatalog, String) async throws -> Void) async throws {
        let folder = try TemporaryDirectory(in: NSTemporaryDirectory() + "forge-releases-tests", prefix: "catalog")
        defer { try? folder.remove() }
        for (name, text) in plugins {
            try Files.makeDirectory("\(folder.path)/\(name)")
            try Files.writeAtomically(Array(text.utf8), to: "\(folder.path)/\(name)/plugin.toml")
            try Files.writeAtomically([], to: "\(folder.path)/\(name)/run", mode: 0o755)
        }
        try await body(TargetCatalog(directories: [folder.path, folder.path + "/none"], programs: []), folder.path)
    }

    private func description(_ name: String, kinds: String = "\"static\"") -> String {
        "name = \"\(name)\"\nversion = \"1\"\nprotocol = 1\nexecutable = \"run\"\nkinds = [\(kinds)]\n"
    }

    @Test func theBuiltInTargetIsFound() async throws {
        let (targets, faults) = try await ReleaseFixture.builtIn.list()
        #expect(faults == [])
        #expect(targets.first { $0.name == "static" }?.kinds == [.static])
    }

    @Test func aTargetIsChosenByNameOrByWhatItTakes() async throws {
        let plugins = ["one": description("one"), "two": description("two", kinds: "\"static\", \"function\""), "bare": ""]
        try await withPlugins(plugins) { (catalog: TargetCatalog, _) async throws -> Void in
            #expect(try await catalog.target(named: "one", for: .static).name == "one")
            #expect(try await catalog.target(named: nil, for: .function).name == "two")
            let several = await #expect(throws: ForgeError.self) { try await catalog.target(named: nil, for: .static) }
            #expect(several?.hint == "choose one: `--target one`, `--target two`")
            let wrong = await #expect(throws: ForgeError.self) { try await catalog.target(named: "one", for: .function) }
            #expect(wrong?.message == "target `one` does not take a `function` artifact: it takes `static`")
        }
        try await withPlugins(["one": description("one")]) { (catalog: TargetCatalog, _) async throws -> Void in
            let unknown = await #expect(throws: ForgeError.self) { try await catalog.target(named: "on", for: .static) }
            #expect(unknown?.message == "no target named `on`")
            #expect(unknown?.hint == "installed: `--target one`")
        }
    }

    @Test func theTargetCalledLikeItsKindIsTheUsualOne() async throws {
        try await withPlugins(["one": description("one"), "static": description("static")]) {
            (catalog: TargetCatalog, _) async throws -> Void in
            #expect(try await catalog.target(named: nil, for: .static).name == "static")
        }
    }

    @Test func everythingWrongWithADescriptionIsSaidAtOnceWithItsPlace() async throws {
        let text = """
            name = "Bad Name"
            version = 3
            protocol = 2
            executable = "../run"
            kinds = ["static", "statics", 4]
            colour = "red"
            """
        try await withPlugins(["bad": text]) { catalog, folder in
            let fault = try #require(try await catalog.list().faults.first)
            let all = [(fault.location, fault.message)] + fault.others.map { ($0.location, $0.message) }
            #expect(
                all.map { "\($0.0.map { String($0.description.dropFirst(folder.count + 1)) } ?? "-"): \($0.1)" } == [
                    "bad/plugin.toml:1:8: `name` cannot be `Bad Name`: only a–z, 0–9 and `-` may occur in it",
                    "bad/plugin.toml:2:11: `version` must be a string that is not empty, found an integer",
                    "bad/plugin.toml:5:20: `statics` is not an artifact kind: expected `static`, `container`, `function`, `image`",
                    "bad/plugin.toml:5:31: `an integer` is not an artifact kind: expected `static`, `container`, `function`, `image`",
                    "bad/plugin.toml:3:12: `protocol` is 2: this forge speaks 1",
                    "bad/plugin.toml:4:14: `executable` cannot be `../run`: expected a path below the plugin's folder",
                    "bad/plugin.toml:6:1: unknown key `colour`",
                ])
            #expect(fault.exitCode == 10)
        }
    }

    @Test func aDescriptionThatIsNoTOMLOrNamesNoProgramIsAFault() async throws {
        let missing = description("missing").replacingOccurrences(of: "\"run\"", with: "\"gone\"")
        try await withPlugins(["broken": "name = ", "missing": missing, "good": description("good")]) { catalog, folder in
            let (targets, faults) = try await catalog.list()
            #expect(targets.map(\.name) == ["good"])
            #expect(faults.map { $0.location?.line } == [1, 4])
            #expect(faults.last?.message == "no program `gone` in `\(folder)/missing`")
        }
    }
}
