package import ForgeModel

/// A plan's steps as a validated DAG: ids unique, needs known, acyclic, outputs disjoint.
package struct StepGraph: Sendable {
    /// In an order in which every step comes after all it needs; otherwise the plan's own order.
    package let steps: [Step]
    private let byID: [String: Step]

    /// - Throws: `ForgeError` (`plan.…`) naming the steps at fault.
    package init(validating plan: BuildPlan) throws {
        var byID: [String: Step] = [:]
        for step in plan.steps {
            guard byID.updateValue(step, forKey: step.id) == nil else {
                throw ForgeError(.plan, "plan.duplicate-step", "two steps are named `\(step.id)`", hint: "give each step an id of its own")
            }
        }
        for step in plan.steps {
            for need in step.needs where byID[need] == nil {
                throw ForgeError(
                    .plan, "plan.unknown-need", "step `\(step.id)` needs `\(need)`, which is not in the plan",
                    hint: "steps of this plan: \(plan.steps.map { "`\($0.id)`" }.joined(separator: ", "))")
            }
        }
        for step in plan.steps {
            for path in step.outputs + step.caches where !path.isWithin(step.directory ?? .root) {
                throw ForgeError(
                    .plan, "plan.output-elsewhere",
                    "`\(path)` of step `\(step.id)` lies outside of `\(step.directory ?? .root)`, where it runs",
                    hint: "let it write below its own folder")
            }
        }
        self.byID = byID
        self.steps = try Self.ordered(plan.steps)
        try checkOutputs(leavesOut: Set(plan.artifact.leavesOut))
    }

    /// All that `step` builds upon, directly or not, in build order.
    package func ancestors(of step: Step) -> [Step] {
        var found: Set<String> = []
        var open = step.needs
        while let id = open.popLast() {
            if found.insert(id).inserted { open += byID[id]?.needs ?? [] }
        }
        return steps.filter { found.contains($0.id) }
    }

    /// Outputs are disjoint, but for those of two steps of which one serves the build alone and the other the artifact alone:
    /// no step and no artifact ever sees both.
    private func checkOutputs(leavesOut: Set<String>) throws {
        for (index, step) in steps.enumerated() {
            for other in steps[(index + 1)...] where !areApart(step, other, leavesOut) {
                for (output, clash) in step.outputs.flatMap({ output in other.outputs.map { (output, $0) } })
                where clash.isWithin(output) || output.isWithin(clash) {
                    throw ForgeError(
                        .plan, "plan.shared-output", "steps `\(step.id)` and `\(other.id)` both make `\(clash)`",
                        hint: "outputs of different steps must not overlap")
                }
            }
        }
    }

    private func areApart(_ one: Step, _ other: Step, _ leavesOut: Set<String>) -> Bool {
        guard leavesOut.contains(one.id) != leavesOut.contains(other.id) else { return false }
        let kept = leavesOut.contains(one.id) ? other.id : one.id
        return !steps.contains { $0.needs.contains(kept) } && !ancestors(of: one).contains { $0.id == other.id }
            && !ancestors(of: other).contains { $0.id == one.id }
    }

    private static func ordered(_ steps: [Step]) throws -> [Step] {
        var rest = steps
        var done: [Step] = []
        var known: Set<String> = []
        while !rest.isEmpty {
            let ready = rest.filter { known.isSuperset(of: $0.needs) }
            guard !ready.isEmpty else {
                throw ForgeError(
                    .plan, "plan.cycle", "steps need each other in a circle: \(rest.map { "`\($0.id)`" }.joined(separator: ", "))",
                    hint: "remove one of their `needs`")
            }
            done += ready
            known.formUnion(ready.map(\.id))
            rest.removeAll { known.contains($0.id) }
        }
        return done
    }
}
