import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// `--unsafe-local`: a build goes on without isolation, says so everywhere, and leaves nothing for other builds.
@Suite struct UnsafeLocalBuildTests {
    private static let mark: JSON = "none (unsafe-local)"

    private func project(in home: ForgeHome) throws -> TemporaryProject {
        try home.project(custom: "mkdir site; echo hi > site/index.html", output: "site")
    }

    private func built(_ run: ForgeRun) throws -> BuiltReport {
        guard run.exitCode == 0 else { throw TestSupportError("ended with \(run.exitCode):\n\(run.error)\(run.output)") }
        return BuiltReport(json: try run.json())
    }

    @Test(arguments: MissingLayer.allCases)
    func itGoesOnWhicheverLayerIsMissingAndMarksTheBuild(layer: MissingLayer) async throws {
        try await withForgeHome { home in
            let project = try project(in: home)
            let run = try await home.run(without: layer, "build", project.path, "--json", "--unsafe-local", "--progress", "plain")
            let report = try built(run)
            #expect(report.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
            #expect(report.json["warnings"]?.elements.count == 1)
            #expect(report.json["warnings"]?.elements.first?.text?.hasPrefix("built without isolation (`--unsafe-local`): ") == true)
            #expect(run.error.contains("warning: built without isolation (`--unsafe-local`): "))
            #expect(try home.record(report)["sandbox"] == Self.mark)
        }
    }

    @Test func itsResultsAreReadByNoOtherBuild() async throws {
        try await withForgeHome { home in
            let project = try project(in: home)
            let first = try built(await home.run(without: .runtime, "build", project.path, "--json", "--unsafe-local"))
            let second = try built(await home.run(without: .runtime, "build", project.path, "--json", "--unsafe-local"))
            #expect(second.steps.map { $0["outcome"] } == ["cached"])
            #expect(try home.record(second)["sandbox"] == Self.mark)
            let isolated = try await home.build(project.path)
            #expect(isolated.steps.map { $0["outcome"] } == ["executed"])
            #expect(isolated.json["warnings"] == [])
            #expect(isolated.artifact == first.artifact)
        }
    }

    /// From the moment that the step is told of, when nothing of it may run yet, to the one at which its grandchildren do.
    @Test(arguments: [("span.started", "\"kind\":\"step\""), ("span.output", "up")])
    func killedItLeavesNoChildAndNoGrandchild(event: String, detail: String) async throws {
        try await withForgeHome { home in
            let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
            let line =
                "test -e go || { (setsid sh -c 'trap \"\" TERM INT HUP; : > a; sleep \(marker)' &); (setsid sh -c '(setsid sleep \(marker) &)' &); "
                + "until [ -e a ]; do :; done; echo up; sleep \(marker); }; mkdir site; echo hi > site/index.html"
            let project = try home.project(custom: line, output: "site")
            for _ in 0..<4 {
                let build = try home.start(
                    without: .runtime, "build", project.path, "--unsafe-local", "--no-cache", "--progress", "json")
                _ = try await build.errorLine {
                    $0.contains(event) && $0.contains(detail)
                }
                let watchers = Self.watchers(of: build)
                func remains() -> [String] {
                    Machine.processes { line in line.contains(marker) }
                        + Machine.processes { $0.contains("/forge-sandbox --plain") }.filter(watchers.contains)
                }
                build.signal(SIGKILL)
                #expect(try await build.finish().exitCode == 137)
                try await eventually("all that it started to die", within: 20, else: { remains().joined(separator: "\n") }) {
                    remains().isEmpty ? () : nil
                }
            }
            try project.write(["go": ""])
            let run = try await home.run(without: .runtime, "build", project.path, "--unsafe-local", "--json")
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(Folder.names("\(home.path)/sandboxes").filter { $0.hasPrefix("unsafe") } == [])
        }
    }

    /// The `forge-sandbox` that `build` has started.
    private static func watchers(of build: Child) -> [String] {
        Machine.processes { $0.contains("/forge-sandbox --plain") }.filter { line in
            let status = FileManager.default.contents(atPath: "/proc/\(pid(line))/status") ?? Data()
            return String(decoding: status, as: UTF8.self).contains("\nPPid:\t\(build.pid)\n")
        }
    }

    private static func pid(_ line: String) -> Substring { line.split(separator: " ").dropFirst().first?.dropLast() ?? "" }

    @Test func whereTheSandboxCanBeHadItIsUsed() async throws {
        try await withForgeHome { home in
            let report = try await home.build(project(in: home).path, "--unsafe-local")
            #expect(report.json["warnings"] == [])
            #expect(try home.record(report)["sandbox"] != Self.mark)
        }
    }

    @Test func productionTakesSuchAnArtifactOnlyWhenAskedWithTheSameFlag() async throws {
        try await withForgeHome { home in
            let project = try project(in: home)
            let artifact = try #require(
                try built(await home.run(without: .runtime, "build", project.path, "--json", "--unsafe-local")).artifact)
            let deploy = ["deploy", "--artifact", artifact, "--project", "site", "--json"]
            let refused = try await home.run(deploy)
            #expect(refused.exitCode == 70)
            #expect(try refused.json()["error"]?["code"] == "artifact.unsafe")
            #expect(try await home.run(deploy + ["--env", "staging"]).exitCode == 0)
            #expect(try await home.run(deploy + ["--unsafe-local"]).exitCode == 0)
            // The same artifact out of the sandbox: its digest says that nothing of it depended on the difference.
            #expect(try await home.build(project.path).artifact == artifact)
            #expect(try await home.run(deploy).exitCode == 0)
        }
    }

    @Test func aFailingStepFailsAsEver() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "echo no >&2; exit 3", output: "site")
            let run = try await home.run(without: .cgroups, "build", project.path, "--json", "--unsafe-local")
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["code"] == "step.failed")
        }
    }
}
