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
        try Self.checkOutputs(of: plan.steps)
        self.byID = byID
        self.steps = try Self.ordered(plan.steps)
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

    private static func checkOutputs(of steps: [Step]) throws {
        for (index, step) in steps.enumerated() {
            for output in step.outputs {
                for other in steps[(index + 1)...] {
                    for clash in other.outputs where clash.isWithin(output) || output.isWithin(clash) {
                        throw ForgeError(
                            .plan, "plan.shared-output", "steps `\(step.id)` and `\(other.id)` both make `\(clash)`",
                            hint: "outputs of different steps must not overlap")
                    }
                }
            }
        }
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
