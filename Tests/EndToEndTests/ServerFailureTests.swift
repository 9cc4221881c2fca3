import ForgeTestSupport
import Foundation
import Testing

/// Servers that are not fit to serve: the one before them goes on, and people learn why.
@Suite struct ServerFailureTests {
    struct BadServer: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let behaviour: String
        let codes: [String]
        /// What people must find in what was said.
        let words: [String]

        init(_ name: String, _ behaviour: String, _ codes: String..., saying words: String...) {
            (testDescription, self.behaviour, self.codes, self.words) = (name, behaviour, codes, words)
        }
    }

    static let badServers = [
        BadServer("is never healthy", #""statuses": [500]"#, "health.unhealthy", saying: "answered 500", "listening on 3000"),
        BadServer("is never healthy for long", #""statuses": [503, 500, 502, 200]"#, "health.unhealthy", saying: "answered 502"),
        BadServer("listens on another port", #""port": 4999"#, "health.wrong-port", saying: "4999", "3000"),
        BadServer("never listens", #""startsAfterMs": 86400000"#, "health.not-listening", saying: "version 2 starts"),
        BadServer("never answers", #""hangs": true"#, "health.no-answer", saying: "listening on 3000"),
        BadServer("ends at its start", #""crashesAtStart": true"#, "app.ended", saying: "status 3", "crashing at start"),
        BadServer("crashes when asked the first time", #""crashesAfter": 0"#, "app.ended", saying: "status 3", "crashing as told"),
        BadServer("eats all memory", #""leaks": true, "statuses": [500]"#, "app.ended", saying: "memory"),
        BadServer("forks without end", #""forks": true, "statuses": [500]"#, "health.unhealthy", "health.no-answer", "app.ended"),
        BadServer(
            "writes without end", #""logsEndlessly": true, "statuses": [500]"#, "health.unhealthy", "health.no-answer",
            saying: "the same line again"),
        BadServer("takes all processor time", #""spins": true, "statuses": [500]"#, "health.unhealthy", "health.no-answer"),
        BadServer("does not end when told to", #""ignoresTerm": true, "statuses": [500]"#, "health.unhealthy", saying: "listening on 3000"),
    ]

    @Test(arguments: badServers) func theOldReleaseGoesOnWhenTheNewOne(server: BadServer) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let first = try await home.deploy(project.path, to: "told")
            let (servers, started) = (home.runningServers(), try await gateway.ask("told.localhost", "/ids")["started"])
            try project.tell(Behaviour(version: 2, server.behaviour))
            let (code, said) = try await home.failedDeploy(project.path, to: "told")
            #expect(server.codes.contains(code), "\(code)\n\(said)")
            for word in server.words { #expect(said.contains(word), "\(said)") }
            #expect(said.utf8.count < 64 << 10)
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            #expect(try await gateway.ask("told.localhost", "/ids")["started"] == started)
            let releases = try await home.releases("told")
            #expect(releases.compactMap { $0["status"]?.text } == ["failed", "active"])
            #expect(releases.last?["release"] == first["release"])
            #expect(releases.first?["failure"]?.text?.isEmpty == false)
            try await home.onlyTheseServersRun(servers)
            try project.tell(Behaviour(version: 3))
            try await home.deploy(project.path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 3\n")
        }
    }

    @Test func aDeployThatFailsDisturbsNoRequest() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            try await home.deploy(project.path, to: "told")
            try project.tell(Behaviour(version: 2, #""statuses": [500]"#))
            var script = LoadScript(host: "told.localhost")
            script.mix = ["get": 2, "post": 1, "slow": 1, "events": 1, "websocket": 1]
            script.steps = [.init(["deploy", project.path, "--project", "told"], version: nil)]
            let report = try await home.load(script, on: gateway)
            #expect(report.json["commands"]?.elements.first?["exitCode"] == 70)
            #expect(report.json["failed"] == 0 && report.json["wrongVersion"] == 0, "\(report.json)")
            #expect(report.sent >= 1800)
        }
    }

    @Test func theFirstReleaseOfAProjectThatFailsLeavesAHostThatAnswersNothing() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            _ = try await home.failedDeploy(home.server(Behaviour(version: 1, #""crashesAtStart": true"#)).path, to: "told")
            #expect(try await gateway.fetch("told.localhost").hasPrefix("404 "))
            #expect(try await home.states("told") == ["failed"])
            try await home.onlyTheseServersRun([])
        }
    }

    @Test func aServerThatMisbehavesOnceItIsLiveHarmsNoOther() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "calm")
            try await home.deploy(home.server().path, to: "wild")
            #expect(try await gateway.fetch("wild.localhost", "/flood") == "200 flooding\n")
            #expect(try await gateway.fetch("wild.localhost", "/bomb") == "200 forking\n")
            var script = LoadScript(host: "calm.localhost")
            script.mix = ["get": 2, "post": 1]
            script.requests = 1500
            script.steps = [.init(["releases", "--project", "calm"], version: nil)]
            #expect(try await home.load(script, on: gateway).wrongs == [])
            #expect(try await home.states("calm") == ["active"])
            try await home.deploy(home.server(Behaviour(version: 2)).path, to: "calm")
            #expect(try await gateway.fetch("calm.localhost") == "200 version 2\n")
        }
    }
}

extension ForgeHome {
    /// Waits until this home's servers are these: what was given up takes a moment to end.
    func onlyTheseServersRun(_ servers: [String]) async throws {
        try await eventually("only \(servers) to run", within: 60, else: { "\(self.runningServers())" }) {
            runningServers() == servers ? () : nil
        }
    }
}
