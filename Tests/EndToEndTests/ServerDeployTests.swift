import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Servers deployed with the real binary: what answers, what is told, what is left alone.
@Suite struct ServerDeployTests {
    @Test func aServerIsStartedByTheGatewayAndAnswersAtItsOwnHost() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let report = try await home.deploy(project.path, to: "told")
            #expect(report["status"] == "active")
            #expect(report["target"] == "container")
            #expect(report["url"] == "http://told.localhost:\(gateway.port)/")
            #expect(report["alreadyActive"] == false)
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            #expect(try await gateway.fetch("told.localhost", "/nowhere") == "404 nothing here\n")
            #expect(home.runningServers().count == 1)
            let release = try #require(try await home.releases("told").first)
            #expect(release["swap"]?["replaced"] == nil || release["swap"]?["replaced"] == .null)
            #expect((release["swap"]?["healthyMs"]?.number ?? -1) > 0)
        }
    }

    @Test func theServerLearnsWhoAskedAndHow() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            let seen = try await gateway.ask("told.localhost", "/headers?a=b%20c&d")
            #expect(seen["url"] == "/headers?a=b%20c&d")
            let words = seen["headers"]?.elements.compactMap(\.text) ?? []
            let pairs = stride(from: 0, to: words.count - 1, by: 2).map { (words[$0].lowercased(), words[$0 + 1]) }
            let headers = Dictionary(pairs) { "\($0), \($1)" }
            #expect(headers["host"] == "told.localhost:\(gateway.port)")
            #expect(headers["x-forwarded-for"] == "127.0.0.1")
            #expect(headers["x-forwarded-proto"] == "http")
            #expect(headers["x-forwarded-host"] == "told.localhost:\(gateway.port)")
        }
    }

    @Test func theSameArtifactWithTheSameVariablesIsAlreadyLiveAndItsProcessGoesOn() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let variables = try home.project(["a.env": "COLOUR=red\n", "b.env": "COLOUR=blue\n"])
            let first = try await home.deploy(project.path, to: "told", "--env-file", "\(variables.path)/a.env")
            let started = try await gateway.ask("told.localhost", "/ids")["started"]
            let again = try await home.deploy(project.path, to: "told", "--env-file", "\(variables.path)/a.env")
            #expect(again["alreadyActive"] == true)
            #expect(again["release"] == first["release"])
            #expect(try await gateway.ask("told.localhost", "/ids")["started"] == started)
            let other = try await home.deploy(project.path, to: "told", "--env-file", "\(variables.path)/b.env")
            #expect(other["alreadyActive"] == false)
            #expect(other["artifact"] == first["artifact"])
            #expect(try await gateway.ask("told.localhost", "/env")["COLOUR"] == "blue")
            #expect(try await home.states("told") == ["active", "superseded"])
        }
    }

    @Test func withoutAGatewayNothingIsDeployedAndTheCommandThatStartsItIsTold() async throws {
        try await withForgeHome { home in
            let project = try home.server()
            let (code, said) = try await home.failedDeploy(project.path, to: "told")
            #expect(code == "gateway.not-running")
            let told = try await home.run("deploy", project.path, "--project", "told")
            #expect(told.error.contains("forge gateway"), "\(said)")
            #expect(try await home.states("told").contains("active") == false)
            let gateway = try await home.startGateway()
            try await home.deploy(project.path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
        }
    }

    @Test func environmentsHaveServersReleasesAndVariablesOfTheirOwn() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let project = try home.server()
            let variables = try home.project(["staging.env": "COLOUR=grey\n"])
            try await home.deploy(project.path, to: "told")
            try project.tell(Behaviour(version: 2))
            let staging = try await home.deploy(
                project.path, to: "told", "--env", "staging", "--env-file", "\(variables.path)/staging.env")
            #expect(staging["url"] == "http://told-staging.localhost:\(gateway.port)/")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            #expect(try await gateway.fetch("told-staging.localhost") == "200 version 2\n")
            #expect(try await gateway.ask("told.localhost", "/env")["COLOUR"] == nil)
            #expect(try await gateway.ask("told.localhost", "/env")["CROWDFORGE_ENV"] == "production")
            #expect(try await gateway.ask("told-staging.localhost", "/env")["COLOUR"] == "grey")
            #expect(try await gateway.ask("told-staging.localhost", "/env")["CROWDFORGE_ENV"] == "staging")
            #expect(home.runningServers().count == 2)
            #expect(try await home.states("told") == ["active", "active"])
            _ = try await home.failure(70, "rollback", "--project", "told", "--env", "staging")
            #expect(try await gateway.fetch("told-staging.localhost") == "200 version 2\n")
        }
    }

    @Test(arguments: [
        ("listens late", #""startsAfterMs": 3000"#), ("is well at the second look", #""statuses": [500, 200]"#),
        ("has no front page", #""statuses": [404]"#), ("never ends its first page", #""endlessBody": true"#),
    ]) func whatIsSlowOrOddButWellIsDeployed(what: String, behaviour: String) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server(Behaviour(version: 1, behaviour)).path, to: "told")
            #expect(try await gateway.fetch("told.localhost", "/version") == "200 version 1\n")
            #expect(try await home.states("told") == ["active"])
        }
    }

    @Test func aSiteBecomesAServerAndASiteAgain() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try home.project(["index.html": "version site\n"])
            try await home.deploy(site.path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version site\n")
            try await home.deploy(home.server().path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            try await home.rollback("told")
            #expect(try await gateway.fetch("told.localhost") == "200 version site\n")
            try await home.deploy(home.server(Behaviour(version: 2)).path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 2\n")
            #expect(try await home.states("told").filter { $0 == "active" }.count == 1)
        }
    }

    @Test func aGatewayThatIsToldToEndLetsRequestsEndFirst() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            let body = "\(home.folder)/output/slow"
            let request = try home.start(
                program: "/usr/bin/curl",
                ["-s", "--noproxy", "*", "-o", body, "http://told.localhost:\(gateway.port)/slow?ms=4000&bytes=100000"])
            try await eventually("the answer to begin") { FileManager.default.contents(atPath: body).flatMap { $0.isEmpty ? nil : () } }
            gateway.child.signal(SIGTERM)
            #expect(try await request.finish().exitCode == 0)
            #expect(FileManager.default.contents(atPath: body)?.count == 100_000)
            #expect(try await gateway.child.finish(within: 60).exitCode == 0)
        }
    }

    @Test func whatAServerWritesIsInItsLog() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            try await home.deploy(home.server().path, to: "told")
            #expect(try await gateway.fetch("told.localhost") == "200 version 1\n")
            let log = try await home.run("logs", "--project", "told")
            #expect(log.exitCode == 0)
            #expect(log.output.contains("version 1 starts") && log.output.contains("listening on 3000"), "\(log)")
        }
    }

    @Test func aGatewayThatEndsTakesEveryServerWithItAndTheNextOneBringsThemBack() async throws {
        try await withForgeHome { home in
            let first = try await home.startGateway()
            let project = try home.server()
            try await home.deploy(project.path, to: "told")
            try project.tell(Behaviour(version: 2))
            try await home.deploy(project.path, to: "told")
            let (servers, interfaces) = (home.runningServers(), home.networkInterfaces())
            #expect(!servers.isEmpty && !interfaces.isEmpty)
            first.child.signal(SIGTERM)
            #expect(try await first.child.finish(within: 60).exitCode == 0)
            try await home.nothingIsLeft(of: servers)
            #expect(home.leftInterfaces(of: interfaces) == [])
            let second = try await home.startGateway()
            try await second.waitForAnswer("told.localhost", "200 version 2\n")
            #expect(home.runningServers().count == 1)
        }
    }
}

extension ForgeHome {
    /// Those of `interfaces` that still are.
    func leftInterfaces(of interfaces: Set<String>) -> [String] {
        interfaces.filter { $0.split(separator: " ").first.flatMap { Machine.interface(String($0)) } == $0 }.sorted()
    }
}
