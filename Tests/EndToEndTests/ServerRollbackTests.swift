import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Back to an older server, whatever has become of the newest.
@Suite struct ServerRollbackTests {
    /// Versions 1, 2, … deployed one after the other; gives their releases.
    private func deploy(_ count: Int, in home: ForgeHome, _ more: (Int) -> String = { _ in "" }) async throws -> [JSON] {
        let project = try home.server()
        var releases: [JSON] = []
        for version in 1...count {
            try project.tell(Behaviour(version: version, more(version)))
            releases.append(try await home.deploy(project.path, to: "told"))
        }
        return releases
    }

    @Test func theServerBeforeIsKeptFrozenAndThawedForARollback() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let first = try await home.deploy(project.path, to: "told")
            let started = try await gateway.ask("told.localhost", "/ids")["started"]
            try project.tell(Behaviour(version: 2))
            try await home.deploy(project.path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 2\n")
            let back = try await home.rollback("told")
            #expect(back["artifact"] == first["artifact"])
            #expect(back["status"] == "active")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            // The very process that ran before.
            #expect(try await gateway.ask("told.localhost", "/ids")["started"] == started)
            #expect(try await home.states("told") == ["active", "rolledBack", "superseded"])
            #expect(home.runningServers().count == 2)
        }
    }

    @Test func anyOlderReleaseIsStartedFromItsStoredArtifactAlsoAfterTheGatewayWasStartedAgain() async throws {
        try await withForgeHome { home in
            let first = try await home.startGateway()
            let releases = try await deploy(3, in: home)
            let oldest = try #require(releases[0]["release"]?.text)
            try await home.rollback("told", oldest)
            #expect(try await first.fetch("told.localhost") == "200 version 1\n")
            first.child.signal(SIGTERM)
            _ = try await first.child.finish(within: 60)
            let second = try await home.startGateway()
            try await second.waitForAnswer("told.localhost", "200 version 1\n")
            let middle = try #require(releases[1]["release"]?.text)
            let back = try await home.rollback("told", middle)
            #expect(back["artifact"] == releases[1]["artifact"])
            #expect(try await second.fetch("told.localhost") == "200 version 2\n")
        }
    }

    @Test func aDamagedArtifactIsRefusedAndTheCurrentServerGoesOn() async throws {
        try await withForgeHome { home in
            let first = try await home.startGateway()
            let marker = "marked-\(UUID().uuidString)"
            _ = try await deploy(2, in: home) { $0 == 1 ? "\"note\": \"\(marker)\"" : "" }
            // Nothing is kept by a new gateway: the rollback has to start the stored artifact.
            first.child.signal(SIGTERM)
            _ = try await first.child.finish(within: 60)
            let second = try await home.startGateway()
            try await second.waitForAnswer("told.localhost", "200 version 2\n")
            for file in try await home.files(in: "\(home.path)/store", holding: marker) {
                let path = "\(home.path)/store/\(file)"
                let text = try String(contentsOfFile: path, encoding: .utf8)
                let handle = try FileHandle(forWritingTo: URL(filePath: path))
                try handle.write(contentsOf: Data(text.replacing("marked", with: "MARKED").utf8))
                try handle.close()
            }
            let run = try await home.run("rollback", "--project", "told", "--json", "--progress", "plain")
            #expect(run.exitCode == 60 || run.exitCode == 70, "\(run)")
            #expect(try await second.fetch("told.localhost") == "200 version 2\n")
            #expect(try await home.states("told").filter { $0 == "active" }.count == 1)
            #expect(home.runningServers().count == 1)
        }
    }

    @Test func aRollbackDuringADeployEndsTheDeploy() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            _ = try await deploy(2, in: home)
            let slow = try home.server(Behaviour(version: 3, #""startsAfterMs": 86400000"#))
            let deploy = try home.start("deploy", slow.path, "--project", "told", "--json", "--progress", "plain")
            try await untilTrue("the third server to be started") {
                try await home.run("logs", "--project", "told").output.contains("version 3 starts") || home.runningServers().count == 3
            }
            let back = try await home.rollback("told")
            #expect(back["status"] == "active")
            let ended = try await deploy.finish(within: 60)
            #expect(ended.exitCode == 70)
            #expect(try ended.json()["error"]?["code"] == "release.superseded")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            #expect(try await home.states("told") == ["active", "failed", "rolledBack", "superseded"])
            try await eventually("the third server to end", within: 60) { home.runningServers().count == 2 ? () : nil }
        }
    }

    @Test func aRollbackWorksWhenTheNewestReleaseFailedAndWhenItIsBroken() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            _ = try await deploy(2, in: home)
            _ = try await home.failedDeploy(home.server(Behaviour(version: 3, #""crashesAtStart": true"#)).path, to: "told")
            try await home.rollback("told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            // Well when it is looked at, of no use afterwards.
            try await home.deploy(home.server(Behaviour(version: 4, #""statuses": [200, 500]"#)).path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "500 unwell\n")
            try await home.rollback("told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
        }
    }

    @Test func manyRollbacksInARowLeaveOneActiveReleaseAndTwoServers() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let releases = try await deploy(2, in: home).compactMap { $0["release"]?.text }
            for number in 0..<12 {
                try await home.rollback("told", releases[number % 2])
                #expect(try await gateway.fetch("told.localhost") == "200 version \(number % 2 + 1)\n")
            }
            #expect(try await home.states("told").filter { $0 == "active" }.count == 1)
            try await eventually("two servers") { home.runningServers().count == 2 ? () : nil }
        }
    }

    @Test func twoDeploysAtOnceEndWithOneActiveReleaseThatAnswers() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let projects = try (1...3).map { try home.server(Behaviour(version: $0)) }
            let runs = try projects.map { try home.start("deploy", $0.path, "--project", "told", "--json", "--progress", "plain") }
            for run in runs {
                let ended = try await run.finish(within: 120)
                #expect(ended.exitCode == 0 || ended.exitCode == 70, "\(ended)")
            }
            let active = try await home.releases("told").filter { $0["status"] == "active" }
            #expect(active.count == 1)
            let answer = try await gateway.fetch("told.localhost")
            #expect(answer.hasPrefix("200 version "))
            try await eventually("two servers at most") { home.runningServers().count <= 2 ? () : nil }
        }
    }
}
