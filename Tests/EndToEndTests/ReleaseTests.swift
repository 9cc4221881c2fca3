import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// From an artifact to an address that answers, and back to an older one.
@Suite struct ReleaseTests {
    @Test func aDeployedSiteAnswersAtItsOwnHostAndStagingIsApart() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try home.project(["index.html": "<h1>One</h1>", "style.css": "h1 {}"])
            let report = try await home.run("deploy", site.path, "--project", "tides", "--json").json()
            #expect(report["url"] == "http://tides.localhost:\(gateway.port)/")
            #expect(try await gateway.fetch("tides.localhost") == "200 <h1>One</h1>")
            #expect(try await home.curl("-H", "Host: tides.localhost", "http://127.0.0.1:\(gateway.port)/style.css") == "200 h1 {}")
            try site.write(["index.html": "<h1>Two</h1>"])
            let staging = try await home.run("deploy", site.path, "--project", "tides", "--env", "staging", "--json").json()
            #expect(staging["url"] == "http://tides-staging.localhost:\(gateway.port)/")
            #expect(try await gateway.fetch("tides-staging.localhost") == "200 <h1>Two</h1>")
            #expect(try await gateway.fetch("tides.localhost") == "200 <h1>One</h1>")
            #expect(try await gateway.fetch("other.localhost").hasPrefix("404 "))
        }
    }

    @Test func aNewReleaseReplacesTheOldOneAndARollbackBringsItBackWithoutBuilding() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try home.project(custom: "mkdir site; cp page.txt site/index.html", output: "site")
            var releases: [JSON] = []
            for text in ["One", "Two", "Three"] {
                try site.write(["page.txt": text])
                releases.append(try await home.run("deploy", site.path, "--project", "tides", "--json").json())
                #expect(try await gateway.fetch("tides.localhost") == "200 \(text)")
            }
            try FileManager.default.removeItem(atPath: site.path)
            let back = try await home.run("rollback", "--project", "tides", "--progress", "json")
            #expect(back.exitCode == 0)
            #expect(try back.events().filter { $0["type"] == "span.started" }.map { $0["kind"] } == ["rollback"])
            #expect(try await gateway.fetch("tides.localhost") == "200 Two")
            let first = try #require(releases[0]["release"]?.text)
            let answer = try await home.run("rollback", first, "--project", "tides", "--json").json()
            #expect(answer["artifact"] == releases[0]["artifact"])
            #expect(try await gateway.fetch("tides.localhost") == "200 One")
            let byDigest = try #require(releases[2]["artifact"]?.text)
            #expect(try await home.run("deploy", "--artifact", byDigest, "--project", "tides").exitCode == 0)
            #expect(try await gateway.fetch("tides.localhost") == "200 Three")
        }
    }

    @Test func theListOfReleasesIsATableForPeople() async throws {
        try await withForgeHome { home in
            let none = try await home.run("releases", "--project", "tides")
            #expect(none == ForgeRun(exitCode: 0, output: "no releases yet; make one: forge deploy DIR --project NAME\n", error: ""))
            let site = try home.project(["index.html": "<h1>One</h1>"])
            let report = try await home.run("deploy", site.path, "--project", "tides", "--json").json()
            let table = try await home.run("releases", "--project", "tides")
            let release = try #require(report["release"]?.text)
            let artifact = try #require(report["artifact"]?.text).dropFirst("sha256:".count).prefix(12)
            let output = table.output.replacing(/[0-9-]{10}T[0-9:]{8}Z/, with: "TIME")
            #expect(
                output == """
                    RELEASE           STATUS  ENVIRONMENT  ARTIFACT      CREATED               SWAP  URL
                    \(release)  active  production   \(artifact)  TIME  -     http://tides.localhost:8080/

                    """)
        }
    }

    @Test func deployingWhileNoGatewayRunsIsAWarningAndTheGatewayServesItLater() async throws {
        try await withForgeHome { home in
            let site = try home.project(["index.html": "<h1>One</h1>"])
            let run = try await home.run("deploy", site.path, "--project", "tides")
            #expect(run.exitCode == 0)
            #expect(run.error.contains("warning: the gateway is not running, so nothing answers yet\n"))
            #expect(run.error.contains("forge gateway"))
            let gateway = try await home.startGateway()
            #expect(try await gateway.fetch("tides.localhost") == "200 <h1>One</h1>")
        }
    }

    @Test func aKilledGatewayServesEverythingAgainOnceStarted() async throws {
        try await withForgeHome { home in
            let site = try home.project(["index.html": "<h1>One</h1>"])
            let first = try await home.startGateway()
            #expect(try await home.run("deploy", site.path, "--project", "tides").exitCode == 0)
            #expect(try await first.fetch("tides.localhost") == "200 <h1>One</h1>")
            first.child.signal(SIGKILL)
            #expect(try await first.child.finish().exitCode == 137)
            let whileDown = try await home.run("deploy", site.path, "--project", "sands")
            #expect(whileDown.error.contains("the gateway is not running"))
            let second = try await home.startGateway()
            #expect(try await second.fetch("tides.localhost") == "200 <h1>One</h1>")
            #expect(try await second.fetch("sands.localhost") == "200 <h1>One</h1>")
        }
    }

    @Test func aGatewayEndsOnASignalAndForgetsItsAddress() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            gateway.child.signal(SIGINT)
            let run = try await gateway.child.finish(within: 20)
            #expect(run.exitCode == 0 || run.exitCode == 130)
            #expect(!FileManager.default.fileExists(atPath: "\(home.path)/gateway.json"))
        }
    }

    @Test func theSameArtifactAgainIsAlreadyLive() async throws {
        try await withForgeHome { home in
            let site = try home.project(["index.html": "<h1>One</h1>"])
            let first = try await home.run("deploy", site.path, "--project", "tides", "--json").json()
            let second = try await home.run("deploy", site.path, "--project", "tides", "--json").json()
            #expect(second["alreadyActive"] == true)
            #expect(second["release"] == first["release"])
        }
    }

    @Test func whatCannotBeDeployedIsRefusedWithTheRightCode() async throws {
        try await withForgeHome { home in
            let unknown = "sha256:" + String(repeating: "0", count: 64)
            #expect(try await home.failureCode(60, "deploy", "--artifact", unknown, "--project", "tides") == "artifact.unknown")
            for slug in ["Tides", "tides-", "ti_des", "a.b", ""] {
                #expect(
                    try await home.failureCode(2, "deploy", ForgeHome.fixture("static-site"), "--project", slug) == "project.invalid-slug")
            }
            let server = try await home.build(ForgeHome.fixture("node-server"))
            let digest = try #require(server.artifact)
            #expect(server.json["kind"] == "container")
            #expect(
                try await home.failureCode(70, "deploy", "--artifact", digest, "--project", "tides", "--target", "static")
                    == "target.wrong-kind")
            #expect(
                try await home.failureCode(2, "deploy", "--artifact", digest, "--project", "tides", "--target", "nowhere")
                    == "target.unknown")
            #expect(try await home.failureCode(70, "rollback", "--project", "tides").hasPrefix("release."))
            #expect(try await home.run("releases", "--project", "tides", "--json").json() == ["releases": []])
        }
    }
}
