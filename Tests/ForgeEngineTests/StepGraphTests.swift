import ForgeEngine
import ForgeModel
import Testing

/// A plan's steps are a DAG, or are refused with the names of those at fault.
@Suite struct StepGraphTests {
    private func graph(_ steps: [Step]) throws -> StepGraph {
        let digest = Digest(of: "preset")
        return try StepGraph(
            validating: BuildPlan(
                preset: PresetReference(id: "test", name: "Test", digest: digest), root: .root, steps: steps,
                artifact: ArtifactSpec(kind: .static, output: .root, launch: nil, routes: []), toolchains: [:], warnings: []))
    }

    private func refusal(_ steps: [Step]) throws -> ForgeError? {
        do {
            _ = try graph(steps)
            return nil
        } catch let error as ForgeError { return error }
    }

    @Test func stepsComeAfterAllTheyNeedAndElseInThePlansOrder() throws {
        let graph = try graph([
            .named("pack", needs: ["style", "script"]), .named("style", needs: ["install"]), .named("script"), .named("install"),
        ])
        #expect(graph.steps.map(\.id) == ["script", "install", "style", "pack"])
        #expect(graph.ancestors(of: graph.steps[3]).map(\.id) == ["script", "install", "style"])
        #expect(graph.ancestors(of: graph.steps[0]).map(\.id) == [])
    }

    @Test func aPlanWithoutStepsIsFine() throws { #expect(try graph([]).steps.isEmpty) }

    @Test func twoStepsOfOneNameAreRefused() throws {
        #expect(try refusal([.named("a"), .named("a", outputs: ["b"])])?.message == "two steps are named `a`")
    }

    @Test func aNeedThatIsNotInThePlanIsRefused() throws {
        let error = try refusal([.named("a", needs: ["b"])])
        #expect(error?.code == "plan.unknown-need")
        #expect(error?.message == "step `a` needs `b`, which is not in the plan")
        #expect(error?.hint == "steps of this plan: `a`")
    }

    @Test func stepsThatNeedEachOtherInACircleAreRefused() throws {
        let error = try refusal([.named("x"), .named("a", needs: ["c"]), .named("b", needs: ["a"]), .named("c", needs: ["b"])])
        #expect(error?.code == "plan.cycle")
        #expect(error?.message == "steps need each other in a circle: `a`, `b`, `c`")
        #expect(try refusal([.named("a", needs: ["a"])])?.code == "plan.cycle")
    }

    @Test(arguments: [("dist", "dist"), ("dist", "dist/assets"), ("dist/assets", "dist")])
    func stepsWhoseOutputsOverlapAreRefused(first: String, second: String) throws {
        let error = try refusal([.named("a", outputs: [first]), .named("b", outputs: [second])])
        #expect(error?.code == "plan.shared-output")
        #expect(error?.message == "steps `a` and `b` both make `\(second)`")
    }

    @Test func namesThatOnlyBeginAlikeDoNotOverlap() throws {
        #expect(try graph([.named("a", outputs: ["dist"]), .named("b", outputs: ["dist-old"])]).steps.count == 2)
    }
}
