import ForgeEngine
import ForgeEvents
import ForgeModel
import Testing

/// Plans of one source, run as one DAG.
@Suite(.timeLimit(.minutes(1))) struct SeveralPlansTests {
    private let source = ["tools.json": "t", "apps/web/a.txt": "a", "apps/api/b.txt": "b"]
    private let install = Step.named("install", inputs: ["tools.json"], outputs: ["modules"])
    private let web = Step.named("web:build", in: "apps/web", needs: ["install"], excludes: ["apps/api"], outputs: ["apps/web/dist"])
    private let api = Step.named("api:build", in: "apps/api", needs: ["install"], excludes: ["apps/web"], outputs: ["apps/api/out"])

    private func started(_ events: [ForgeEvent.Payload]) -> [String] {
        events.compactMap { event in
            guard case .started(let span) = event else { return nil }
            return span.name
        }.sorted()
    }

    @Test func aStepOfTwoPlansRunsOnceAndEachPlanHasItsOwnTree() async throws {
        let workshop = try await EngineWorkshop()
        let (reports, events) = try await workshop.build(plans: [[install, web], [install, api]], source: source)
        #expect(started(events) == ["api:build", "install", "web:build"])
        #expect(reports.map { $0.steps.map(\.step.id) } == [["install", "web:build"], ["install", "api:build"]])
        #expect(
            try workshop.texts(reports[0].root)
                == source.merging(["modules": "make install", "apps/web/dist": "make web:build"]) { $1 })
        #expect(
            try workshop.texts(reports[1].root) == source.merging(["modules": "make install", "apps/api/out": "make api:build"]) { $1 })
    }

    @Test func aStepRunsInItsFolderAndSeesNothingOfWhatIsExcluded() async throws {
        let workshop = try await EngineWorkshop()
        workshop.on("web:build") { execution, store in
            #expect(execution.action.workingDirectory.string == "apps/web")
            #expect(execution.action.outputPaths.map(\.string) == ["dist"])
            #expect(try store.texts(execution.action.inputRoot).keys.sorted() == ["apps/web/a.txt", "modules", "tools.json"])
            return try await .files(["dist": "page"], in: store)
        }
        let (reports, _) = try await workshop.build(plans: [[install, web]], source: source)
        #expect(try workshop.texts(reports[0].root)["apps/web/dist"] == "page")
    }

    @Test func aChangeInOneAppRunsNothingOfAnother() async throws {
        let workshop = try await EngineWorkshop()
        _ = try await workshop.build(plans: [[install, web], [install, api]], source: source)
        let (reports, _) = try await workshop.build(
            plans: [[install, web], [install, api]], source: source.merging(["apps/api/b.txt": "changed"]) { $1 })
        #expect(reports.map { $0.steps.map(\.outcome) } == [[.cached, .cached], [.cached, .executed]])
        let (alone, _) = try await workshop.build(plans: [[install, web]], source: source)
        #expect(alone[0].steps.map(\.outcome) == [.cached, .cached])
    }

    @Test func anIdThatMeansTwoStepsIsRefused() async throws {
        let workshop = try await EngineWorkshop()
        let other = Step.named("install", command: ["make", "otherwise"], outputs: ["modules"])
        let error = await #expect(throws: ForgeError.self) {
            try await workshop.build(plans: [[install, web], [other, api]], source: source)
        }
        #expect(error?.code == "plan.same-step")
    }

    @Test func anOutputOutsideOfTheStepsFolderIsRefused() async throws {
        let workshop = try await EngineWorkshop()
        let astray = Step.named("web:build", in: "apps/web", outputs: ["dist"])
        let error = await #expect(throws: ForgeError.self) { try await workshop.build(plans: [[astray]], source: source) }
        #expect(error?.message == "`dist` of step `web:build` lies outside of `apps/web`, where it runs")
    }
}
