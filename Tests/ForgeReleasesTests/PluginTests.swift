import ForgeModel
import ForgeReleases
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Testing

@Suite struct PluginTests {
    /// Whatever a target does: the deploy comes to what the transcript says, a failed one leaves the old release in place, and
    /// nothing of the target is left running.
    @Test(arguments: Transcript.all)
    func aTargetIsHeldToTheProtocol(transcript: Transcript) async throws {
        try await ReleaseFixture.run { fixture in
            let old = try await fixture.artifact(["index.html": "old"])
            _ = try await fixture.service().deploy(old, to: mySite, options: .init(target: "static"), span: anySpan)
            let new = try await fixture.artifact(["index.html": "brand", "a/b.txt": "new..."])
            let values = ["artifact": new.digest.description, "host": "my-site.localhost"]
            let pidFile = fixture.folder.path + "/pid"
            let catalog = try fixture.catalog(transcript.script(values, pidFile: pidFile))
            let service = fixture.service(catalog, limits: transcript.limits)

            var outcome: [String]
            do {
                let report = try await service.deploy(new, to: mySite, options: .init(target: "script"), span: anySpan)
                outcome = ["released \(report.url ?? "nowhere")"]
                #expect(report.status == .active)
                #expect(try await fixture.history(mySite, [old.digest: "old", new.digest: "new"]) == ["active new", "superseded old"])
            } catch let error as ForgeError {
                outcome = ["\(error.code) \(error.message)", error.hint].compactMap(\.self)
                #expect(error.exitCode == 70)
                #expect(try await fixture.history(mySite, [old.digest: "old", new.digest: "new"]) == ["failed new", "active old"])
                #expect(try fixture.served("my-site.localhost") == "old")
            }
            #expect(outcome == transcript.outcome(values))
            let pid = try #require(Int32(String(contentsOfFile: pidFile, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(try await eventually { kill(-pid, 0) != 0 && errno == ESRCH })
        }
    }

    @Test func thereAreTranscriptsOfGoodAndBadTargets() {
        #expect(Transcript.all.count >= 30)
    }

    @Test func aTargetSeesNothingOfTheCallersEnvironment() async throws {
        try await ReleaseFixture.run { fixture in
            let script = """
                #!/bin/sh
                { env | sort; pwd; ls /proc/self/fd | tr '\\n' ' '; } > \(fixture.folder.path)/seen
                """
            let artifact = try await fixture.artifact(["index.html": ""])
            await #expect(throws: ForgeError.self) {
                try await fixture.service(fixture.catalog(script)).deploy(artifact, to: mySite, span: anySpan)
            }
            let seen = try String(contentsOfFile: fixture.folder.path + "/seen", encoding: .utf8)
            #expect(
                seen.split(separator: "\n") == [
                    "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PWD=/", "/", "0 1 2 3 ",
                ])
        }
    }

    @Test func aProgramThatCannotBeStartedIsNamed() async throws {
        try await ReleaseFixture.run { fixture in
            let catalog = try fixture.catalog("#!/nonexistent/interpreter\n")
            let artifact = try await fixture.artifact(["index.html": ""])
            let error = await #expect(throws: ForgeError.self) {
                try await fixture.service(catalog).deploy(artifact, to: mySite, span: anySpan)
            }
            #expect(error?.code == "target.not-started")
            #expect(error?.message == "target `script` could not be started: `\(fixture.folder.path)/plugins/script/run`")
        }
    }

    @Test func anInterruptedDeployEndsItsTargetAndIsWrittenDownAsFailed() async throws {
        try await ReleaseFixture.run { fixture in
            let started = fixture.folder.path + "/started"
            let catalog = try fixture.catalog("#!/bin/sh\necho $$ > \(started).new && mv \(started).new \(started)\nexec sleep 1000\n")
            let artifact = try await fixture.artifact(["index.html": ""])
            let deploy = Task { try await fixture.service(catalog).deploy(artifact, to: mySite, span: anySpan) }
            #expect(try await eventually { Files.exists(started) })
            deploy.cancel()
            await #expect(throws: CancellationError.self) { try await deploy.value }
            let releases = try await fixture.log.list(project: mySite.project)
            #expect(releases.map(\.failure) == ["interrupted"])
            let pid = try #require(Int32(String(contentsOfFile: started, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(kill(-pid, 0) != 0)
            #expect(fixture.events.lines.last == "finished 1 cancelled -")
        }
    }

    @Test(.enabled(if: Files.exists("/usr/bin/python3")))
    func theExampleOfTheManualDeploys() async throws {
        try await ReleaseFixture.run { fixture in
            let manual = try String(contentsOfFile: BuildProducts.checkout + "docs/writing-a-target.md", encoding: .utf8)
            let plugin = fixture.folder.path + "/plugins/copy"
            try Files.makeDirectory(plugin)
            let goal = fixture.folder.path + "/www/"
            let program = try block("python", of: manual).replacingOccurrences(of: "/srv/www/", with: goal)
            try Files.writeAtomically(Array(program.utf8), to: plugin + "/copy.py", mode: 0o755)
            try Files.writeAtomically(Array(block("toml", of: manual).utf8), to: plugin + "/plugin.toml")
            let catalog = TargetCatalog(directories: [fixture.folder.path + "/plugins"], programs: [])
            let artifact = try await fixture.artifact(["index.html": "home", "a/b.txt": "b"])
            let report = try await fixture.service(catalog).deploy(artifact, to: mySite, options: .init(target: "copy"), span: anySpan)
            #expect(report.url == "https://www.example.org/my-site.localhost/")
            #expect(try String(contentsOfFile: goal + "my-site.localhost/a/b.txt", encoding: .utf8) == "b")
        }
    }

    private func block(_ language: String, of manual: String) throws -> String {
        let start = try #require(manual.range(of: "```\(language)\n"))
        let end = try #require(manual.range(of: "```", range: start.upperBound..<manual.endIndex))
        return String(manual[start.upperBound..<end.lowerBound])
    }
}

/// Waits until `condition` holds; false after ten seconds.
func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < deadline {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return false
}
