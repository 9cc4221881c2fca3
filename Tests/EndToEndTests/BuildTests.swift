import ForgeTestSupport
import Foundation
import Testing

/// From a project to an artifact: what is built, what is taken from the cache, and that it is the same wherever it is built.
@Suite struct BuildTests {
    private static let golden = [
        "index.html": """
        <!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8">
            <title>Paper boats</title>
            <link rel="stylesheet" href="style.css">
          </head>
          <body>
            <nav><a href="index.html">index</a> <a href="keel.html">keel</a></nav>
            <main>
        <h1>Paper boats</h1>
        <p>How to fold a boat that <em>floats</em>, and why most do not.</p>
        <ul><li>Start with a sheet of A4</li><li>Fold it <strong>once</strong>, lengthwise</li><li>Read about the <a href="keel.html">keel</a></li></ul>
            </main>
          </body>
        </html>

        """,
        "keel.html": """
        <!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8">
            <title>The keel</title>
            <link rel="stylesheet" href="style.css">
          </head>
          <body>
            <nav><a href="index.html">index</a> <a href="keel.html">keel</a></nav>
            <main>
        <h1>The keel</h1>
        <p>A boat without a keel turns over. Press the fold until it stays: <code>90</code> degrees is enough.</p>
            </main>
          </body>
        </html>

        """,
    ]

    @Test func aStepIsNoMoreUrgentThanOtherProgramsOfTheMachine() async throws {
        try await withForgeHome { home in
            let project = try home.project(
                custom: "mkdir site && cut -d' ' -f19 /proc/self/stat > site/index.html; echo niceness $(cat site/index.html)",
                output: "site")
            let run = try await home.run("build", project.path, "--progress", "plain")
            #expect(run.error.contains("[build] niceness 0\n"), "\(run.error)")
        }
    }

    @Test func theOutputFolderHoldsExactlyWhatTheBuildMade() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let out = "\(home.folder)/out"
            #expect(try await home.run("build", project.path, "--out", out).exitCode == 0)
            var expected = Self.golden
            expected["style.css"] = try String(contentsOfFile: "\(project.path)/style.css", encoding: .utf8)
            #expect(try Folder.texts(out) == expected)
            let again = try await home.run("build", project.path, "--out", out, "--json", "--progress", "quiet")
            #expect(again.exitCode == 2, "a folder with content is not replaced unasked")
            #expect(try again.json()["error"]?["code"] == "out.not-empty")
            #expect(try await home.run("build", project.path, "--out", out, "--force").exitCode == 0)
            #expect(try Folder.texts(out) == expected)
        }
    }

    @Test func aSecondBuildRunsNoStepAndNothingIsWrittenIntoTheSource() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let before = try Folder.fingerprint(project.path)
            let first = try await home.build(project.path)
            let second = try await home.build(project.path)
            #expect(first.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
            #expect(second.steps == [["id": "build", "outcome": "cached", "reason": nil]])
            #expect(second.artifact == first.artifact)
            #expect(try Folder.fingerprint(project.path) == before)
        }
    }

    @Test func aChangedFileIsNamedAsTheReasonToBuildAgain() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let first = try await home.build(project.path)
            try project.write(["content/keel.md": "# The keel\n\nPress the fold.\n"])
            let changed = try await home.build(project.path)
            #expect(changed.steps == [["id": "build", "outcome": "executed", "reason": "content/keel.md changed"]])
            #expect(changed.artifact != first.artifact)
            try project.copyOver("node-static", "content/keel.md")
            let restored = try await home.build(project.path)
            #expect(restored.steps == [["id": "build", "outcome": "cached", "reason": nil]])
            #expect(restored.artifact == first.artifact)
        }
    }

    @Test func buildingWithoutTheCacheExecutesEveryStepAndSaysSo() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let first = try await home.build(project.path)
            let second = try await home.build(project.path, "--no-cache")
            #expect(second.steps == [["id": "build", "outcome": "executed", "reason": "cache not used (--no-cache)"]])
            #expect(second.artifact == first.artifact)
        }
    }

    @Test func aChangedVariableIsNamedAsTheReasonToBuildAgain() async throws {
        try await withForgeHome { home in
            let files = ["Makefile": "site:\n\tmkdir -p site\n\techo \"$$GREETING\" > site/index.html\n"]
            let project = try home.project(files)
            func configure(_ greeting: String) throws {
                try project.write([
                    "crowdforge.toml": "[build]\ncommand = \"make site\"\noutput = \"site\"\n[env]\nGREETING = \"\(greeting)\"\n"
                ])
            }
            try configure("Hello")
            _ = try await home.build(project.path)
            try configure("Moin")
            let second = try await home.build(project.path, "--out", "\(home.folder)/out")
            #expect(second.steps == [["id": "build", "outcome": "executed", "reason": "env GREETING Hello → Moin"]])
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "Moin\n"])
        }
    }

    @Test func aChangedCommandIsNamedAsTheReasonToBuildAgain() async throws {
        try await withForgeHome { home in
            let project = try home.project()
            let reason = "command changed (mkdir a; date > a/index.html → mkdir a; echo > a/index.html)"
            for (command, reason) in [("mkdir a; date > a/index.html", "first build"), ("mkdir a; echo > a/index.html", reason)] {
                try project.write(["crowdforge.toml": "[build]\ncommand = \"\(command)\"\noutput = \"a\"\n"])
                #expect(try await home.build(project.path).steps == [["id": "build", "outcome": "executed", "reason": .string(reason)]])
            }
        }
    }

    @Test func archivesAreReadableByTarAndTheSameFromEveryCheckout() async throws {
        try await withForgeHome { home in
            var archives: [Data] = []
            for name in ["here", "a longer name elsewhere"] {
                let project = try home.project(copiedFrom: "node-static", named: name)
                let archive = "\(home.folder)/\(archives.count).tar.zst"
                #expect(try await home.run("build", project.path, "--no-cache", "--archive", archive).exitCode == 0)
                archives.append(try Data(contentsOf: URL(filePath: archive)))
            }
            #expect(archives[0] == archives[1])
            let listing = try await home.tool(
                "/usr/bin/tar", "--zstd", "--numeric-owner", "-tvf", "\(home.folder)/0.tar.zst", environment: ["TZ": "UTC"])
            #expect(
                listing
                    == ForgeRun(
                        exitCode: 0,
                        output: """
                            -rw-r--r-- 0/0             515 1970-01-01 00:00 index.html
                            -rw-r--r-- 0/0             402 1970-01-01 00:00 keel.html
                            -rw-r--r-- 0/0             112 1970-01-01 00:00 style.css

                            """, error: ""))
        }
    }

    @Test func theDigestIsTheSameByFolderAndByEveryNameOfItsCommit() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let commit = try await project.commit()
            try await project.git("tag", "-a", "v1.0", "-m", "First")
            try await project.git("branch", "topic")
            try await project.git("update-server-info")
            let before = try Folder.fingerprint(project.path)
            let byFolder = try await home.build(project.path)
            for revision in [commit, String(commit.prefix(8)), "main", "topic", "v1.0", "HEAD"] {
                #expect(try await home.build(project.path, "--commit", revision).artifact == byFolder.artifact, "\(revision)")
            }
            #expect(try await home.build("file://\(project.path)", "--commit", "v1.0").artifact == byFolder.artifact)
            #expect(try await home.build("file://\(project.path)").artifact == byFolder.artifact)
            #expect(try Folder.fingerprint(project.path) == before)
        }
    }

    @Test func aCommitIsBuiltAsItWasAndNotAsTheFolderIs() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "static-site")
            let first = try await home.build(project.path)
            let commit = try await project.commit()
            try project.write(["index.html": "<h1>Later</h1>\n", "untracked.html": "x"])
            #expect(try await home.build(project.path, "--commit", commit).artifact == first.artifact)
            #expect(try await home.build(project.path).artifact != first.artifact)
        }
    }

    @Test func theDigestIsTheSameInTwoHomesWithoutAnythingShared() async throws {
        let first = try await withForgeHome { try await $0.build($0.project(copiedFrom: "node-static").path) }
        let second = try await withForgeHome { try await $0.build($0.project(copiedFrom: "node-static", named: "elsewhere").path) }
        #expect(first.artifact == second.artifact)
        #expect(second.steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
    }

    @Test func aHugoSiteIsBuiltWithTheHugoOfTheMachine() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "hugo-site")
            let out = "\(home.folder)/out"
            let report = try await home.build(project.path, "--out", out)
            #expect(report.json["preset"] == "hugo")
            let files = try Folder.texts(out)
            #expect(
                files.keys.sorted() == [
                    "index.html", "posts/first-frost/index.html", "posts/hazel/index.html", "posts/index.html", "sitemap.xml", "style.css",
                ])
            #expect(files["index.html"]?.contains("What grows along the railway") == true)
            #expect(try await home.build(project.path).steps == [["id": "build", "outcome": "cached", "reason": nil]])
        }
    }

    @Test func aDocumentationPackageIsAStaticSiteByFolderAndByCommit() async throws {
        let pages = "\(BuildProducts.checkout).build/inputs/sqlite3-doc/usr/share/doc/sqlite3"
        guard FileManager.default.fileExists(atPath: pages) else {
            throw TestSupportError("`.build/inputs/sqlite3-doc` is missing: run scripts/test-inputs.sh, as `make test` does")
        }
        try await withForgeHome { home in
            let byFolder = try await home.build(pages, "--out", "\(home.folder)/out")
            #expect(byFolder.json["preset"] == "static")
            #expect(byFolder.steps == [])
            let difference = try await home.tool("/usr/bin/diff", "-r", pages, "\(home.folder)/out")
            #expect(difference == ForgeRun(exitCode: 0, output: "", error: ""))
            let project = try home.project(named: "documentation")
            try project.copy(from: pages)
            let commit = try await project.commit()
            #expect(try await home.build(project.path, "--commit", commit).artifact == byFolder.artifact)
        }
    }

    @Test func configurationAndRepositoryDataAreNeverPartOfAStaticSite() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "<h1>Hi</h1>", "crowdforge.toml": "[build]\noutput = \"./\"\n", "forge.lock": ""])
            try await project.commit()
            _ = try await home.build(project.path, "--out", "\(home.folder)/out")
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "<h1>Hi</h1>"])
        }
    }

    @Test func writesThatNoStepDeclaresAreDroppedAndTold() async throws {
        try await withForgeHome { home in
            let project = try home.project([
                "crowdforge.toml": "[build]\ncommand = \"mkdir site; echo hi > site/index.html; echo x > stray.txt\"\noutput = \"site\"\n"
            ])
            let report = try await home.build(project.path, "--out", "\(home.folder)/out")
            #expect(report.json["warnings"] == ["step `build` wrote `stray.txt`, which it does not declare: dropped"])
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "hi\n"])
            #expect(Folder.names(project.path) == ["crowdforge.toml"])
        }
    }
}
