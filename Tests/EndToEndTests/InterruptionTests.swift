import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Ctrl-C and `kill -9` at any time: nothing stays behind, nothing is lost, the next run works.
@Suite struct InterruptionTests {
    /// A project whose step runs until it is stopped, as long as there is no file `go`.
    private func endless(in home: ForgeHome) throws -> (project: TemporaryProject, marker: String) {
        let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
        let command = "echo up; test -e go || { setsid sleep \(marker) & sleep \(marker); }; mkdir site; echo hi > site/index.html"
        return (try home.project(custom: command, output: "site"), marker)
    }

    private func isUp(_ line: String) -> Bool { line.contains(#""type":"span.output""#) && line.contains("up") }

    @Test(arguments: [SIGINT, SIGTERM]) func aSignalDuringAStepStopsEverythingAndLeavesNothing(signal: Int32) async throws {
        try await withForgeHome { home in
            let (project, marker) = try endless(in: home)
            let build = try home.start("build", project.path, "--json", "--progress", "json")
            _ = try await build.errorLine(where: isUp)
            let step = try await home.runningStep()
            build.signal(signal)
            let run = try await build.finish(within: 20)
            #expect(run.exitCode == 130)
            #expect(try run.json()["error"]?["code"] == "interrupted")
            #expect(try run.events().contains { $0["type"] == "span.finished" && $0["outcome"] == "cancelled" })
            // Forge waits for its clean-up: nothing may be left the moment it is gone.
            #expect(home.leftovers(of: [step], marker: marker) == [])
            try project.write(["go": ""])
            let again = try await home.build(project.path)
            #expect(again.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
        }
    }

    @Test func killedDuringAStepTheSandboxDiesWithForgeAndTheNextRunCleansUp() async throws {
        try await withForgeHome { home in
            let (project, marker) = try endless(in: home)
            let build = try home.start("build", project.path, "--progress", "json")
            _ = try await build.errorLine(where: isUp)
            let step = try await home.runningStep()
            build.signal(SIGKILL)
            #expect(try await build.finish().exitCode == 137)
            try await eventually("the step's processes to die", within: 20) {
                Machine.processes { $0.contains(marker) || $0.contains(step) }.isEmpty ? () : nil
            }
            try project.write(["go": ""])
            let again = try await home.build(project.path)
            #expect(again.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
            try await home.nothingIsLeft(of: [step], marker: marker)
            #expect(try await home.build(project.path).artifact == again.artifact)
        }
    }

    /// Where a kill is aimed: the n-th call of a kind that makes state durable or visible.
    @Test(arguments: ["openat", "renameat2,rename,renameat", "fsync,fdatasync", "unlink,unlinkat", "pwrite64", "clone,clone3,vfork"])
    func killedAtAnyCallOfABuildTheNextRunGivesTheSameArtifact(calls: String) async throws {
        let expected = try await withForgeHome { try await $0.build($0.project(copiedFrom: "node-static").path).artifact }
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            var kills = 0
            for attempt in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144] {
                let run = try await home.killed(at: calls, number: attempt, "build", project.path, "--no-cache", "--progress", "quiet")
                if run.exitCode == 0 { break }
                #expect(run.exitCode == 137, "\(run.error)")
                kills += 1
                #expect(try await home.build(project.path).artifact == expected, "after a kill at \(calls) number \(attempt)")
                try await home.nothingIsLeft()
            }
            #expect(kills > 0)
        }
    }

    @Test(arguments: ["renameat2,rename,renameat", "fsync,fdatasync", "unlink,unlinkat", "pwrite64"])
    func killedAtAnyCallOfADeployTheOldOrTheNewReleaseAnswersAndTheNextDeployWorks(calls: String) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try home.project(["index.html": "0"])
            #expect(try await home.run("deploy", site.path, "--project", "tides").exitCode == 0)
            var old = 0
            for attempt in [1, 2, 4, 8, 12, 16, 24, 32] {
                try site.write(["index.html": "\(attempt)"])
                let run = try await home.killed(
                    at: calls, number: attempt, "deploy", site.path, "--project", "tides", "--progress", "quiet")
                #expect(run.exitCode == 0 || run.exitCode == 137, "\(run.error)")
                let answer = try await gateway.fetch("tides.localhost")
                #expect(["200 \(old)", "200 \(attempt)"].contains(answer))
                let again = try await home.run("deploy", site.path, "--project", "tides", "--json", "--progress", "quiet")
                #expect(again.exitCode == 0, "\(again.output)")
                #expect(try await gateway.fetch("tides.localhost") == "200 \(attempt)")
                let listing = try await home.run("releases", "--project", "tides", "--json").json()
                #expect(listing["releases"]?.elements.filter { $0["status"] == "active" }.count == 1)
                #expect(home.halfMadeFiles() == [])
                old = attempt
                if run.exitCode == 0 { break }
            }
        }
    }

    @Test func killedInThePhasesThatEventsTellOfTheNextRunWorks() async throws {
        let expected = try await withForgeHome { try await $0.build($0.project(copiedFrom: "node-static").path).artifact }
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            for phase in ["source", "detect", "step", "artifact", "export"] {
                let build = try home.start(
                    "build", project.path, "--no-cache", "--progress", "json", "--out", "\(home.folder)/out", "--force")
                _ = try await build.errorLine { $0.contains(#""type":"span.started""#) && $0.contains(#""kind":"\#(phase)""#) }
                build.signal(SIGKILL)
                // A phase may be over before the signal comes.
                let code = try await build.finish().exitCode
                #expect([0, 137].contains(code))
                #expect(try await home.build(project.path, "--out", "\(home.folder)/out", "--force").artifact == expected)
                #expect(Folder.names("\(home.folder)/out") == ["index.html", "keel.html", "style.css"])
                try await home.nothingIsLeft()
            }
        }
    }
}
