import ForgeTestSupport
import Foundation
import Testing

/// What `forge cache` says and does, and that what is damaged or taken away is made anew.
@Suite struct CacheCommandTests {
    private func blob(_ text: String, in home: ForgeHome) throws -> String {
        let blobs = "\(home.path)/store/blobs"
        let names = try FileManager.default.subpathsOfDirectory(atPath: blobs).map { "\(blobs)/\($0)" }
        return try #require(names.first { FileManager.default.contents(atPath: $0) == Data(text.utf8) })
    }

    private func flip(_ path: String) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count / 2] ^= 1
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.write(contentsOf: bytes)
        try file.close()
    }

    @Test func statisticsNameWhatIsThere() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hello"])
            _ = try await home.build(project.path)
            let run = try await home.run("cache", "stats", "--json")
            #expect(
                try run.json().without("store") == [
                    "blobs": 5, "bytes": 20480, "limit": 21_474_836_480, "actions": 0, "artifacts": 1, "records": 1, "sources": 1,
                    "registryEntries": 0, "materialisedTrees": 0, "toolCaches": [],
                ])
            let text = try await home.run("cache", "stats")
            #expect(text.output.hasPrefix("store      \(home.path)/store\nblobs      5, 20.5 kB of 21.5 GB\nactions    0\n"))
        }
    }

    @Test func damageIsNamedWithItsOwnersAndMadeAnewByTheNextBuild() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "hello", "about.html": "about us"])
            let first = try await home.build(project.path)
            let whole = try await home.run("cache", "verify").output
            #expect(whole.hasPrefix("6 blobs, ") && whole.hasSuffix(": all whole\n"), "\(whole)")
            try flip(try blob("about us", in: home))
            let run = try await home.run("cache", "verify", "--json")
            #expect(run.exitCode == 60)
            let faults = try run.json()["faults"]?.elements ?? []
            #expect(faults.map { $0["kind"] } == ["damaged"])
            let owners = faults.first?["owners"]?.elements.compactMap(\.text) ?? []
            #expect(owners.contains("artifact \(first.artifact ?? "") about.html"))
            let out = "\(home.folder)/out"
            let again = try await home.build(project.path, "--out", out)
            #expect(again.artifact == first.artifact)
            #expect(try Folder.texts(out) == ["index.html": "hello", "about.html": "about us"])
            #expect(try await home.run("cache", "verify").exitCode == 0)
        }
    }

    @Test func damageThatABuildMeetsIsMadeAnewInTheSameBuild() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let first = try await home.build(project.path)
            try flip(try blob(try String(contentsOfFile: "\(project.path)/style.css", encoding: .utf8), in: home))
            let out = "\(home.folder)/out"
            let again = try await home.run("build", project.path, "--out", out, "--json", "--progress", "plain")
            #expect(again.exitCode == 0)
            #expect(try again.json()["artifact"] == first.json["artifact"])
            #expect(
                try String(contentsOfFile: "\(out)/style.css", encoding: .utf8)
                    == String(contentsOfFile: "\(project.path)/style.css", encoding: .utf8))
        }
    }

    @Test func whatAReleaseNeedsOutlivesACollectionAndTheRestGoes() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "one"])
            #expect(try await home.run("deploy", project.path, "--project", "site", "--json").exitCode == 0)
            try project.write(["index.html": "two"])
            #expect(try await home.run("deploy", project.path, "--project", "site", "--json").exitCode == 0)
            let other = try home.project(["index.html": "nobody deploys this"])
            let lost = try await home.build(other.path)
            let trial = try await home.run("cache", "gc", "--limit", "1KB", "--dry-run", "--json").json()
            #expect(trial["isDryRun"] == true)
            let run = try await home.run("cache", "gc", "--limit", "1KB", "--json").json()
            #expect(run["bytes"] == trial["bytes"])
            #expect(run["givenUp"]?.elements.compactMap(\.text).contains("artifact \(lost.artifact ?? "")") == true)
            #expect(try await home.run("rollback", "--project", "site", "--json").exitCode == 0)
            #expect(try await home.failureCode(60, "deploy", "--artifact", lost.artifact ?? "", "--project", "other") == "artifact.unknown")
            #expect(try await home.build(other.path).artifact == lost.artifact, "what was given up is built again")
        }
    }

    @Test func aSizeThatIsNoneIsRefused() async throws {
        try await withForgeHome { home in
            let error = try await home.failure(2, "cache", "gc", "--limit", "ten")
            #expect(error["code"] == "usage.size")
            #expect(error["message"] == "`ten` is no size for `--limit`")
            #expect(error["hint"] == "write a number and a unit: `--limit 10GB`")
        }
    }

    @Test func anExplanationTellsWhatAStepIsMadeOfAndAllThatChanged() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "mkdir out; cat a > out/index.html", output: "out", more: "[env]\nMODE = \"dev\"\n")
            try project.write(["a": "1"])
            _ = try await home.build(project.path)
            try project.write([
                "a": "2",
                "crowdforge.toml": "[build]\ncommand = \"mkdir out; cat a > out/index.html\"\noutput = \"out\"\n[env]\nMODE = \"prod\"\n",
            ])
            let run = try await home.run("build", project.path, "--explain", "--json", "--progress", "quiet")
            let step = try #require(try run.json()["steps"]?.elements.first)
            #expect(step["reason"] == "env MODE dev → prod")
            let differences = step["explanation"]?["differences"]?.elements.compactMap(\.text) ?? []
            #expect(differences == ["env MODE dev → prod", "a, crowdforge.toml changed"])
            #expect(step["explanation"]?["platform"]?["network"] == "none")
            let text = try await home.run("build", project.path, "--explain", "--progress", "quiet")
            #expect(text.output.hasPrefix("build  cached    nothing it is made of has changed\n       command   "))
        }
    }

    @Test func whatAPullRequestLeavesInACacheIsNotSeenByTrustedBuilds() async throws {
        try await withForgeHome { home in
            // The step shows what it finds in its cache and leaves a mark of its own there.
            let command = "mkdir -p .cache out; ls .cache > out/index.html; touch .cache/$(cat who)"
            let more = "caches = [\".cache\"]\n"
            let project = try home.project(custom: command, output: "out", more: more)
            func build(_ who: String, _ arguments: String...) async throws -> [String] {
                try project.write(["who": who])
                let out = "\(home.folder)/out-\(who)"
                let run = try await home.run(["build", project.path, "--out", out, "--progress", "quiet"] + arguments)
                #expect(run.exitCode == 0, "\(run.error)")
                return try Folder.texts(out)["index.html"]?.split(separator: "\n").map(String.init) ?? []
            }
            #expect(try await build("main") == [])
            #expect(try await build("stranger", "--env", "preview", "--pr", "7") == ["main"], "the trusted scope is read")
            #expect(try await build("again", "--env", "preview", "--pr", "7") == ["main", "stranger"])
            #expect(try await build("other", "--untrusted") == ["main"], "each stranger for himself")
            #expect(try await build("trusted") == ["main"], "and never written by one")
            let caches = try await home.run("cache", "stats", "--json").json()["toolCaches"]?.elements ?? []
            #expect(Set(caches.compactMap { $0["scope"]?.text ?? "trusted" }) == ["trusted", "pr-7", "untrusted"])
        }
    }

    @Test func aPreviewThatIsDeployedLeavesNothingToTrustedBuildsEither() async throws {
        try await withForgeHome { home in
            let command = "mkdir -p .cache out; ls .cache > out/index.html; touch .cache/$(cat who)"
            let project = try home.project(custom: command, output: "out", more: "caches = [\".cache\"]\n")
            try project.write(["who": "stranger"])
            let run = try await home.run("deploy", project.path, "--project", "site", "--env", "preview", "--pr", "7", "--json")
            #expect(run.exitCode == 0, "\(run.error)")
            // The very same source: its result is the stranger's, so it is made again.
            let trusted = try await home.build(project.path, "--out", "\(home.folder)/out")
            #expect(trusted.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": ""])
            let caches = try await home.run("cache", "stats", "--json").json()["toolCaches"]?.elements ?? []
            #expect(Set(caches.compactMap { $0["scope"]?.text ?? "trusted" }) == ["trusted", "pr-7"])
        }
    }
}
