import ForgeEngine
import ForgeModel
import ForgeStore
import Synchronization
import Testing

/// What is executed, what is taken from the cache, and the reason that is told.
@Suite struct CachingTests {
    private let steps: [Step] = [.named("a"), .named("b", needs: ["a"])]

    @Test func aSecondBuildExecutesNothing() async throws {
        let workshop = try await EngineWorkshop()
        let first = try await workshop.build(steps)
        #expect(try first.told == ["a executed: first build", "b executed: first build"])
        #expect(try first.report.sandbox == "script 1.0")
        let second = try await workshop.build(steps)
        #expect(try second.told == ["a cached", "b cached"])
        #expect(second.course == ["start a", "cached a", "start b", "cached b"])
        #expect(try second.report.root == first.report.root)
        #expect(try second.report.sandbox == nil)
        #expect(try second.report.steps.map(\.durationMs) == [0, 0])
    }

    @Test func whatHadSucceededBeforeAFailureIsTakenFromTheCache() async throws {
        let workshop = try await EngineWorkshop()
        workshop.on("b") { _, _ in .failed }
        #expect(try await workshop.build(steps).error?.code == "step.failed")
        #expect(try await workshop.build(steps).course == ["start a", "cached a", "start b", "failed b"], "a failure is never recorded")
        workshop.on("b") { _, store in try await .files(["b.out": "b"], in: store) }
        #expect(try await workshop.build(steps).told == ["a cached", "b executed: first build"])
    }

    @Test func aLostBlobIsAMissAndMadeAnew() async throws {
        let workshop = try await EngineWorkshop()
        let first = try await workshop.build(steps)
        try await workshop.lose("make a")
        let second = try await workshop.build(steps)
        #expect(try second.told == ["a executed: blob missing", "b cached"])
        #expect(try workshop.texts(second.report.root) == ["a.txt": "a", "a.out": "make a", "b.out": "make b"])
        #expect(try second.report.root == first.report.root)
    }

    @Test func buildingWithoutTheCacheExecutesEverythingAndRecordsIt() async throws {
        let workshop = try await EngineWorkshop()
        let first = try await workshop.build(steps, useCache: false)
        #expect(try first.told == ["a executed: cache not used (--no-cache)", "b executed: cache not used (--no-cache)"])
        #expect(try await workshop.build(steps).told == ["a cached", "b cached"])
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var step = Step.named("a")
        var source = ["a.txt": "a"]
        var toolchains = ["node": "20.1.0 sha256:aa"]
    }

    @Test(arguments: [
        Change(testDescription: "command changed (make a → make better)", step: .named("a", command: ["make", "better"])),
        Change(testDescription: "env MODE is new (fast)", step: .named("a", environment: ["MODE": "fast"])),
        Change(testDescription: "declared outputs changed", step: .named("a", outputs: ["other"])),
        Change(testDescription: "toolchain node 20.1.0 → 22.0.0", toolchains: ["node": "22.0.0 sha256:bb"]),
        Change(testDescription: "toolchain python is new", toolchains: ["node": "20.1.0 sha256:aa", "python": "3.11 sha256:cc"]),
        Change(testDescription: "toolchain node is gone", toolchains: [:]),
        Change(testDescription: "network none → registries", step: .named("a", network: .registries)),
        Change(testDescription: "a.txt changed", source: ["a.txt": "b"]),
        Change(testDescription: "a.txt, b/c.txt changed", source: ["b/c.txt": "c"]),
        Change(testDescription: "1, 2, 3 and more changed", source: ["a.txt": "a", "1": "", "2": "", "3": "", "4": ""]),
    ])
    func theReasonNamesWhatChanged(change: Change) async throws {
        let workshop = try await EngineWorkshop()
        _ = try await workshop.build([.named("a")], toolchains: ["node": "20.1.0 sha256:aa"])
        let outcome = try await workshop.build([change.step], source: change.source, toolchains: change.toolchains)
        #expect(outcome.reasons == [change.testDescription])
    }

    @Test func whatOnlyLimitsOrTitlesAStepIsNoPartOfItsKey() async throws {
        let workshop = try await EngineWorkshop()
        _ = try await workshop.build([.named("a")])
        var limits = Step.Limits.standard
        limits.timeoutSeconds = 7
        let plain = Step.named("a")
        let dressed = Step(
            id: "a", title: "Another title", needs: [], command: plain.command, environment: [:], inputs: [], outputs: plain.outputs,
            caches: [.root.appending(component: "cache")], network: .none, limits: limits)
        #expect(try await workshop.build([dressed]).told == ["a cached"])
    }

    @Test func anotherProjectSharesResultsButNotReasons() async throws {
        let workshop = try await EngineWorkshop()
        _ = try await workshop.build([.named("a")], scope: "one")
        #expect(try await workshop.build([.named("a")], scope: "two").told == ["a cached"])
        #expect(try await workshop.build([.named("a", command: ["x"])], scope: "three").told == ["a executed: first build"])
        #expect(try await workshop.build([.named("a", command: ["y"])], scope: "two").told == ["a executed: command changed (make a → y)"])
    }

    @Test func aStepThatDeclaresItsInputsIgnoresAllOthers() async throws {
        let workshop = try await EngineWorkshop()
        let step = Step.named("a", inputs: ["package.json", "src/**"])
        let source = ["package.json": "{}", "src/deep/x.js": "x", "README": "read me"]
        workshop.on("a") { execution, store in
            #expect(try store.texts(execution.action.inputRoot).keys.sorted() == ["package.json", "src/deep/x.js"])
            return try await .files(["a.out": "a"], in: store)
        }
        _ = try await workshop.build([step], source: source)
        #expect(try await workshop.build([step], source: source.merging(["README": "really"]) { $1 }).told == ["a cached"])
        #expect(
            try await workshop.build([step], source: source.merging(["src/deep/x.js": "y"]) { $1 }).told == [
                "a executed: src/deep/x.js changed"
            ])
    }

    @Test func outputsThatLieInTheSourceAreNotSeenAndDoNotCount() async throws {
        let workshop = try await EngineWorkshop()
        let step = Step.named("a", outputs: ["dist"])
        workshop.on("a") { execution, store in
            #expect(try store.texts(execution.action.inputRoot) == ["a.txt": "a"])
            return try await .files(["dist/index.html": "new"], in: store)
        }
        let first = try await workshop.build([step], source: ["a.txt": "a", "dist/old.html": "old"])
        #expect(try workshop.texts(first.report.root) == ["a.txt": "a", "dist/index.html": "new"])
        #expect(try await workshop.build([step], source: ["a.txt": "a"]).told == ["a cached"])
    }

    @Test func anAppBelowTheRootHasItsOutputsThere() async throws {
        let workshop = try await EngineWorkshop()
        let outcome = try await workshop.build([.named("a")], source: ["apps/web/x": "x", "y": "y"], root: "apps/web")
        #expect(try workshop.texts(outcome.report.root) == ["apps/web/x": "x", "apps/web/a.out": "make a", "y": "y"])
    }

    @Test func whatAStrangerMadeIsNoOtherProjectsStrangers() async throws {
        let workshop = try await EngineWorkshop()
        let stranger = Trust.untrusted(scope: "pr-7")
        #expect(try await workshop.build([.named("a")], scope: "one", trust: stranger).told == ["a executed: first build"])
        #expect(try await workshop.build([.named("a")], scope: "one", trust: stranger).told == ["a cached"])
        #expect(try await workshop.build([.named("a")], scope: "two", trust: stranger).told == ["a executed: first build"])
        #expect(try await workshop.build([.named("a")], scope: "one").told == ["a executed: first build"])
        #expect(try await workshop.build([.named("a")], scope: "three", trust: stranger).told == ["a cached"], "trusted results are read")
    }
}
