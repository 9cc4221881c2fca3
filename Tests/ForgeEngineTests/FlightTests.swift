@testable import ForgeEngine
import ForgeModel
import ForgeStore
import ForgeSystem
import Synchronization
import Testing

/// One execution at a time, and no more at once than the machine can bear.
@Suite struct FlightTests {
    private let steps: [Step] = [.named("a"), .named("b", needs: ["a"])]

    @Test func twoBuildsThatWantOneActionRunItOnce() async throws {
        let workshop = try await EngineWorkshop()
        let runs = Mutex(0)
        workshop.on("a") { _, store in
            runs.withLock { $0 += 1 }
            return try await .files(["a.out": "a"], in: store)
        }
        async let one = workshop.build(steps)
        async let other = workshop.build(steps)
        let outcomes = try await [one, other]
        #expect(try outcomes[0].report.root == outcomes[1].report.root)
        #expect(runs.withLock { $0 } == 1)
        #expect(try outcomes.flatMap { try $0.told }.filter { $0.hasSuffix("cached") }.count == 2)
        #expect(try Files.list(workshop.store.flights) == [])
    }

    @Test func whoWaitedForAFailureRunsTheStepItself() async throws {
        let workshop = try await EngineWorkshop()
        let runs = Mutex(0)
        workshop.on("a") { _, store in
            let number = runs.withLock { runs in
                runs += 1
                return runs
            }
            return number == 1 ? .failed : try await .files(["a.out": "a"], in: store)
        }
        async let one = workshop.build([.named("a")])
        async let other = workshop.build([.named("a")])
        let outcomes = try await [one, other]
        #expect(outcomes.compactMap(\.error).map(\.code) == ["step.failed"])
        #expect(runs.withLock { $0 } == 2)
    }

    @Test func aStepWhoseOutputIsAsBeforeInvalidatesNoneThatNeedIt() async throws {
        let workshop = try await EngineWorkshop()
        workshop.on("a") { _, store in try await .files(["a.out": "always the same"], in: store) }
        let chain: [Step] = [.named("a", inputs: ["a.txt"]), .named("b", needs: ["a"], inputs: ["b.txt"])]
        _ = try await workshop.build(chain, source: ["a.txt": "1", "b.txt": "1"])
        let second = try await workshop.build(chain, source: ["a.txt": "2", "b.txt": "1"])
        #expect(try second.told == ["a executed: a.txt changed", "b cached"])
    }

    @Test func aChangedPresetIsNamedWithItsCommand() async throws {
        let old = Action(
            command: ["make"], environment: [:], workingDirectory: .root, inputRoot: Digest(of: ""), outputPaths: [], platform: [:])
        let new = Action(
            command: ["make", "all"], environment: [:], workingDirectory: .root, inputRoot: Digest(of: ""), outputPaths: [], platform: [:])
        let workshop = try await EngineWorkshop()
        func preset(_ text: String) -> PresetReference { PresetReference(id: "vite", name: "Vite", digest: Digest(of: text)) }
        let explanation = MissExplanation(trees: workshop.store.trees, lockfile: nil)
        let last = Execution(scope: "p", step: "build", action: old, preset: preset("1"))
        let told = try await explanation.reasons(last, Execution(scope: "p", step: "build", action: new, preset: preset("2")))
        #expect(told.map(\.description) == ["command changed by preset vite"])
        let same = try await explanation.reasons(last, Execution(scope: "p", step: "build", action: new, preset: preset("1")))
        #expect(same.map(\.description) == ["command changed (make → make all)"])
    }

    @Test func ofASecretOnlyTheNameIsTold() {
        func action(_ environment: [String: String]) -> Action {
            Action(
                command: ["make"], environment: environment, workingDirectory: .root, inputRoot: Digest(of: ""), outputPaths: [],
                platform: [:])
        }
        let reasons = CacheMissReason.between(
            action(["KEY": "sealed:aa", "GONE": "sealed:cc", "MODE": "production"]),
            and: action(["KEY": "sealed:bb", "FRESH": "sealed:dd", "MODE": "staging"]), preset: nil)
        #expect(reasons.map(\.description) == ["env FRESH is new", "env GONE is gone", "env KEY changed", "env MODE production → staging"])
    }

    @Test func noMoreStepsRunAtOnceThanThereAreCores() async throws {
        let slots = StepSlots(cores: 2, memory: 1 << 40)
        let (most, waited) = try await crowd(slots, memory: Array(repeating: 1, count: 12))
        #expect(most == 2)
        #expect(waited >= 1)
    }

    @Test func stepsThatTogetherWantMoreThanTheMemoryTakeTurns() async throws {
        let slots = StepSlots(cores: 8, memory: 100)
        #expect(try await crowd(slots, memory: [60, 60, 60, 60]).most == 1)
        #expect(try await crowd(slots, memory: [5000, 5000]).most == 1, "one that wants more than all runs alone")
    }

    @Test func aStepThatIsGivenUpWhileItWaitsLeavesItsPlaceToTheNext() async throws {
        let slots = StepSlots(cores: 1, memory: 100)
        let (entered, inside) = AsyncStream.makeStream(of: Void.self)
        let (release, letGo) = AsyncStream.makeStream(of: Void.self)
        let holder = Task {
            try await slots.run(.standard, waiting: {}) {
                inside.yield()
                for await _ in release { break }
            }
        }
        for await _ in entered { break }
        let (queued, waiting) = AsyncStream.makeStream(of: Void.self)
        let givenUp = Task { try await slots.run(.standard, waiting: { waiting.yield() }) {} }
        for await _ in queued { break }
        givenUp.cancel()
        await #expect(throws: CancellationError.self) { try await givenUp.value }
        letGo.yield()
        try await holder.value
        try await slots.run(.standard, waiting: { Issue.record("the place is free") }) {}
    }

    /// How many were inside at most, and how many had to wait.
    private func crowd(_ slots: StepSlots, memory: [Int64]) async throws -> (most: Int, waited: Int) {
        let crowd = Crowd()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for bytes in memory {
                var limits = Step.Limits.standard
                limits.memoryBytes = bytes
                group.addTask { [limits] in
                    try await slots.run(limits, waiting: { crowd.state.withLock { $0.waited += 1 } }) { await crowd.stay() }
                }
            }
            try await group.waitForAll()
        }
        return crowd.state.withLock { ($0.most, $0.waited) }
    }

    private final class Crowd: Sendable {
        let state = Mutex((now: 0, most: 0, waited: 0))

        func stay() async {
            state.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            for _ in 0..<50 { await Task.yield() }
            state.withLock { $0.now -= 1 }
        }
    }
}
