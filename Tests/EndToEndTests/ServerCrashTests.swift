import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Servers that end by themselves, or are ended, while they are live.
@Suite struct ServerCrashTests {
    @Test func aServerThatCrashesIsStartedAgain() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            let started = try await gateway.ask("told.localhost", "/ids")["started"]
            // Cut off in the middle: the gateway says so, it does not hang.
            #expect(try await gateway.fetch("told.localhost", "/crash").hasPrefix("502 "))
            try await gateway.waitForAnswer("told.localhost", "200 version 1\n")
            #expect(try await gateway.ask("told.localhost", "/ids")["started"] != started)
            #expect(try await home.states("told") == ["active"])
            let log = try await home.run("logs", "--project", "told").output
            #expect(log.contains("crashing when asked to") && log.contains("starting it again"), "\(log)")
        }
    }

    @Test func aServerThatIsKilledIsStartedAgainWithEverythingOfItsOwn() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let variables = try home.project([".env": "COLOUR=red\n"])
            try await home.deploy(home.server().path, to: "told", "--env-file", "\(variables.path)/.env")
            for _ in 1...2 {
                let server = try #require(home.runningServers().first)
                let process = try #require(home.processes(of: server).last)
                kill(process, SIGKILL)
                try await eventually("another server to run", within: 60) {
                    home.runningServers().first.map { $0 != server } == true ? () : nil
                }
                try await gateway.waitForAnswer("told.localhost", "200 version 1\n")
                #expect(try await gateway.ask("told.localhost", "/env")["COLOUR"] == "red")
                try await home.nothingIsLeft(ofServers: [server])
            }
            #expect(try await home.states("told") == ["active"])
        }
    }

    @Test func aServerThatEatsAllMemoryIsStartedAgainAndItsLogSaysWhy() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            let started = try await gateway.ask("told.localhost", "/ids")["started"]
            _ = try await gateway.fetch("told.localhost", "/leak")
            try await untilTrue("another process", within: 120) {
                let now = try? await gateway.ask("told.localhost", "/ids")["started"]
                return now != nil && now != started
            }
            #expect(try await home.run("logs", "--project", "told").output.contains("ran out of memory"))
            #expect(try await home.states("told") == ["active"])
        }
    }

    @Test func aServerThatCannotEvenStartAgainIsGivenUpAsSoonAsOneThatCan() async throws {
        try await withForgeHome { home in
            // Far longer than the test waits: a crash before the port is open is not waited out.
            try home.configure("[apps]\nstart = \"1h\"\n")
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            let moment = Int(Date().timeIntervalSince1970 * 1000) + 30_000
            try await home.deploy(home.server(Behaviour(version: 2, "\"crashesFrom\": \(moment)")).path, to: "told")
            try await home.waitForStates("told", ["active", "failed", "superseded"], within: 180)
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
        }
    }

    @Test func threeCrashesBringTheReleaseBeforeBack() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let first = try await home.deploy(project.path, to: "told")
            try project.tell(Behaviour(version: 2, #""crashesAfterMs": 1500"#))
            try await home.deploy(project.path, to: "told")
            try await home.waitForStates("told", ["active", "failed", "superseded"], within: 120)
            try await gateway.waitForAnswer("told.localhost", "200 version 1\n")
            let releases = try await home.releases("told")
            #expect(releases[0]["artifact"] == first["artifact"])
            #expect(releases[1]["failure"]?.text?.contains("status 3") == true, "\(releases)")
            try await eventually("one server", within: 60) { home.runningServers().count == 1 ? () : nil }
        }
    }

    @Test func threeCrashesOfTheOnlyReleaseLeaveAPageThatSaysSo() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server(Behaviour(version: 1, #""crashesAfterMs": 1500"#)).path, to: "told")
            try await home.waitForStates("told", ["failed"], within: 120)
            let page = try await gateway.fetch("told.localhost")
            #expect(page.hasPrefix("503 ") && page.contains("forge logs --project told"), "\(page)")
            #expect(try await home.run("logs", "--project", "told").output.contains("crashed 3 times"))
            try await home.onlyTheseServersRun([])
            try await home.deploy(home.server(Behaviour(version: 2)).path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 2\n")
        }
    }
}

extension ForgeHome {
    /// Waits until nothing of servers is left while others go on.
    func nothingIsLeft(ofServers servers: [String]) async throws {
        try await eventually("nothing to be left of \(servers)", within: 30) {
            servers.allSatisfy { processes(of: $0).isEmpty } && Set(runningServers()).isDisjoint(with: servers) ? () : nil
        }
    }
}
