import ForgeTestSupport
import Foundation
import Testing

/// Presets from a repository: named by a project, pinned by `forge.lock`.
@Suite struct PresetPackTests {
    private static let preset = """
        id = "tidy"
        name = "Tidy"
        extends = "tidy-base"
        match = { file = "tidy.config" }
        """

    private static func family(_ word: String) -> String {
        "id = \"tidy-base\"\nextends = \"site\"\nlanguage = \"tidy\"\n[derive.command]\n"
            + "firstOf = [{ argv = [\"sh\", \"-c\", \"mkdir -p out && echo \(word) > out/index.html\"] }]\n"
            + "[derive.folder]\nfirstOf = [{ literal = \"out\" }]\n"
    }

    /// A server with the pack at `v1`, a later commit on `main`, and a project that names the tag.
    private struct Stage {
        let home: ForgeHome
        let pack: TemporaryProject
        let first: String
        let server: HTTPGitServer
        let project: TemporaryProject
        var name: String { "\(server.url)/site.git#v1" }

        init(_ home: ForgeHome, preset: String = PresetPackTests.preset, more: [String: String] = [:]) async throws {
            self.home = home
            pack = try home.project(
                ["tidy.toml": preset, "families/tidy-base.toml": family("one"), "README.md": "A pack."].merging(more) { $1 })
            first = try await pack.commit("One")
            try await pack.git("tag", "v1")
            let shelf = try GitShelf(in: home)
            try await shelf.publish(pack)
            server = try await HTTPGitServer.start(shelf)
            project = try home.project(["tidy.config": "", "crowdforge.toml": "[presets]\npacks = [\"\(server.url)/site.git#v1\"]\n"])
        }

        /// The tag is moved to a commit that says another word.
        func move() async throws {
            try pack.write(["families/tidy-base.toml": family("two")])
            try await pack.commit("Two")
            try await pack.git("tag", "-f", "v1")
            try await pack.git("push", "-q", "-f", "\(home.folder)/shelf/site.git", "main", "v1")
        }

        func page(_ arguments: String...) async throws -> String {
            let out = "\(home.folder)/page-\(UUID().uuidString.prefix(8))"
            let run = try await home.run(["build", project.path, "--out", out, "--unsafe-local", "--progress", "quiet"] + arguments)
            guard run.exitCode == 0 else { return run.error }
            return try String(contentsOfFile: "\(out)/index.html", encoding: .utf8)
        }
    }

    @Test func aPackIsFetchedPinnedAndStaysThePinnedOneWhereverItsTagGoes() async throws {
        try await withForgeHome { home in
            let stage = try await Stage(home)
            let detect = try await home.run("detect", stage.project.path, "--json").json()
            #expect(detect["preset"]?.text == "tidy")
            let lock = try await home.run("lock", stage.project.path, "--json").json()
            #expect(lock["packs"] == .object([stage.name: .string(stage.first)]))
            let written = try String(contentsOfFile: "\(stage.project.path)/forge.lock", encoding: .utf8)
            #expect(written.contains("[[pack]]\npack = \"\(stage.name)\"\ncommit = \"\(stage.first)\"\ntree = \"sha256:"))
            #expect(try await stage.page("--locked") == "one\n")

            try await stage.move()
            #expect(try await stage.page("--locked") == "one\n")
            try await stage.server.stop()
            #expect(try await stage.page("--locked", "--offline") == "one\n")
        }
    }

    @Test func anUpdateTakesWhatTheTagIsNow() async throws {
        try await withForgeHome { home in
            let stage = try await Stage(home)
            _ = try await home.run("lock", stage.project.path)
            try await stage.move()
            #expect(try await home.run("lock", stage.project.path, "--json").json()["isChanged"] == .bool(false))
            let updated = try await home.run("lock", stage.project.path, "--update", "--json").json()
            #expect(updated["isChanged"] == .bool(true))
            #expect(updated["packs"]?[stage.name]?.text != stage.first)
            #expect(try await stage.page("--locked") == "two\n")
        }
    }

    @Test func aPackThatIsNotLockedIsRefusedBeforeAnyServerIsAskedWhenLocksAreWanted() async throws {
        try await withForgeHome { home in
            let stage = try await Stage(home)
            try await stage.server.stop()
            let run = try await home.run("build", stage.project.path, "--locked", "--json")
            #expect(run.exitCode == 10)
            let error = try run.json()["error"]
            #expect(error?["code"]?.text == "lock.missing")
            #expect(error?["message"]?.text == "the pack `\(stage.name)` is not locked")
            #expect(error?["file"]?.text == "crowdforge.toml")
            #expect(error?["line"]?.number == 2)
        }
    }

    @Test func aPackThatWasChangedBehindItsLockIsNotUsed() async throws {
        try await withForgeHome { home in
            let stage = try await Stage(home)
            _ = try await home.run("lock", stage.project.path)
            let file = "\(stage.project.path)/forge.lock"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let tree = try #require(text.firstMatch(of: /commit = "[0-9a-f]{40}"\ntree = "sha256:([0-9a-f]{64})/)).output.1
            try text.replacing(tree, with: String(repeating: "0", count: 64)).write(toFile: file, atomically: true, encoding: .utf8)
            let run = try await home.run("build", stage.project.path, "--json")
            #expect(run.exitCode == 10)
            #expect(try run.json()["error"]?["code"]?.text == "lock.drift")
        }
    }

    @Test func aPackTakesNoShippedPresetsPlaceInSilenceAndBringsNoPrograms() async throws {
        try await withForgeHome { home in
            let stage = try await Stage(
                home, preset: Self.preset.replacing("\"tidy\"", with: "\"hugo\""),
                more: ["package-managers/npm.toml": "id = \"npm\"\nname = \"npm\"\necosystem = \"npm\"\ninstall = { firstOf = [] }\n"])
            let run = try await home.run("detect", stage.project.path)
            #expect(run.exitCode == 10)
            #expect(
                run.error.hasSuffix(
                    """
                    error: a project and a pack bring presets and families only: a package manager names programs of the machine that builds
                      --> \(stage.name)/package-managers/npm.toml:1:1
                    hint: whoever runs the machine may put it into the folder `presets` beside Forge's `config.toml`

                    error: there is a preset `hugo` already
                      --> \(stage.name)/tidy.toml:1:6
                    hint: choose another id, or write `replaces = true` if this one is to take its place

                    """))
        }
    }

    @Test func aPackThatIsNotThereIsNamed() async throws {
        try await withForgeHome { home in
            let stage = try await Stage(home)
            try stage.project.write(["crowdforge.toml": "[presets]\npacks = [\"\(stage.server.url)/site.git#v9\"]\n"])
            let run = try await home.run("detect", stage.project.path, "--json")
            #expect(run.exitCode != 0)
            #expect(try run.json()["error"]?["message"]?.text?.contains("v9") == true)
        }
    }
}
