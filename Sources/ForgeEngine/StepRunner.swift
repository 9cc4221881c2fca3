package import ForgeEgress
package import ForgeModel

/// Executes an action somewhere: in a sandbox of this machine, or on a Remote Execution cluster.
package protocol StepRunner: Sendable {
    /// For the build record: `crun 1.8.1`.
    func identity() async throws -> String

    /// Executes and stores the declared outputs. `output` gets what the command writes, as it writes.
    /// - Throws: `ForgeError` when the runner itself fails; a failing command is an outcome.
    func execute(_ execution: StepExecution, output: @escaping @Sendable ([UInt8]) -> Void) async throws -> StepRun
}

/// One action and what a runner needs beyond its key.
package struct StepExecution: Sendable {
    package let step: Step
    package let action: Action
    /// Merkle roots whose merge is the action's input root, the top first: a local runner mounts them one by one.
    package let layers: [Digest]
    /// What earlier executions left in the step's tool caches, by path below the workspace; no part of the key.
    package let caches: [RelativePath: Digest]
    /// For a step that reaches registries.
    package let network: StepNetwork?
    /// Variables whose values the action only has a tag of.
    package let values: [String: String]
    package let system: StepSystem
    package var toolchains: [MountedToolchain] = []

    package init(
        step: Step, action: Action, layers: [Digest], caches: [RelativePath: Digest] = [:], network: StepNetwork? = nil,
        values: [String: String] = [:], system: StepSystem = .host
    ) {
        self.step = step
        self.action = action
        self.layers = layers
        self.caches = caches
        self.network = network
        self.values = values
        self.system = system
    }
}

/// What an install step may reach, and how its tools are told. No part of a key: a mirror installs the same.
package struct StepNetwork: Sendable {
    package let policy: EgressPolicy
    /// Variables that name the registries to the package manager; a step's own variables win.
    package let environment: [String: String]
    /// Answers for the step's registries. Where there is one it keeps the downloads too, and knows each: tool caches do not.
    package let responder: (any EgressResponder)?

    package init(policy: EgressPolicy, environment: [String: String], responder: (any EgressResponder)? = nil) {
        self.policy = policy
        self.environment = environment
        self.responder = responder
    }
}

package struct StepRun: Sendable {
    package enum Outcome: Sendable {
        /// Merkle root of the declared outputs at their paths below the working directory, and the writes that were dropped.
        case succeeded(outputs: Digest, undeclared: [String])
        /// Why, as the end of the sentence "step `build` …", and a code.
        case failed(code: String, String, hint: String?)
    }

    package let outcome: Outcome
    package let durationMs: Int
    /// What a successful execution added to its tool caches, by path below the workspace.
    package let caches: [RelativePath: Digest]
    package let egress: [EgressRecord]
    package let packages: [PackageRecord]

    package init(
        outcome: Outcome, durationMs: Int, caches: [RelativePath: Digest] = [:], egress: [EgressRecord] = [], packages: [PackageRecord] = []
    ) {
        self.outcome = outcome
        self.durationMs = durationMs
        self.caches = caches
        self.egress = egress
        self.packages = packages
    }
}
