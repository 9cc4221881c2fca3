package import ForgeEvents
package import ForgeModel
package import ForgeStore
internal import ForgeSystem

/// Turns a plan and a source tree into stored outputs: every step is looked up by its action's digest and executed only on a miss.
package struct BuildEngine: Sendable {
    package struct Request: Sendable {
        package let plan: BuildPlan
        /// Merkle root of the whole source tree.
        package let source: Digest
        /// Toolchain name → what it is on this machine (`20.20.2 sha256:…`); part of every key.
        package let toolchains: [String: String]
        /// Those of them that lie in the store.
        package var mounts: [MountedToolchain] = []
        /// Names the project whose last run a miss is explained against; never part of a key.
        package let scope: String
        package let useCache: Bool
        /// Where `<step>.log` files go.
        package let logDirectory: String
        /// Step id → variables whose values take the place of what the plan says of them: these are in no key and in no record.
        package let values: [String: [String: String]]
        /// Step id → what of the place it is given, to be hidden in all that it says.
        package let secrets: [String: [Secret]]
        /// Whose word the source is.
        package let trust: Trust
        /// What the steps run in: for their keys, and the trees behind it, which are asked for once a step has to run.
        package var system = BuildSystem.host
        /// Asked when a step has failed: what its log says about the way out.
        package var advice: @Sendable (_ log: String) async -> String? = { _ in nil }
        /// Asked for each step that reaches registries, once it is known that it has to run.
        package let network: @Sendable (Step, [Digest]) async throws -> StepNetwork

        package init(
            plan: BuildPlan, source: Digest, toolchains: [String: String], scope: String, useCache: Bool, logDirectory: String,
            values: [String: [String: String]] = [:], secrets: [String: [Secret]] = [:],
            network: @escaping @Sendable (Step, [Digest]) async throws -> StepNetwork,
            trust: Trust = .trusted
        ) {
            self.trust = trust
            self.plan = plan
            self.source = source
            self.toolchains = toolchains
            self.scope = scope
            self.useCache = useCache
            self.logDirectory = logDirectory
            self.values = values
            self.secrets = secrets
            self.network = network
        }

        /// The file that fixes what the plan installs, below the source's root; tool caches are kept for each of its states.
        var lockfile: RelativePath? { plan.steps.lazy.compactMap { $0.registries?.lockfile }.first.map { plan.root.appending($0) } }
    }

    let store: Store
    let runner: any StepRunner
    let events: EventHub
    let slots: StepSlots

    package init(store: Store, runner: any StepRunner, events: EventHub, slots: StepSlots = StepSlots()) {
        self.store = store
        self.runner = runner
        self.events = events
        self.slots = slots
    }

    /// Runs the plan's DAG; steps that do not need each other run at the same time.
    /// - Throws: `ForgeError` of the first step that failed, after the others have been stopped; `CancellationError`.
    package func build(_ request: Request) async throws -> BuildReport { try await build([request])[0] }

    /// Runs several plans of one source as one DAG: what stands in more than one of them under the same id runs once.
    /// - Returns: a report for each plan, in their order.
    /// - Throws: as for one; `plan.same-step` when an id does not mean the same step everywhere.
    package func build(_ requests: [Request]) async throws -> [BuildReport] {
        var parts: [Part] = []
        for request in requests {
            let outputs = request.plan.steps.flatMap(\.outputs).map { request.plan.root.appending($0) }
            let source = try await store.trees.select(request.source, including: [], excluding: outputs)
            parts.append(Part(request: request, graph: try StepGraph(validating: request.plan), source: source))
        }
        let done = try await run(parts)
        var reports: [BuildReport] = []
        for part in parts { reports.append(try await report(part, done)) }
        return reports
    }

    /// One plan of a build.
    private struct Part {
        let request: Request
        let graph: StepGraph
        /// Without any step's outputs.
        let source: Digest
    }

    private func run(_ parts: [Part]) async throws -> [String: BuildReport.StepReport] {
        var steps: [(step: Step, part: Part)] = []
        for part in parts {
            for step in part.graph.steps {
                guard let same = steps.first(where: { $0.step.id == step.id }) else {
                    steps.append((step, part))
                    continue
                }
                guard same.step == step, same.part.request.plan.root == part.request.plan.root,
                    same.part.request.system.identity == part.request.system.identity
                else { throw Self.differs(step) }
            }
        }
        let spans = Dictionary(uniqueKeysWithValues: steps.map { ($0.step.id, events.newSpan(.step, $0.step.id)) })
        if !steps.isEmpty { events.emit(.planned(steps.compactMap { spans[$0.step.id] })) }
        return try await withThrowingTaskGroup(of: BuildReport.StepReport.self) { group in
            var waiting = steps
            var done: [String: BuildReport.StepReport] = [:]
            func startReady() {
                for (step, part) in waiting where step.needs.allSatisfy({ done[$0] != nil }) {
                    let inputs = part.graph.ancestors(of: step).compactMap { done[$0.id]?.outputs }
                    let run = StepTask(
                        engine: self, request: part.request, step: step, span: spans[step.id]!, source: part.source, dependencies: inputs)
                    group.addTask { try await run.result() }
                }
                waiting.removeAll { $0.step.needs.allSatisfy { done[$0] != nil } }
            }
            startReady()
            while let report = try await group.next() {
                done[report.step.id] = report
                startReady()
            }
            return done
        }
    }

    private func report(_ part: Part, _ done: [String: BuildReport.StepReport]) async throws -> BuildReport {
        let records = part.graph.steps.compactMap { done[$0.id] }
        let plan = part.request.plan
        // Later steps' outputs lie over earlier ones and over the source.
        let kept = records.filter { !plan.artifact.leavesOut.contains($0.step.id) }
        let generated = try await generated(records, plan)
        let root = try await store.trees.merge([part.source] + kept.map(\.outputs) + generated)
        return BuildReport(
            steps: records, root: root, sandbox: records.contains { $0.outcome == .executed } ? try await runner.identity() : nil)
    }

    /// What stands apart from the outputs of the step that made it, and goes into the artifact all the same.
    private func generated(_ records: [BuildReport.StepReport], _ plan: BuildPlan) async throws -> [Digest] {
        guard let keeps = plan.artifact.keeps else { return [] }
        var generated: [Digest] = []
        for record in records where record.step.amends != nil || plan.artifact.leavesOut.contains(record.step.id) {
            generated.append(try await store.trees.select(record.outputs, including: plan.belowSource(keeps), excluding: []))
        }
        return generated
    }

    private static func differs(_ step: Step) -> ForgeError {
        ForgeError(
            .plan, "plan.same-step", "several apps have a step `\(step.id)`, and it is not the same in all of them",
            hint: "build them one by one, with `--app`")
    }
}

/// What a build did.
package struct BuildReport: Sendable {
    package struct StepReport: Sendable {
        package let step: Step
        package let action: Digest
        package let outcome: StepOutcome
        /// Why it was executed, the first thing a person would look for at the front; empty when it was not.
        package let reasons: [CacheMissReason]
        package let durationMs: Int
        package let result: ActionResult
        /// The result's outputs at their paths below the source root.
        package let outputs: Digest
        /// What it runs with, as it stands in the key.
        package let platform: [String: String]
        /// What it found in its tool caches.
        package let caches: [RelativePath: ToolCacheEntry]
        /// The digest of the file its tool caches are kept for.
        package let lockfile: Digest?

        package var reason: CacheMissReason? { reasons.first }
    }

    /// In build order.
    package let steps: [StepReport]
    /// Merkle root of the source (without what steps declare as outputs) and all outputs over it but those the artifact leaves out.
    package let root: Digest
    /// What executed the steps; nil when all were cached.
    package let sandbox: String?
}
