import ForgeTestSupport
import Foundation
import Testing

/// What strangers' code may do while it is installed: little.
@Suite struct InstallScriptTests {
    @Test func aScriptThatCallsHomeReachesNobodyAndIsTold() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "calls-home", from: registry)
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            let file = try #require(FileManager.default.contents(atPath: "\(home.folder)/out/node_modules/calls-home/called.json"))
            let called = try JSONDecoder().decode(JSON.self, from: file)
            #expect(called.without("direct") == ["plain": 403, "tunnel": 403, "metadata": 403, "loopback": 403])
            #expect(called["direct"]?.text?.wholeMatch(of: /E(NET|HOST)UNREACH|EPERM|EACCES/) != nil, "\(called)")
            let wanted = ["http://127.0.0.1:1", "http://169.254.169.254", "http://telemetry.example.com", "https://telemetry.example.com"]
            let warnings = report.json["warnings"]?.elements.compactMap(\.text) ?? []
            #expect(warnings.contains { $0.contains("FORGE_EGRESS_ALLOW=http://127.0.0.1:1") })
            let egress = try home.egress(report, step: "install")
            let refused = egress.filter { $0["verdict"] == "refused" }
            #expect(refused.compactMap { $0["origin"]?.text }.sorted() == wanted)
            #expect(refused.allSatisfy { $0["bytesSent"] == 0 && $0["bytesReceived"] == 0 })
            #expect(egress.filter { $0["verdict"] == "allowed" }.map { $0["origin"] } == [.string(registry.origin)])
        }
    }

    @Test func aScriptThatCannotDoWithoutACallFailsWithTheLineThatWouldAllowIt() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "insists-on-home", from: registry)
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.error["hint"]?.text?.contains("set `FORGE_EGRESS_ALLOW=https://downloads.example.com`") == true)
            #expect(failure.said.contains("insists-on-home: could not download from downloads.example.com: the answer was 403"))
        }
    }

    @Test func aScriptThatPrintsItsEnvironmentFindsNobodysSecrets() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(
                needing: "prints-environment", from: registry,
                more: ["crowdforge.toml": "[env]\nAPI_TOKEN = \"canary-of-the-project\"\n"])
            var environment = registry.environment
            for name in ["AWS_SECRET_ACCESS_KEY", "NPM_TOKEN", "npm_config__auth", "GITHUB_TOKEN"] {
                environment[name] = "canary-of-the-operator"
            }
            let run = try await home.run(
                ["build", project.path, "--json", "--progress", "plain", "--out", "\(home.folder)/out"], environment: environment)
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(run.error.contains("environment: CI=true"))
            #expect(!run.error.contains("canary"))
            #expect(try await home.files(in: home.folder + "/out/node_modules", holding: "canary") == [])
            #expect(try await home.files(in: "\(home.path)/logs", holding: "canary") == [])
        }
    }

    @Test func aScriptThatNeverEndsIsStoppedWithAllItsChildren() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(
                needing: "never-ends", from: registry, more: ["crowdforge.toml": "[build]\ntimeout = \"5s\"\n"])
            let build = try home.start("build", project.path, "--json", "--progress", "plain", environment: registry.environment)
            let step = try await home.runningStep()
            let run = try await build.finish(within: 60)
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["code"] == "limit.time")
            #expect(run.error.contains("never-ends: waiting"))
            try await home.nothingIsLeft(of: [step])
        }
    }

    @Test func aPackageThatFillsTheDiskWhileItIsUnpackedIsStoppedAtTheLimit() async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\ndisk = \"64MB\"\n")
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "fills-disk", from: registry)
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "limit.disk")
            #expect(failure.error["message"]?.text?.hasPrefix("step `install` filled its disk of 64 MiB") == true)
            try await home.nothingIsLeft()
        }
    }
}
