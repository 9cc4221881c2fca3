import ForgeEngine
import ForgeModel
import Synchronization
import Testing

/// Steps run as soon as they can, and no longer than they should.
@Suite(.timeLimit(.minutes(1))) struct SchedulingTests {
    @Test func stepsThatDoNotNeedEachOtherRunAtTheSameTime() async throws {
        let workshop = try await EngineWorkshop()
        let rendezvous = Rendezvous(of: 3)
        for id in ["a", "b", "c"] {
            workshop.on(id) { _, store in
                await rendezvous.arrive()
                return try await .files(["\(id).out": id], in: store)
            }
        }
        let outcome = try await workshop.build([.named("a"), .named("b"), .named("c")])
        #expect(try workshop.texts(outcome.report.root) == ["a.txt": "a", "a.out": "a", "b.out": "b", "c.out": "c"])
    }

    @Test func aStepWaitsForAllItNeedsAndSeesTheirOutputsTheLatestOnTop() async throws {
        let workshop = try await EngineWorkshop()
        let seen = Mutex<[[String]]>([])
        workshop.on("c") { execution, store in
            let layers = try execution.layers.map { try store.texts($0).keys.sorted().joined(separator: " ") }
            seen.withLock { $0.append(layers) }
            #expect(try store.texts(execution.action.inputRoot) == ["a.txt": "a", "a.out": "make a", "b.out": "make b"])
            return try await .files(["c.out": "c"], in: store)
        }
        let outcome = try await workshop.build([.named("c", needs: ["b"]), .named("b", needs: ["a"]), .named("a")])
        #expect(outcome.course == ["start a", "executed a", "start b", "executed b", "start c", "executed c"])
        #expect(seen.withLock { $0 } == [["b.out", "a.out", "a.txt"]])
    }

    @Test func aFailingStepStopsTheOthersAndNothingElseStarts() async throws {
        let workshop = try await EngineWorkshop()
        let rendezvous = Rendezvous(of: 2)
        workshop.on("fails") { _, _ in
            await rendezvous.arrive()
            return .failed
        }
        workshop.on("endless") { _, _ in
            await rendezvous.arrive()
            try await Task.sleep(for: .seconds(86400))
            return .failed
        }
        let outcome = try await workshop.build([.named("endless"), .named("fails"), .named("after", needs: ["fails"])])
        #expect(outcome.error?.code == "step.failed")
        #expect(outcome.error?.message == "step `fails` exited with code 1: `make fails`")
        #expect(outcome.course.sorted() == ["cancelled endless", "failed fails", "start endless", "start fails"])
    }

    @Test func aCancelledBuildStopsItsSteps() async throws {
        let workshop = try await EngineWorkshop()
        let rendezvous = Rendezvous(of: 2)
        workshop.on("endless") { _, _ in
            await rendezvous.arrive()
            try await Task.sleep(for: .seconds(86400))
            return .failed
        }
        let building = Task { try await workshop.build([.named("endless"), .named("after", needs: ["endless"])]) }
        await rendezvous.arrive()
        building.cancel()
        let outcome = try await building.value
        #expect(outcome.course == ["start endless", "cancelled endless"])
        #expect(throws: CancellationError.self) { try outcome.report }
    }

    @Test func aPlanWithoutStepsGivesTheSource() async throws {
        let workshop = try await EngineWorkshop()
        let outcome = try await workshop.build([], source: ["index.html": "hi"])
        #expect(try workshop.texts(outcome.report.root) == ["index.html": "hi"])
        #expect(try outcome.report.sandbox == nil)
    }
}
