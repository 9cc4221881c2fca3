import ForgeTestSupport
import Foundation
import Testing

/// What a build step is given of a place stands nowhere else (class P14).
@Suite struct SecretTests {
    private let secret = "s3cret/\(UUID().uuidString)+&\(UUID().uuidString)"

    /// A static project whose build runs `command` with `$KEY`.
    private func project(_ home: ForgeHome, _ command: String, build: String = "") throws -> TemporaryProject {
        try Data("API_KEY='\(secret)'\n".utf8).write(to: URL(filePath: "\(home.folder)/variables"))
        return try home.project(custom: command, output: "site", more: "\(build)\n[env]\nKEY = \"$API_KEY\"\n")
    }

    private func build(_ home: ForgeHome, _ project: TemporaryProject, _ more: String...) async throws -> ForgeRun {
        try await home.run(["build", project.path, "--env-file", "\(home.folder)/variables", "--progress", "plain"] + more)
    }

    /// Files below Forge's own folders that hold the value or how it is written in base64 or hexadecimal.
    private func traces(_ home: ForgeHome) async throws -> [String] {
        let base64 = Data(secret.utf8).base64EncodedString()
        let hexadecimal = secret.utf8.map { String($0, radix: 16) }.joined()
        return try await home.files(in: home.path, holding: [secret, base64, hexadecimal].map { String($0.prefix(40)) })
    }

    @Test func aStepsLogHidesItHoweverItIsWritten() async throws {
        try await withForgeHome { home in
            let command = """
                mkdir site; echo ok > site/index.html; echo "plain $KEY."; printf %s "${KEY%???????????????}"; printf '%s.\\n' "${KEY#"${KEY%???????????????}"}"; \
                printf %s "$KEY" | base64; printf 'user:%s' "$KEY" | base64 -w0; echo; printf %s "$KEY" | od -An -tx1 -v; \
                python3 -c 'import os,urllib.parse as u; k=os.environ["KEY"]; print(u.quote(k, safe="")); print(k.encode().hex()); raise ValueError(k)' || true; env
                """
            let run = try await build(home, project(home, command))
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(run.error.contains("plain ***.") && run.error.contains("[build] ***.") && run.error.contains("ValueError: ***"))
            #expect(!run.error.contains(secret))
            #expect(try await traces(home) == [])
        }
    }

    /// Every process of this machine that has the value in its arguments or its environment.
    private func holders() -> [String] {
        var seen: [String] = []
        for process in Folder.names("/proc") where Int(process) != nil {
            let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8))?.trimmingCharacters(in: .newlines) ?? ""
            for file in ["cmdline", "environ"] {
                guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/\(file)") else { continue }
                if bytes.range(of: Data(secret.utf8)) != nil { seen.append("\(file) of \(name)") }
            }
        }
        return seen
    }

    @Test func itIsInNoArgumentAndInNoProcessesEnvironmentButTheSteps() async throws {
        try await withForgeHome { home in
            let project = try project(home, "echo waiting; exec sleep 60")
            let child = try home.start(
                "build", project.path, "--env-file", "\(home.folder)/variables", "--progress", "plain",
                // A debugger of its own, which takes a minute with these symbols, is not what this is about.
                environment: ["SWIFT_BACKTRACE": "enable=no"])
            try await eventually("the step to wait") { child.error.contains("waiting") ? () : nil }
            // Between its words and its `exec` the shell itself has it.
            let seen = try await eventually("the shell to become what it runs") {
                let seen = holders()
                return seen.contains("environ of sleep") ? seen : nil
            }
            #expect(seen == ["environ of sleep"])
            // A crash of Forge itself tells nothing either.
            child.signal(6)
            let run = try await child.finish()
            #expect(!(run.output + run.error).contains(secret))
            #expect(try await traces(home) == [])
        }
    }

    @Test func aBuildThatWritesItIntoItsOutputFailsAndNothingOfItIsKept() async throws {
        try await withForgeHome { home in
            for command in [
                "mkdir -p site/assets; echo \"var k='$KEY'\" > site/assets/app.js",
                "mkdir -p site/assets; printf %s \"{$KEY}\" | base64 -w0 > site/assets/app.js",
            ] {
                let run = try await build(home, project(home, command), "--json")
                #expect(run.exitCode == 50)
                let error = try run.json()["error"]
                #expect(error?["code"] == "secret.in-output")
                #expect(
                    error?["message"]
                        == "step `build` wrote the value of `API_KEY` into `site/assets/app.js`: nothing of what it made was kept")
                #expect(error?["hint"]?.text?.contains("`publishes = [\"API_KEY\"]`") == true)
                #expect(try await traces(home) == [])
            }
        }
    }

    @Test func aProjectMaySayThatEverybodyMayKnowIt() async throws {
        try await withForgeHome { home in
            let project = try project(home, "mkdir site; echo \"$KEY\" > site/index.html", build: "publishes = [\"API_KEY\"]")
            let run = try await build(home, project, "--out", "\(home.path)/out")
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(try String(contentsOfFile: "\(home.path)/out/index.html", encoding: .utf8) == "\(secret)\n")
            #expect(
                try await home.failureCode(10, "plan", home.project(custom: "true", output: "x", more: "publishes = [\"a b\"]").path)
                    == "config.invalid")
        }
    }

    @Test func aToolCacheThatHoldsItIsNotKept() async throws {
        try await withForgeHome { home in
            let command = "mkdir -p site .cache; ls .cache > site/index.html; echo \"$KEY\" > .cache/$(date +%N)"
            let run = try await build(home, project(home, command, build: "caches = [\".cache\"]"))
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(try await traces(home) == [])
        }
    }
}
