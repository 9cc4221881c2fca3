import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// `kill -9` of everything that takes part in a deploy, at each of its steps. `FORGE_CAMPAIGN=10` repeats each ten times.
@Suite struct ServerKillTests {
    enum Victim: String, CaseIterable, Sendable { case forge, gateway, oldServer, newServer }

    /// Where a deploy stands, as seen from outside.
    enum Step: String, CaseIterable, Sendable {
        /// Nothing of the new server is there yet.
        case building
        /// Its sandbox is being made.
        case starting
        /// It runs, and was found unwell once.
        case checking
        /// It answers; a request to the old one is still under way.
        case draining
        /// The command has returned.
        case done
    }

    static let kills = Victim.allCases.flatMap { victim in Step.allCases.map { (victim, $0) } }
        .filter { $0 != (.newServer, .building) && $0 != (.forge, .done) }
    static let repetitions = Int(ProcessInfo.processInfo.environment["FORGE_CAMPAIGN"] ?? "") ?? 1

    @Test(arguments: kills) func killedDuringADeployOneReleaseIsActiveAndAnswersAndNothingIsLeft(victim: Victim, step: Step) async throws {
        for _ in 1...Self.repetitions { try await withForgeHome { try await Scene(home: $0).play(victim, step) } }
    }

    /// The n-th call by which the command writes state, or talks to the target or the gateway.
    @Test(arguments: ["pwrite64", "write", "connect,sendto,sendmsg", "fsync,fdatasync"])
    func theCommandKilledAtAnyCallLeavesOneActiveReleaseThatAnswers(calls: String) async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let projects = try (1...2).map { try home.server(Behaviour(version: $0)) }
            let artifacts = try await projects.asyncMap { try #require(try await home.build($0.path).artifact) }
            try await home.deploy(projects[0].path, to: "told")
            var version = 1
            for number in Self.repetitions > 1 ? [1, 2, 3, 5, 8, 13, 21, 34, 55] : [3, 12] {
                let artifact = artifacts[2 - version]
                let run = try await home.killed(
                    at: calls, number: number, "deploy", "--artifact", artifact, "--project", "told", "--progress", "quiet")
                #expect([0, 137].contains(run.exitCode), "\(run)")
                let active = try await home.releases("told").filter { $0["status"] == "active" }
                #expect(active.count == 1)
                let answering = active.first?["artifact"]?.text == artifact ? 3 - version : version
                try await gateway.waitForAnswer("told.localhost", "200 version \(answering)\n")
                try await home.deploy(projects[2 - version].path, to: "told")
                version = 3 - version
                #expect(try await gateway.fetch("told.localhost") == "200 version \(version)\n")
            }
            #expect(try await !home.states("told").contains("pending"))
            try await eventually("two servers at most", within: 60) { home.runningServers().count <= 2 ? () : nil }
        }
    }

    /// One deploy of version 2 over version 1 with one kill in it.
    private struct Scene {
        let home: ForgeHome

        func play(_ victim: Victim, _ step: Step) async throws {
            let gateway = try await home.startGateway()
            do { try await play(victim, step, gateway) } catch {
                gateway.child.signal(SIGTERM)
                throw TestSupportError("\(error)\nthe first gateway: \(try await gateway.child.finish(within: 60))")
            }
        }

        private func play(_ victim: Victim, _ step: Step, _ first: ForgeHome.Gateway) async throws {
            var gateway = first
            let project = try home.server()
            try await home.deploy(project.path, to: "told")
            let old = try #require(home.runningServers().first)
            var servers = Set(home.runningServers())
            var interfaces = home.networkInterfaces()
            // The first look finds it unwell: the check takes a second at least.
            try project.tell(Behaviour(version: 2, #""statuses": [500, 200]"#))
            let held = step == .draining ? try hold(gateway) : nil
            let deploy = try home.start("deploy", project.path, "--project", "told", "--json", "--progress", "json")
            try await reach(step, deploy, old, gateway)
            servers.formUnion(home.runningServers())
            interfaces.formUnion(home.networkInterfaces())
            try await strike(victim, deploy, gateway, old)
            let run = try await deploy.finish(within: 120)
            guard Self.endings(victim, step).contains(run.exitCode) else { throw TestSupportError("the deploy: \(run)") }
            if let held { _ = try await held.finish() }
            if victim == .gateway {
                _ = try await gateway.child.finish()
                gateway = try await home.startGateway()
            }
            try await expectOneActive(gateway, after: run)
            try project.tell(Behaviour(version: 3))
            try await home.deploy(project.path, to: "told")
            try await gateway.waitForAnswer("told.localhost", "200 version 3\n")
            #expect(try await home.states("told").filter { $0 == "active" }.count == 1)
            #expect(try await !home.states("told").contains("pending"))
            try await eventually("two servers at most", within: 60, else: { "\(home.runningServers())" }) {
                home.runningServers().count <= 2 ? () : nil
            }
            servers.formUnion(home.runningServers())
            interfaces.formUnion(home.networkInterfaces())
            gateway.child.signal(SIGTERM)
            _ = try await gateway.child.finish(within: 60)
            try await home.nothingIsLeft(of: Array(servers))
            #expect(home.leftInterfaces(of: interfaces) == [])
        }

        /// How the command may end. While the old server drains it may have returned already.
        private static func endings(_ victim: Victim, _ step: Step) -> [Int32] {
            switch (victim, step) {
            case (.oldServer, _), (_, .done), (.newServer, .draining): [0]
            case (.forge, .draining): [0, 137]
            case (.forge, _): [137]
            case (.gateway, .draining): [0, 70]
            case (.gateway, _), (.newServer, _): [70]
            }
        }

        /// A request that keeps the old server busy for some seconds.
        private func hold(_ gateway: ForgeHome.Gateway) throws -> Child {
            try home.start(
                program: "/usr/bin/curl",
                ["-s", "--noproxy", "*", "-o", "/dev/null", "http://told.localhost:\(gateway.port)/slow?ms=6000&bytes=100"])
        }

        private func reach(_ step: Step, _ deploy: Child, _ old: String, _ gateway: ForgeHome.Gateway) async throws {
            func eventText() -> String { deploy.error }
            switch step {
            case .building:
                _ = try await deploy.errorLine { $0.contains(#""type":"span.started""#) }
            case .starting:
                try await eventually("a second server", within: 60, else: eventText) { home.runningServers().count > 1 ? () : nil }
            case .checking:
                try await eventually("the check", within: 60, else: eventText) {
                    deploy.error.contains("trying again") ? () : nil
                }
            case .draining: try await gateway.waitForAnswer("told.localhost", "200 version 2\n")
            case .done: _ = try await deploy.finish(within: 120)
            }
        }

        private func strike(_ victim: Victim, _ deploy: Child, _ gateway: ForgeHome.Gateway, _ old: String) async throws {
            switch victim {
            case .forge: deploy.signal(SIGKILL)
            case .gateway: gateway.child.signal(SIGKILL)
            case .oldServer: home.processes(of: old).forEach { kill($0, SIGKILL) }
            case .newServer:
                // Its folder is there before its first process.
                let processes = try await eventually("the new server's processes") {
                    let found = home.runningServers().filter { $0 != old }.flatMap { home.processes(of: $0) }
                    return found.isEmpty ? nil : found
                }
                processes.forEach { kill($0, SIGKILL) }
            }
        }

        /// The active release is the one that answers: the new one where the command said so, else either.
        private func expectOneActive(_ gateway: ForgeHome.Gateway, after run: ForgeRun) async throws {
            let active = try await home.releases("told").filter { $0["status"] == "active" }
            #expect(active.count == 1, "\(active)")
            let report = run.exitCode == 0 ? try run.json()["release"] : nil
            if let report { #expect(active.first?["release"] == report) }
            try await untilTrue("the active release to answer", within: 90, else: { try await gateway.fetch("told.localhost") }) {
                let releases = try await home.releases("told")
                let isSecond = releases.count > 1 && releases.first { $0["status"] == "active" }?["release"] == releases.first?["release"]
                return try await gateway.fetch("told.localhost") == "200 version \(isSecond ? 2 : 1)\n"
            }
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
