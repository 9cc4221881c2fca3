import ForgeTestSupport
import Foundation
import Testing

/// What scripts rely on: keys, streams and exit codes of every command.
@Suite struct ContractTests {
    private static let nodeStatic = "\(BuildProducts.checkout)fixtures/projects/node-static"
    private static let staticSite = "\(BuildProducts.checkout)fixtures/projects/static-site"

    @Test func buildPrintsOneObjectWithTheKeysOfTheContract() async throws {
        try await withForgeHome { home in
            let run = try await home.run("build", Self.nodeStatic, "--json")
            #expect(run.exitCode == 0)
            let report = try run.json()
            #expect(report["artifact"]?.text?.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil)
            #expect(report["record"]?.text?.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil)
            #expect((report["steps"]?.elements.first?["durationMs"]?.number ?? 0) > 0)
            #expect(
                report["steps"]?.elements.map { $0.without("durationMs") } == [
                    ["id": "build", "outcome": "executed", "reason": "first build"]
                ])
            #expect(
                report.without("artifact", "record", "steps")
                    == ["kind": "static", "preset": "node", "size": 1029, "warnings": []])
        }
    }

    @Test func detectPrintsEveryKeyAndNullForWhatIsAbsent() async throws {
        try await withForgeHome { home in
            let run = try await home.run("detect", Self.nodeStatic, "--json")
            #expect(run.exitCode == 0)
            #expect(run.error == "")
            #expect(
                try run.json() == [
                    "apps": [], "build": "npm run build",
                    "candidates": [
                        [
                            "confidence": "likely", "group": "static", "name": "Static site", "preset": "static",
                            "reason": "a runtime goes before a static",
                        ]
                    ],
                    "derived": [
                        "build": ["rule": "script build", "source": "package.json"],
                        "output": ["rule": "ignored folder", "source": ".gitignore"],
                        "runtimeVersion": ["rule": "pointer /engines/node", "source": "package.json"],
                    ],
                    "evidence": [
                        ["clause": "file `package.json`", "file": "package.json", "line": nil, "pointer": nil],
                        ["clause": "package script `build`", "file": "package.json", "line": 7, "pointer": "/scripts/build"],
                    ],
                    "install": nil, "kind": "static", "language": "node", "name": "Node.js", "output": "dist", "packageManager": "npm",
                    "preset": "node", "root": ".", "runtimeVersion": ">=18", "start": nil,
                ])
            #expect(Folder.names(home.path) == [], "looking at a project stores nothing")
        }
    }

    @Test func planPrintsTheStepsWithTheirLimits() async throws {
        try await withForgeHome { home in
            let run = try await home.run("plan", Self.nodeStatic, "--json")
            #expect(run.exitCode == 0)
            #expect(run.error == "")
            let plan = try run.json()
            #expect(plan["preset"]?["id"] == "node")
            #expect(
                plan.without("preset") == [
                    "artifact": ["kind": "static", "leavesOut": [], "output": "dist", "routes": [], "runtimes": []],
                    "root": "",
                    "steps": [
                        [
                            "caches": [], "command": ["npm", "run", "build"], "environment": ["CI": "true", "NODE_ENV": "production"],
                            "id": "build", "inputs": [],
                            "limits": [
                                "cpus": 0, "diskBytes": 8_589_934_592, "logBytes": 67_108_864, "memoryBytes": 4_294_967_296,
                                "processes": 2048, "timeoutSeconds": 300,
                            ],
                            "needs": [], "network": "none", "outputs": ["dist"],
                            "publicVariables": ["REACT_APP_", "VITE_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "VUE_APP_"],
                            "title": "npm run build",
                        ]
                    ],
                    "toolchainOrigins": ["node": ["file": "package.json", "rule": "pointer /engines/node"]],
                    "toolchains": ["node": ">=18"], "version": 1, "warnings": [],
                ])
        }
    }

    @Test func planDrawsAGraphForMermaidAndForGraphviz() async throws {
        try await withForgeHome { home in
            let mermaid = try await home.run("plan", Self.nodeStatic, "--format", "mermaid")
            #expect(
                mermaid
                    == ForgeRun(
                        exitCode: 0,
                        output: """
                            flowchart LR
                                source(["source"])
                                s0["build<br/>npm run build"]
                                artifact(["static dist/"])
                                source --> s0
                                s0 --> artifact

                            """, error: ""))
            let dot = try await home.run("plan", Self.nodeStatic, "--format", "dot")
            #expect(dot.exitCode == 0)
            #expect(dot.output.hasPrefix("digraph"))
        }
    }

    @Test func detectExplainsWhichClausesHeldInWords() async throws {
        try await withForgeHome { home in
            let run = try await home.run("detect", Self.staticSite, "--explain")
            #expect(run.exitCode == 0)
            #expect(run.error == "")
            #expect(run.output.contains("→ static  (Static site, static)\n    ✓ file `index.html` or `index.htm`  index.html\n"))
            #expect(run.output.contains("- hugo  (Hugo, framework)\n    ✗ file `hugo.{toml,yaml,yml,json}`\n"))
        }
    }

    @Test func deployReleasesAndRollbackDescribeReleasesInOneShape() async throws {
        try await withForgeHome { home in
            let first = try await home.run("deploy", Self.staticSite, "--project", "tides", "--json").json()
            let varying = ["release", "artifact", "createdAt", "previous"]
            let shape: JSON = [
                "alreadyActive": false, "commit": nil, "environment": "production", "failure": nil, "preview": nil, "project": "tides",
                "status": "active",
                "swap": nil, "target": "static", "url": "http://tides.localhost:8080/",
            ]
            func common(_ report: JSON?) -> JSON? { report?.without("release", "artifact", "createdAt", "previous") }
            #expect(common(first) == shape)
            #expect(varying.allSatisfy(first.keys.contains))
            #expect(first["previous"] == .null)
            let second = try await home.run("deploy", Self.nodeStatic, "--project", "tides", "--json").json()
            #expect(second["previous"] == first["release"])
            let back = try await home.run("rollback", "--project", "tides", "--json").json()
            #expect(common(back) == shape)
            #expect(back["artifact"] == first["artifact"])
            let listing = try await home.run("releases", "--project", "tides", "--json").json()
            #expect(listing.keys == ["releases"])
            #expect(listing["releases"]?.elements.map { $0["release"] } == [back["release"], second["release"], first["release"]])
            #expect(listing["releases"]?.elements.map { $0["status"] } == ["active", "rolledBack", "superseded"])
            #expect(listing["releases"]?.elements.first == back)
        }
    }

    @Test func aFailureIsOneObjectWithEveryKeyAndItsExitCode() async throws {
        try await withForgeHome { home in
            let missing = try await home.run("build", "/no/such/folder", "--json", "--progress", "quiet")
            #expect(missing.exitCode == 2)
            #expect(
                try missing.json() == [
                    "error": [
                        "code": "source.missing", "message": "no directory `/no/such/folder`", "file": nil, "line": nil, "column": nil,
                        "hint": nil,
                    ]
                ])
            let project = try home.project(["crowdforge.toml": "[build]\ncomand = \"make\"\n"])
            for command in ["build", "plan", "detect"] {
                let invalid = try await home.run(command, project.path, "--json")
                #expect(invalid.exitCode == 10)
                let error = try #require(try invalid.json()["error"])
                #expect(error.keys == ["code", "column", "file", "hint", "line", "message"])
                #expect(error.without("message", "hint") == ["code": "config.invalid", "file": "crowdforge.toml", "line": 2, "column": 1])
                #expect(error["hint"]?.text?.contains("`command`") == true)
            }
        }
    }

    @Test func aMistakeOnTheCommandLineExitsWithTwo() async throws {
        try await withForgeHome { home in
            let asJSON = try await home.run("build", "--no-such-flag", "--json")
            #expect(asJSON.exitCode == 2)
            let error = try asJSON.json()["error"]
            #expect(error?.keys == ["code", "column", "file", "hint", "line", "message"])
            #expect(error?["code"] == "usage")
            #expect(asJSON.error == "")
            let forPeople = try await home.run("build", "--no-such-flag")
            #expect(forPeople.exitCode == 2)
            #expect(forPeople.output == "")
            #expect(forPeople.error.contains("--no-such-flag"))
            #expect(try await home.run("deploy", "--json").exitCode == 2)
            #expect(try await home.run("plan", "--format", "svgz", "--json").exitCode == 2)
            #expect(try await home.run("nonsense").exitCode == 2)
            #expect(try await home.run("deploy", ".", "--artifact", "sha256:00", "--project", "x", "--json").exitCode == 2)
        }
    }

    @Test func helpAndVersionGoToStandardOutput() async throws {
        try await withForgeHome { home in
            for arguments in [["--help"], ["build", "--help"], ["--version"], ["version"]] {
                let run = try await home.run(arguments)
                #expect(run.exitCode == 0)
                #expect(run.error == "")
                #expect(!run.output.isEmpty)
            }
            #expect(try await home.run("version", "--json").json().keys == ["platform", "version"])
        }
    }

    @Test func pipedProgressIsPlainLines() async throws {
        try await withForgeHome { home in
            let run = try await home.run("build", Self.nodeStatic)
            #expect(run.exitCode == 0)
            #expect(run.output == "")
            #expect(!run.error.utf8.contains(0x1B))
            let lines = run.error.replacing(/[0-9.]+ (ms|s)\b/, with: "T").replacing(/[0-9a-f]{64}|\b[0-9a-f]{12}\b/, with: "DIGEST")
            #expect(
                lines.hasPrefix(
                    "[source] done in T: node-static: 7 files, 2.7 kB\n[detect] done in T: Node.js\n[build] started\n[build] reason: first build\n"
                ))
            #expect(
                lines.contains(
                    "[build] rendered 2 pages\n[build] executed in T\n[artifact] done in T: DIGEST, 3 files, 1.0 kB\nBuilt node-static in T\n"
                ))
        }
    }

    @Test func progressAsJSONIsOneObjectALine() async throws {
        try await withForgeHome { home in
            let run = try await home.run("build", Self.nodeStatic, "--progress", "json")
            #expect(run.output == "")
            let events = try run.events()
            #expect(events.allSatisfy { $0["type"]?.text != nil && $0["time"]?.number != nil })
            let started = events.filter { $0["type"] == "span.started" }.compactMap { $0["kind"]?.text }
            #expect(started == ["source", "detect", "step", "artifact"])
            let finished = events.filter { $0["type"] == "span.finished" }.compactMap { $0["outcome"]?.text }
            #expect(finished == ["done", "done", "executed", "done"])
            #expect(events.last?["type"] == "summary")
        }
    }

    @Test func quietProgressSaysNothingWhenAllIsWell() async throws {
        try await withForgeHome { home in
            let run = try await home.run("build", Self.nodeStatic, "--progress", "quiet")
            #expect(run == ForgeRun(exitCode: 0, output: "", error: ""))
        }
    }
}
