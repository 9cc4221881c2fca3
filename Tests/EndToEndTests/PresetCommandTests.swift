import ForgeTestSupport
import Foundation
import Testing

/// `forge preset` as its users run it.
@Suite struct PresetCommandTests {
    @Test func anAuthorWritesChecksTestsAndUsesAPreset() async throws {
        try await withForgeHome { home in
            let project = try home.project([
                "tidy.config": "title = Mine\noutput = www\n", "build.sh": "mkdir www && echo hello > www/index.html\n",
            ])
            let new = try await home.run("preset", "new", "tidy", cwd: project.path)
            #expect(new.exitCode == 0)
            #expect(
                new.output == """
                    wrote .forge/presets/tidy.toml
                    wrote .forge/presets/cases/tidy-app/tidy.config
                    wrote .forge/presets/cases/tidy-app/build.sh
                    wrote .forge/presets/cases/tidy-app.json
                    wrote .forge/presets/preset.schema.json
                    next: edit them, then  forge preset check .forge/presets  and  forge preset test .forge/presets

                    """)
            let check = try await home.run("preset", "check", ".forge/presets", cwd: project.path)
            #expect(check.output == "1 file: sound\n")
            #expect(check.exitCode == 0)
            let test = try await home.run("preset", "test", cwd: project.path)
            #expect(test.output == "tidy-app  passed  tidy\n1 case: as expected\n")
            #expect(test.exitCode == 0)
            let build = try await home.run(
                "build", project.path, "--out", "\(home.folder)/site", "--unsafe-local", "--progress", "quiet")
            #expect(build.exitCode == 0, "\(build.error)")
            #expect(try String(contentsOfFile: "\(home.folder)/site/index.html", encoding: .utf8) == "hello\n")
            let list = try await home.run("preset", "list", "--json", cwd: project.path).json()
            #expect(list["presets"]?.elements.filter { $0["from"]?.text == "this project" }.map { $0["id"]?.text } == ["tidy"])
        }
    }

    @Test func aProjectBringsNoToolchainsAndTakesNoPresetsPlaceInSilence() async throws {
        try await withForgeHome { home in
            let own = "name = \"Own\"\nextends = \"site\"\nmatch = { file = \"a\" }\n"
            let project = try home.project([
                "a": "", ".forge/presets/own.toml": "id = \"hugo\"\n" + own,
                ".forge/presets/toolchains/sh.toml": "id = \"sh\"\nname = \"sh\"\nexecutables = [\"sh\"]\n",
            ])
            let run = try await home.run("detect", project.path)
            #expect(run.exitCode == 10)
            #expect(
                run.error == """
                    error: there is a preset `hugo` already
                      --> .forge/presets/own.toml:1:6
                    hint: choose another id, or write `replaces = true` if this one is to take its place

                    error: a project and a pack bring presets and families only: a toolchain names programs of the machine that builds
                      --> .forge/presets/toolchains/sh.toml:1:1
                    hint: whoever runs the machine may put it into the folder `presets` beside Forge's `config.toml`

                    """)
            let replacing = try home.project(["a": "", ".forge/presets/own.toml": "id = \"hugo\"\nreplaces = true\n" + own])
            let detect = try await home.run("detect", replacing.path, "--json").json()
            #expect(detect["preset"]?.text == "hugo")
            #expect(detect["name"]?.text == "Own")
        }
    }

    @Test func whatIsThereIsNotOverwritten() async throws {
        try await withForgeHome { home in
            let project = try home.project(["presets/tidy.toml": "mine"])
            let new = try await home.run("preset", "new", "tidy", "--in", "presets", cwd: project.path)
            #expect(new.exitCode == 10)
            #expect(
                new.error == """
                    error: `presets/tidy.toml` is there already, and nothing is overwritten
                      --> presets/tidy.toml
                    hint: remove it, choose another id, or another folder with `--in`

                    """)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(project.path)/presets") == ["tidy.toml"])
            let known = try await home.run("preset", "new", "hugo", "--json", cwd: project.path)
            #expect(known.exitCode == 10)
            #expect(try known.json()["error"]?["code"]?.text == "preset.exists")
            let id = try await home.run("preset", "new", "No/Good", "--json", cwd: project.path)
            #expect(id.exitCode == 2)
            #expect(try id.json()["error"]?["code"]?.text == "preset.id")
        }
    }

    @Test func aCaseThatComesOutOtherwiseIsShownLineByLineAndTakenOverWhenAskedTo() async throws {
        try await withForgeHome { home in
            let project = try home.project()
            _ = try await home.run("preset", "new", "tidy", cwd: project.path)
            let file = "\(project.path)/.forge/presets/tidy.toml"
            let text = try String(contentsOfFile: file, encoding: .utf8).replacing("\"build.sh\"]", with: "\"other.sh\"]")
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let failed = try await home.run("preset", "test", cwd: project.path)
            #expect(failed.exitCode == 10)
            #expect(
                failed.output == """
                    tidy-app  failed  tidy
                        …
                              "apps" : [
                              ],
                        -     "build" : "sh build.sh",
                        +     "build" : "sh other.sh",
                              "candidates" : [
                              ],
                        …
                                  "command" : [
                                    "sh",
                        -           "build.sh"
                        +           "other.sh"
                                  ],
                                  "environment" : {
                        …
                                  "publicVariables" : [
                                  ],
                        -         "title" : "sh build.sh"
                        +         "title" : "sh other.sh"
                                }
                              ],
                        → read it; if it is right: --update writes it to .forge/presets/cases/tidy-app.json
                    1 failed

                    """)
            let updated = try await home.run("preset", "test", "--update", "--json", cwd: project.path)
            #expect(updated.exitCode == 0)
            #expect(try updated.json()["cases"]?.elements[0]["outcome"]?.text == "updated")
            #expect(try await home.run("preset", "test", cwd: project.path).output == "tidy-app  passed  tidy\n1 case: as expected\n")
        }
    }

    @Test func aPresetThatNoCaseShowsFailsTheTest() async throws {
        try await withForgeHome { home in
            let project = try home.project()
            _ = try await home.run("preset", "new", "tidy", cwd: project.path)
            let folder = "\(project.path)/.forge/presets"
            let text = try String(contentsOfFile: "\(folder)/tidy.toml", encoding: .utf8)
            try text.replacing("tidy", with: "neat").write(toFile: "\(folder)/neat.toml", atomically: true, encoding: .utf8)
            let run = try await home.run("preset", "test", cwd: project.path)
            #expect(run.exitCode == 10)
            #expect(run.output == "tidy-app  passed  tidy\nno case is recognized as `neat`: put a project of it into `cases`\n1 failed\n")
        }
    }

    @Test func allFaultsOfAllFilesAreSaidWithTheirPlaces() async throws {
        try await withForgeHome { home in
            let project = try home.project([
                "one.toml":
                    "id = \"one\"\nnmae = \"One\"\ngroup = \"framework\"\nmatch = { file = \"a\" }\nartifact = { kind = \"static\" }\n",
                "toolchains/two.toml": "id = \"two\"\nname = \"Two\"\nexecutables = [\"two\"]\n[[source]]\nkind = \"whale\"\n",
                "crowdforge.toml": "[build]\ncomand = \"make\"\n",
            ])
            let run = try await home.run(
                "preset", "check", "one.toml", "toolchains/two.toml", "crowdforge.toml", "--json", cwd: project.path)
            #expect(run.exitCode == 10)
            let faults = try run.json()["faults"]?.elements.map { fault in
                "\(fault["file"]?.text ?? ""):\(Int(fault["line"]?.number ?? 0)):\(Int(fault["column"]?.number ?? 0)) \(fault["message"]?.text ?? "")"
            }
            #expect(
                faults == [
                    "crowdforge.toml:2:1 unknown key `comand` in `[build]`", "one.toml:1:1 `one.toml` has no `name`",
                    "one.toml:2:1 unknown key `nmae`",
                    "toolchains/two.toml:5:8 `kind` cannot be `whale`: expected one of `bundled`, `wheel`, `npm`, `python`, `archive`, `image`, `host`",
                ])
        }
    }

    @Test func anOverlapWithAShippedPresetIsShownByAProject() async throws {
        try await withForgeHome { home in
            let project = try home.project([
                "mine.toml": """
                id = "mine"
                name = "Mine"
                extends = "site"
                [match]
                dependency = "@11ty/eleventy"
                ecosystem = "npm"
                """
            ])
            let run = try await home.run("preset", "check", "mine.toml", cwd: project.path)
            #expect(run.exitCode == 10)
            #expect(
                run.error == """
                    error: `mine` and `eleventy` match the same project at the same rank: `package.json` with \
                    `{"dependencies":{"@11ty/eleventy":"1.0.0"}}`
                      --> mine.toml:1:6
                    hint: write `supersedes = ["eleventy"]`, or let one of them doubt: `confidence = "likely"`

                    """)
        }
    }

    @Test func whatIsShippedIsListedAndShownWithWhereEachPartIsWritten() async throws {
        try await withForgeHome { home in
            let list = try await home.run("preset", "list", "--group", "static")
            #expect(
                list.output == """
                    ID      NAME         GROUP   KIND    FROM
                    static  Static site  static  static  built-in

                    """)
            let show = try await home.run("preset", "show", "eleventy", "--json")
            let json = try show.json()
            #expect(json["families"]?.elements.map(\.text) == ["node-site", "site", "app"])
            #expect(json["derive"]?["command"]?.elements[0]["source"]?.text == "`node_modules/.bin/eleventy`")
            #expect(json["derive"]?["command"]?.elements[0]["place"]?.text?.hasPrefix("eleventy.toml:") == true)
            #expect(json["derive"]?["install"]?.elements[0]["place"]?.text?.hasPrefix("families/") == true)
            #expect(json["match"]?.elements[0]["clause"]?.text == "npm dependency `@11ty/eleventy`")
            let unknown = try await home.run("preset", "show", "elevnty")
            #expect(unknown.exitCode == 10)
            #expect(unknown.error == "error: no preset named `elevnty`\nhint: did you mean `eleventy`?\n")
            let group = try await home.run("preset", "list", "--group", "frameworks")
            #expect(group.exitCode == 2)
        }
    }

    @Test func presetsOfWhoeverRunsTheMachineAreKnownEverywhere() async throws {
        try await withForgeHome { home in
            let project = try home.project(["tidy.config": "", "build.sh": ""])
            let made = try await home.run("preset", "new", "tidy", "--in", "\(home.path)/presets")
            #expect(made.exitCode == 0)
            let detect = try await home.run("detect", project.path, "--json")
            #expect(try detect.json()["preset"]?.text == "tidy")
            let list = try await home.run("preset", "list", "--json")
            #expect(try list.json()["presets"]?.elements.filter { $0["from"]?.text == "yours" }.map { $0["id"]?.text } == ["tidy"])
        }
    }
}
