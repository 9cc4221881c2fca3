import ForgeTestSupport
import Foundation
import Testing

/// `[network]` of the operator's configuration, and its variables.
@Suite struct OperatorNetworkTests {
    private func failure(_ home: ForgeHome, _ project: TemporaryProject, _ environment: [String: String] = [:]) async throws -> JSON {
        let run = try await home.run("build", project.path, "--json", "--progress", "quiet", environment: environment)
        #expect(run.exitCode == 10)
        return try #require(try run.json()["error"])
    }

    @Test func anEntryThatIsNotAServersExactAddressIsShownWithItsPlace() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hi"])
            try "[network]\nallow = [\n  \"https://mirror.example\",\n  \"https://*.example\",\n]\n"
                .write(toFile: "\(home.path)/config.toml", atomically: true, encoding: .utf8)
            #expect(
                try await failure(home, project).without("hint") == [
                    "code": "config.invalid", "message": "`https://*.example` is not a server's exact address",
                    "file": .string("\(home.path)/config.toml"), "line": 4, "column": 3,
                ])
        }
    }

    @Test func aVariableThatIsNotAServersExactAddressIsRefused() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hi"])
            let error = try await failure(home, project, ["FORGE_EGRESS_ALLOW": "https://ok.example, registry.example"])
            #expect(error["code"] == "config.egress-entry")
            #expect(error["message"] == "`registry.example` is not a server's exact address")
        }
    }

    @Test func aCAFileThatIsNotThereIsToldBeforeAnythingRuns() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hi"])
            try "[network]\nca = \"/no/such/ca.pem\"\n".write(toFile: "\(home.path)/config.toml", atomically: true, encoding: .utf8)
            #expect(
                try await failure(home, project).without("hint") == [
                    "code": "config.invalid", "message": "there is no file `/no/such/ca.pem`",
                    "file": .string("\(home.path)/config.toml"), "line": 2, "column": 6,
                ])
        }
    }

    @Test func aStaticSiteDoesNotMindACAFileOfTheEnvironmentThatIsNotThere() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hi"])
            let run = try await home.run("build", project.path, "--json", environment: ["SSL_CERT_FILE": "/no/such/ca.pem"])
            #expect(run.exitCode == 0)
        }
    }

    @Test func whatTheConfigurationAllowsIsReachedWithoutAVariable() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            try "[network]\nallow = \"\(registry.origin)\"\n"
                .write(toFile: "\(home.path)/config.toml", atomically: true, encoding: .utf8)
            let report = try await home.build(project.path, in: ["npm_config_registry": registry.url])
            #expect(try home.egress(report, step: "install").map { $0["origin"] } == [.string(registry.origin)])
        }
    }
}
