import ForgeTestSupport
import Foundation
import Testing

/// What people get wrong: each mistake has its exit code, a message that says where, and a way out.
@Suite struct BadInputTests {
    @Test func aMissingFolderIsAMistakeOfTheCommandLine() async throws {
        try await withForgeHome { home in
            for command in ["build", "detect", "plan"] {
                let code = try await home.failureCode(2, command, "/no/such/folder")
                #expect(code == "source.missing")
            }
        }
    }

    @Test func anEmptyFolderIsNoProject() async throws {
        try await withForgeHome { home in
            let project = try home.project()
            for command in ["build", "detect", "plan"] {
                let error = try await home.failure(20, command, project.path)
                #expect(error["code"] == "detect.empty")
                #expect(error["hint"]?.text?.contains("index.html") == true)
            }
        }
    }

    @Test func aFolderThatMayNotBeReadIsNamed() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "<h1>Mine</h1>"])
            try FileManager.default.setAttributes([.ownerAccountID: 65534, .posixPermissions: 0o700], ofItemAtPath: project.path)
            // Root without its capabilities is a stranger to other people's folders, and still sees its own programs.
            let run = try await home.tool(
                "/usr/bin/setpriv", "--bounding-set", "-all", "--inh-caps", "-all", BuildProducts.executable("forge"), "detect",
                project.path, "--json")
            #expect(run.exitCode == 2)
            let error = try run.json()["error"]
            #expect(error?["code"] == "source.unreadable")
            #expect(error?["message"]?.text?.contains(project.path) == true)
        }
    }

    @Test func aBrokenManifestIsShownWithItsPlace() async throws {
        try await withForgeHome { home in
            let project = try home.project(["package.json": "{\n  \"scripts\": {\n    \"build\": \"node b.js\",\n  }\n}\n"])
            for command in ["build", "detect", "plan"] {
                let error = try await home.failure(10, command, project.path)
                #expect(
                    error.without("hint") == [
                        "code": "detect.manifest-syntax", "message": "`package.json` is not valid JSON: a comma before `}`",
                        "file": "package.json", "line": 3, "column": 25,
                    ])
            }
        }
    }

    @Test func aBrokenConfigurationIsShownWithItsPlaceAndNothingIsRun() async throws {
        try await withForgeHome { home in
            let syntax = try home.project(["crowdforge.toml": "[build]\ncommand = \"make\noutput = \"x\"\n"])
            let error = try await home.failure(10, "build", syntax.path)
            #expect(error["code"] == "config.syntax")
            #expect(error["file"] == "crowdforge.toml")
            #expect(error["line"] == 2)
            #expect(error["column"]?.number != nil)
            let climbing = try home.project(["crowdforge.toml": "[build]\ncommand = \"make\"\noutput = \"../..\"\n"])
            let climb = try await home.failure(10, "build", climbing.path)
            #expect(climb.without("message", "hint") == ["code": "config.invalid", "file": "crowdforge.toml", "line": 3, "column": 10])
            let people = try await home.run("detect", climbing.path)
            #expect(people.output == "")
            #expect(people.error.contains("  --> crowdforge.toml:3:10\n"))
        }
    }

    @Test func theOperatorsBrokenConfigurationIsShownWithItsPlace() async throws {
        try await withForgeHome { home in
            try Data("[limits]\nlog = \"a lot\"\n".utf8).write(to: URL(filePath: "\(home.path)/config.toml"))
            let error = try await home.failure(10, "build", ForgeHome.fixture("node-static"))
            #expect(
                error.without("message", "hint") == ["code": "config.invalid", "file": "\(home.path)/config.toml", "line": 2, "column": 7])
        }
    }

    @Test func anOutputThatIsNotThereAfterTheBuildNamesWhatWasWrittenInstead() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "mkdir dist; echo hi > dist/index.html", output: "public")
            let error = try await home.failure(50, "build", project.path)
            #expect(
                error == [
                    "code": "output.missing", "message": "after the build the output `public` is not there", "file": nil, "line": nil,
                    "column": nil,
                    "hint": "the build wrote `dist`: set `output = \"dist\"` under `[build]` in crowdforge.toml",
                ])
        }
    }

    @Test func anEmptyOutputAfterTheBuildIsAFailure() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "mkdir public", output: "public")
            #expect(try await home.failureCode(50, "build", project.path) == "output.empty")
        }
    }

    @Test func aSiteWithoutAnIndexPageIsAWarning() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "mkdir public; echo hi > public/page.html", output: "public")
            let report = try await home.build(project.path)
            #expect(report.json["warnings"] == ["the output `public` has no `index.html` (its root will answer 404)"])
        }
    }

    @Test func aDockerfileIsPlannedAndRefusedToBeBuilt() async throws {
        try await withForgeHome { home in
            let answer = try await home.run("plan", ForgeHome.fixture("dockerfile-app"), "--json").json()
            #expect(answer["artifact"]?["kind"] == "image")
            #expect(try await home.failureCode(30, "build", ForgeHome.fixture("dockerfile-app")) == "artifact.dockerfile")
        }
    }

    @Test func unknownCommitsAndFoldersWithoutARepositoryAreTold() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hi"])
            #expect(try await home.failureCode(2, "build", project.path, "--commit", "main") == "source.not-a-repository")
            try await project.commit()
            for revision in ["nonsense", String(repeating: "a", count: 40), "v1^{tree"] {
                let error = try await home.failure(2, "build", project.path, "--commit", revision)
                #expect(error["code"] == "source.unknown-commit")
                #expect(error["message"]?.text?.contains(revision) == true)
            }
            #expect(try await home.failureCode(2, "build", "ftp://example.org/x.git") == "source.unsupported-url")
        }
    }

    @Test func submodulesAreRefusedByName() async throws {
        try await withForgeHome { home in
            let library = try home.project(["lib.html": "hi"], named: "library")
            try await library.commit()
            let project = try home.project(["index.html": "hi"])
            try await project.commit()
            try await project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.path, "vendor")
            let commit = try await project.commit("Add a submodule")
            let error = try await home.failure(2, "build", project.path, "--commit", commit)
            #expect(error["code"] == "source.submodule")
            #expect(error["message"]?.text?.contains("`vendor`") == true)
        }
    }

    @Test func aStoreWithoutSpaceSaysSoAndKeepsWhatItHad() async throws {
        try await withForgeHome { home in
            let small = try home.project(["index.html": "<h1>Small</h1>\n"], named: "small")
            let large = try home.project(["index.html": "<h1>Large</h1>\n"], named: "large")
            var state: UInt64 = 88_172_645_463_325_252
            let noise = Data(
                (0..<(4 << 20)).map { _ in
                    state ^= state << 13
                    state ^= state >> 7
                    state ^= state << 17
                    return UInt8(truncatingIfNeeded: state)
                })
            try noise.write(to: URL(filePath: "\(large.path)/noise.bin"))
            // In a mount namespace of its own: the small disk is gone with the script.
            let script = """
                mount -t tmpfs -o size=2m tmpfs "$FORGE_HOME"
                "$1" build "$2" --json --progress quiet > first.json
                code=0; "$1" build "$3" --json --progress quiet > full.json || code=$?
                echo "exit $code"
                "$1" build "$2" --json --progress quiet > again.json
                find "$FORGE_HOME" -name '*.tmp' -o -path '*/store/tmp/*'
                """
            let run = try await home.tool(
                "/usr/bin/unshare", "-m", "/bin/sh", "-euc", script, "sh", BuildProducts.executable("forge"), small.path, large.path)
            #expect(run == ForgeRun(exitCode: 0, output: "exit 60\n", error: "[source] failed\n"))
            func json(_ name: String) throws -> JSON {
                try JSONDecoder().decode(JSON.self, from: Data(contentsOf: URL(filePath: "\(home.folder)/\(name).json")))
            }
            let (first, full, again) = (try json("first"), try json("full"), try json("again"))
            #expect(full["error"]?["code"] == "store.no-space")
            #expect(again["artifact"] == first["artifact"])
        }
    }
}
