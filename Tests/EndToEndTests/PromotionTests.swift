import ForgeTestSupport
import Foundation
import Testing

/// An artifact goes from one environment to another, as it is or built again.
@Suite struct PromotionTests {
    private let command = "mkdir site && cp page.txt site/index.html && printf %s \"$API\" >> site/index.html"

    @Test func whatReadsNothingOfItsEnvironmentIsPromotedAsItIs() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try home.project(custom: command, output: "site", more: "[env]\nAPI = \"/api\"\nSHA = \"$CROWDFORGE_COMMIT_SHA\"\n")
            try site.write(["page.txt": "One"])
            _ = try await home.run("env", "set", "OTHER=1", "--project", "tides", "--env", "staging")
            let staged = try await home.deploy(site.path, to: "tides", "--env", "staging")
            try FileManager.default.removeItem(atPath: site.path)
            let run = try await home.run("deploy", "--from", "staging", "--project", "tides", "--progress", "json")
            #expect(run.exitCode == 0, "\(run.error)")
            #expect(try run.events().filter { $0["type"] == "span.started" }.map { $0["kind"] } == ["deploy"])
            #expect(try await gateway.fetch("tides.localhost") == "200 One/api")
            let digest = try #require(staged["artifact"]?.text)
            let preview = try await home.run(
                "deploy", "--artifact", digest, "--project", "tides", "--env", "preview", "--pr", "7", "--json"
            ).json()
            #expect(preview["artifact"] == staged["artifact"])
            let other = try await home.run("deploy", "--from", "pr-7", "--project", "tides", "--env", "preview", "--pr", "8", "--json")
                .json()
            #expect(other["artifact"] == staged["artifact"])
            #expect(try await gateway.fetch("tides-pr-8.localhost") == "200 One/api")
        }
    }

    @Test func whatReadItsEnvironmentIsBoundToItAndTheVariablesAreNamed() async throws {
        try await withForgeHome { home in
            let gateway = try await home.startGateway()
            let site = try home.project(
                custom: command, output: "site", more: "[env]\nAPI = \"$API_URL\"\nPLACE = \"$CROWDFORGE_ENV\"\nNONE = \"$NONE\"\n")
            try site.write(["page.txt": "One "])
            _ = try await home.run("env", "set", "API_URL=stage", "--project", "tides", "--env", "staging")
            _ = try await home.run("env", "set", "API_URL=prod", "--project", "tides")
            let staged = try await home.deploy(site.path, to: "tides", "--env", "staging")
            let digest = try #require(staged["artifact"]?.text)
            try FileManager.default.removeItem(atPath: site.path)
            let error = try await home.failure(70, "deploy", "--artifact", digest, "--project", "tides")
            #expect(error["code"] == "artifact.bound")
            let short = digest.dropFirst("sha256:".count).prefix(12)
            #expect(
                error["message"]
                    == .string(
                        "artifact `\(short)` was built for staging of `tides`: its build read `API_URL`, `CROWDFORGE_ENV`, "
                            + "which are different in production of `tides`"))
            #expect(error["hint"] == "add `--rebuild` to build the same source for production of `tides`")
            #expect(try await gateway.fetch("tides.localhost").hasPrefix("404 "))
            let rebuilt = try await home.run("deploy", "--artifact", digest, "--rebuild", "--project", "tides", "--json").json()
            #expect(rebuilt["artifact"] != staged["artifact"])
            #expect(try await gateway.fetch("tides.localhost") == "200 One prod")
            #expect(try await gateway.fetch("tides-staging.localhost") == "200 One stage")
            // The same place again is none of this.
            #expect(try await home.run("deploy", "--artifact", digest, "--project", "tides", "--env", "staging").exitCode == 0)
        }
    }

    @Test func equalValuesBindNothing() async throws {
        try await withForgeHome { home in
            let site = try home.project(custom: command, output: "site", more: "[env]\nAPI = \"$API_URL\"\n")
            try site.write(["page.txt": "One "])
            for place in ["staging", "production"] {
                _ = try await home.run("env", "set", "API_URL=same", "--project", "tides", "--env", place)
            }
            let staged = try await home.deploy(site.path, to: "tides", "--env", "staging")
            let promoted = try await home.run("deploy", "--from", "staging", "--project", "tides", "--json").json()
            #expect(promoted["artifact"] == staged["artifact"])
            _ = try await home.run("env", "set", "API_URL=other", "--project", "tides")
            #expect(try await home.failureCode(70, "deploy", "--from", "staging", "--project", "tides") == "artifact.bound")
        }
    }

    @Test func anArtifactBuiltForNoPlaceIsBoundByWhatItCouldNotKnow() async throws {
        try await withForgeHome { home in
            let site = try home.project(custom: command, output: "site", more: "[env]\nAPI = \"$CROWDFORGE_PROJECT_URL\"\n")
            try site.write(["page.txt": "One "])
            let digest = try #require(try await home.build(site.path).artifact)
            let error = try await home.failure(70, "deploy", "--artifact", digest, "--project", "tides")
            #expect(error["message"]?.text?.contains("was built for no environment: its build read `CROWDFORGE_PROJECT_URL`, ") == true)
            let rebuilt = try await home.run("deploy", "--artifact", digest, "--rebuild", "--project", "tides")
            #expect(rebuilt.exitCode == 0, "\(rebuilt.error)")
        }
    }

    @Test func whatCannotBePromotedIsSaid() async throws {
        try await withForgeHome { home in
            let none = try await home.failureCode(70, "deploy", "--from", "staging", "--project", "tides")
            let typo = try await home.failureCode(2, "deploy", "--from", "stagign", "--project", "tides")
            let both = try await home.failureCode(2, "deploy", ".", "--from", "staging", "--project", "tides")
            #expect([none, typo, both] == ["release.none-active", "usage.from", "usage.two-subjects"])
        }
    }
}
