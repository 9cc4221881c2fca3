import ForgeEngine
import ForgeModel
import ForgeStore
import Synchronization
import Testing

/// Steps that reach registries: what they are told, what they keep, why they run again.
@Suite struct InstallTests {
    private func install(_ lockfile: String = "package-lock.json") throws -> Step {
        .named(
            "install", inputs: ["package.json", lockfile], outputs: ["node_modules"], caches: [".cache/npm"], network: .registries,
            registries: .init(manager: "npm", origins: [], lockfile: try RelativePath(parsing: lockfile)))
    }

    private let source = ["package.json": "{}", "package-lock.json": "1", "src.js": "x"]

    @Test func aChangedLockfileIsTheReasonWhateverElseChanged() async throws {
        let workshop = try await EngineWorkshop()
        _ = try await workshop.build([try install()], source: source)
        let untouched = try await workshop.build([try install()], source: source.merging(["src.js": "y"]) { $1 })
        #expect(try untouched.told == ["install cached"])
        let lock = try await workshop.build(
            [try install()], source: source.merging(["package-lock.json": "2", "package.json": "{ }"]) { $1 })
        #expect(try lock.told == ["install executed: lockfile package-lock.json changed"])
        let manifest = try await workshop.build(
            [try install()], source: source.merging(["package.json": "[]", "package-lock.json": "2"]) { $1 })
        #expect(try manifest.told == ["install executed: package.json changed"])
    }

    @Test func theLockfileOfAnAppBelowTheRootIsNamedInFull() async throws {
        let workshop = try await EngineWorkshop()
        let nested = Dictionary(uniqueKeysWithValues: source.map { ("apps/web/\($0)", $1) })
        _ = try await workshop.build([try install()], source: nested, root: "apps/web")
        let changed = nested.merging(["apps/web/package-lock.json": "2"]) { $1 }
        #expect(
            try await workshop.build([try install()], source: changed, root: "apps/web").told == [
                "install executed: lockfile apps/web/package-lock.json changed"
            ])
    }

    @Test func onlyAStepThatReachesRegistriesIsGivenANetwork() async throws {
        let workshop = try await EngineWorkshop()
        let told = Mutex<[String]>([])
        for id in ["install", "build"] {
            workshop.on(id) { execution, store in
                told.withLock { $0.append("\(id): \(execution.network?.environment["REGISTRY_OF"] ?? "no network")") }
                return try await .files([execution.action.outputPaths[0].string: id], in: store)
            }
        }
        let first = try await workshop.build([try install(), .named("build", needs: ["install"])], source: source)
        #expect(told.withLock { $0 } == ["install: npm", "build: no network"])
        #expect(try first.told.count == 2)
    }

    @Test func whatAStepKeptIsThereWhenItRunsAgainAndNowhereElse() async throws {
        let workshop = try await EngineWorkshop()
        let seen = Mutex<[[String: String]]>([])
        workshop.onRun("install") { execution, store in
            let path = try RelativePath(parsing: ".cache/npm")
            seen.withLock { seen in seen.append((try? execution.caches[path].map { try store.texts($0) }) ?? [:]) }
            let lock = try store.texts(execution.action.inputRoot)["package-lock.json"] ?? ""
            let added = try await store.trees.ingest(MemorySource(["package-\(lock).tgz": lock]))
            return StepRun(outcome: try await .files(["node_modules/x": lock], in: store), durationMs: 1, caches: [path: added])
        }
        func build(_ lock: String, scope: String = "site", useCache: Bool = true) async throws -> [String] {
            let files = source.merging(["package-lock.json": lock]) { $1 }
            let outcome = try await workshop.build([try install()], source: files, scope: scope, useCache: useCache)
            #expect(try workshop.texts(outcome.report.root).keys.contains { $0.hasPrefix(".cache") } == false)
            return try outcome.told
        }
        _ = try await build("1")
        _ = try await build("2")
        _ = try await build("3")
        #expect(try await build("3") == ["install cached"], "what is kept is no part of a key")
        _ = try await build("4", scope: "another project")
        _ = try await build("5", useCache: false)
        #expect(
            seen.withLock { $0 } == [
                [:], ["package-1.tgz": "1"], ["package-1.tgz": "1", "package-2.tgz": "2"], [:], [:],
            ])
    }

    @Test func aFailedStepKeepsNothing() async throws {
        let workshop = try await EngineWorkshop()
        workshop.on("install") { _, _ in .failed }
        _ = try await workshop.build([try install()], source: source)
        #expect(try await workshop.store.toolCaches.list() == [])
    }

    @Test func aRefusedServerIsNamedWithTheLineThatAllowsIt() async throws {
        let workshop = try await EngineWorkshop()
        workshop.onRun("install") { _, _ in
            StepRun(
                outcome: .failed, durationMs: 1,
                egress: [
                    EgressRecord(
                        origin: try EgressOrigin(parsing: "https://evil.example:8443"), verdict: .refused,
                        reason: "not an allowed server", connections: 1),
                    EgressRecord(
                        origin: try EgressOrigin(parsing: "https://slow.example"), verdict: .failed, reason: "connection refused",
                        connections: 1),
                ])
        }
        let hint = try #require(try await workshop.build([try install()], source: source).error?.hint)
        #expect(
            hint.hasPrefix(
                "it wanted `https://evil.example:8443`, which it may not reach: set `FORGE_EGRESS_ALLOW=https://evil.example:8443` to allow it; "
                    + "`https://slow.example` could not be had (connection refused); full log: "))
    }

    @Test func anInstallThatLeavesNoWitnessHasFailedWhateverItsExitStatus() async throws {
        let workshop = try await EngineWorkshop()
        let witness = try RelativePath(parsing: "node_modules/.package-lock.json")
        let step = Step.named(
            "install", command: ["npm", "ci"], outputs: ["node_modules"], network: .registries,
            registries: .init(manager: "npm", origins: [], lockfile: nil, witnesses: [witness]))
        workshop.on("install") { _, store in try await .files(["node_modules/half/index.js": "x"], in: store) }
        let error = try #require(try await workshop.build([step]).error)
        #expect(error.code == "step.incomplete")
        #expect(
            error.message
                == "step `install` ended as if it had succeeded, but npm did not finish: it left no `node_modules/.package-lock.json`: `npm ci`"
        )
        workshop.on("install") { _, store in try await .files([witness.string: "{}"], in: store) }
        #expect(try await workshop.build([step]).told == ["install executed: first build"], "the failure was not recorded")
    }

    @Test func whatServesTheBuildAloneStaysOutOfTheArtifact() async throws {
        let workshop = try await EngineWorkshop()
        let steps: [Step] = [
            .named("install", outputs: ["node_modules"]), .named("production", outputs: ["node_modules"]),
            .named("build", needs: ["install"], outputs: ["dist"]),
        ]
        let outcome = try await workshop.build(steps, source: ["a.js": "a"], leavesOut: ["install"])
        #expect(try workshop.texts(outcome.report.root) == ["a.js": "a", "node_modules": "make production", "dist": "make build"])
    }

    @Test func whatIsGeneratedAmongInstalledPackagesLiesOverTheServersOwnInstallation() async throws {
        let workshop = try await EngineWorkshop()
        let client = "app/node_modules/.client/index"
        workshop.on("install") { _, store in
            try await .files(["node_modules/tool/index": "tool", "node_modules/.client/index": "of the install"], in: store)
        }
        workshop.on("production") { _, store in
            try await .files(["node_modules/lib/index": "lib", "node_modules/.client/index": "not generated"], in: store)
        }
        workshop.on("build") { execution, store in
            #expect(execution.action.outputFolder == .root)
            #expect(execution.action.amends == ["app/node_modules/.client", "app/node_modules/.deep/*/client"])
            return try await .files(["app/dist": "page", client: "of the build", "app/node_modules/.deep/a/client": "deep"], in: store)
        }
        var build = Step.named("build", needs: ["install"], outputs: ["dist"])
        build.amends = ["node_modules/.client", "node_modules/.deep/*/client"]
        let installs: [Step] = [.named("install", outputs: ["node_modules"]), .named("production", outputs: ["node_modules"])]
        let source = ["app/a.js": "a"]
        let outcome = try await workshop.build(
            installs + [build], source: source, root: "app", leavesOut: ["install"], keeps: build.amends)
        let lib = ["app/a.js": "a", "app/node_modules/lib/index": "lib"]
        #expect(
            try workshop.texts(outcome.report.root)
                == lib.merging(["app/dist": "page", client: "of the build", "app/node_modules/.deep/a/client": "deep"]) { $1 })
        let again = try await workshop.build(
            installs + [build], source: source, root: "app", leavesOut: ["install"], keeps: build.amends)
        #expect(try again.told == ["install cached", "production cached", "build cached"])
        #expect(try again.report.root == outcome.report.root)
        let unbuilt = try await workshop.build(installs, source: source, root: "app", leavesOut: ["install"], keeps: build.amends)
        #expect(try workshop.texts(unbuilt.report.root) == lib.merging([client: "of the install"]) { $1 })
    }

    @Test func twoStepsThatMakeTheSameAreRefusedWhereAThirdWouldSeeBoth() async throws {
        let workshop = try await EngineWorkshop()
        let install = Step.named("install", outputs: ["node_modules"])
        let chained: [Step] = [install, .named("production", needs: ["install"], outputs: ["node_modules"])]
        #expect(try await workshop.build(chained, leavesOut: ["install"]).error?.code == "plan.shared-output")
        let used: [Step] = [
            install, .named("production", outputs: ["node_modules"]), .named("build", needs: ["install", "production"]),
        ]
        #expect(try await workshop.build(used, leavesOut: ["install"]).error?.code == "plan.shared-output")
        let both: [Step] = [install, .named("production", outputs: ["node_modules"])]
        #expect(try await workshop.build(both).error?.code == "plan.shared-output")
    }
}
