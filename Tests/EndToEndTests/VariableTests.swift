import ForgeTestSupport
import Foundation
import Testing

/// `forge env`, and what builds and servers get of it.
@Suite struct VariableTests {
    private static let marker = "s3cret-\(UUID().uuidString.prefix(8))"

    @Test func variablesAreSetShownAndRemoved() async throws {
        try await withForgeHome { home in
            let place = ["--project", "tides", "--env", "staging"]
            let set = try await home.run(["env", "set", "B=two words", "A=1=1"] + place)
            #expect(
                set.output == """
                    set A, B in staging of `tides`
                    takes effect with the next deploy: forge deploy … --project tides --env staging

                    """)
            let list = try await home.run(["env", "list"] + place)
            #expect(
                list.output.replacing(/[0-9-]{10}T[0-9:]{8}Z/, with: "TIME") == """
                    VARIABLE  SET
                    A         TIME
                    B         TIME

                    """)
            #expect(try await home.run(["env", "get", "A"] + place).output == "1=1\n")
            #expect(try await home.run(["env", "export"] + place).output == "A=1=1\nB='two words'\n")
            #expect(try await home.run(["env", "export", "--json"] + place).json() == ["variables": ["A": "1=1", "B": "two words"]])
            #expect(
                try await home.run("env", "list", "--project", "tides").output
                    == "no variables in production of `tides`; set one: forge env set NAME=VALUE --project tides\n")
            #expect(try await home.run(["env", "unset", "A", "--json"] + place).json()["variables"] == ["A"])
            #expect(try await home.failureCode(2, "env", "get", "A", "--project", "tides", "--env", "staging") == "variables.unknown")
            #expect(try await home.failureCode(10, "env", "set", "PORT=1", "--project", "tides") == "variables.invalid")
            #expect(try await home.failureCode(2, "env", "set", "A", "--project", "tides") == "usage.assignment")
        }
    }

    @Test func aValueMayComeFromStandardInputAndFilesGoInAndOut() async throws {
        try await withForgeHome { home in
            let project = try home.project([".env": "# all\nexport KEY='line 1\nline 2'\nEMPTY=\n", "bad.env": "A=1\nhunter2\nPORT=1\n"])
            let shell = try await home.tool(
                "/bin/sh", "-c", "printf 'a b\\n' | \"$0\" env set PIPED - --project tides", BuildProducts.executable("forge"))
            #expect(shell.exitCode == 0)
            #expect(try await home.run("env", "import", project.path + "/.env", "--project", "tides").exitCode == 0)
            let export = try await home.run("env", "export", "--project", "tides").output
            #expect(export == "EMPTY=\nKEY=\"line 1\\nline 2\"\nPIPED='a b'\n")
            let bad = try await home.run("env", "import", project.path + "/bad.env", "--project", "tides")
            #expect(bad.exitCode == 10)
            #expect(bad.error.contains("\(project.path)/bad.env:2\n") && bad.error.contains("\(project.path)/bad.env:3\n"))
            #expect(!bad.error.contains("hunter2"))
            #expect(try await home.run("env", "export", "--project", "tides").output == export)
        }
    }

    @Test func aBuildReadsWhatItDeclaresAndNothingElse() async throws {
        try await withForgeHome { home in
            let command = "mkdir site && (echo \"$API|${SECRET-unset}|${PUBLIC-unset}\") > site/index.html"
            let project = try home.project(custom: command, output: "site", more: "[env]\nAPI = \"$API_URL/v1\"\nPUBLIC = \"$NOWHERE\"\n")
            try project.write(["stage.env": "API_URL=https://stage\n"])
            _ = try await home.run("env", "set", "API_URL=https://prod", "SECRET=x", "--project", "tides")
            let output = home.path + "/out"
            let report = try await home.build(project.path, "--project", "tides", "--env", "production", "--out", output)
            #expect(try String(contentsOfFile: output + "/index.html", encoding: .utf8) == "https://prod/v1|unset|\n")
            #expect(
                report.json["warnings"] == [
                    .string(
                        "`$NOWHERE` is not set in production of `tides` and was left empty "
                            + "(`forge env set NOWHERE=… --project tides`, or write `$$` for a dollar sign)")
                ])
            _ = try await home.build(project.path, "--env-file", project.path + "/stage.env", "--out", output, "--force")
            #expect(try String(contentsOfFile: output + "/index.html", encoding: .utf8) == "https://stage/v1|unset|\n")
            #expect(try await home.run("env", "get", "API_URL", "--project", "tides").output == "https://prod\n")
        }
    }

    @Test func aFrameworksPublicVariablesReachItsBuildButNoOthersDo() async throws {
        try await withForgeHome { home in
            let script = "mkdir -p dist && env | grep -E '^(VITE_|API_)' | sort > dist/index.html"
            let project = try home.project([
                "package.json": "{\"scripts\": {\"build\": \"\(script)\"}}", "vite.config.js": "", "package-lock.json": "{}",
            ])
            _ = try await home.run("env", "set", "VITE_TITLE=Tides", "API_KEY=k", "--project", "tides")
            let output = home.path + "/out"
            let run = try await home.run("deploy", project.path, "--project", "tides", "--out", output)
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(try String(contentsOfFile: output + "/index.html", encoding: .utf8) == "VITE_TITLE=Tides\n")
        }
    }

    @Test func aValueStandsNowhereButInWhatTheBuildMadeOfIt() async throws {
        try await withForgeHome { home in
            let command = "mkdir site && printf %s \"$API\" | sha256sum > site/index.html"
            let project = try home.project(custom: command, output: "site", more: "[env]\nAPI = \"$API_URL\"\n")
            let beside = try home.project([".env": "API_URL=\(Self.marker)\n"])
            let run = try await home.run(
                "deploy", project.path, "--project", "tides", "--env-file", beside.path + "/.env", "--progress", "json")
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(!(run.error + run.output).contains(Self.marker))
            let again = try await home.run("build", project.path, "--project", "tides", "--env", "production", "--json").json()
            #expect(again["steps"]?.elements.first?["outcome"] == "cached")
            let found = try await home.tool("/bin/grep", "-rl", Self.marker, home.path)
            #expect(found.output == "")
            #expect(found.exitCode == 1)
        }
    }

    @Test func aServerRunsWithItsEnvironmentsVariablesAndARolledBackOneWithItsOwn() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            try project.write([
                "crowdforge.toml": "[env]\nCOLOUR = \"green\"\nWHERE = \"$CROWDFORGE_ENV of $CROWDFORGE_PROJECT_ID, $SHAPE\"\n"
            ])
            _ = try await home.run("env", "set", "COLOUR=red", "SHAPE=round", "--project", "told")
            let first = try await home.deploy(project.path, to: "told")
            var seen = try await gateway.ask("told.localhost", "/env")
            #expect(seen["COLOUR"] == "red")
            #expect(seen["WHERE"] == "production of told, round")
            _ = try await home.run("env", "set", "COLOUR=blue", "--project", "told")
            #expect(try await gateway.ask("told.localhost", "/env")["COLOUR"] == "red")
            let second = try await home.deploy(project.path, to: "told")
            #expect(second["artifact"] == first["artifact"])
            #expect(second["release"] != first["release"])
            #expect(try await gateway.ask("told.localhost", "/env")["COLOUR"] == "blue")
            let release = try #require(first["release"]?.text)
            try await home.rollback("told", release)
            seen = try await gateway.ask("told.localhost", "/env")
            #expect(seen["COLOUR"] == "red")
            try await home.deploy(project.path, to: "told", "--env", "staging")
            #expect(try await gateway.ask("told-staging.localhost", "/env")["COLOUR"] == "green")
        }
    }
}
