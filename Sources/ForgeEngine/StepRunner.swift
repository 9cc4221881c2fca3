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

    package init(step: Step, action: Action, layers: [Digest]) {
        self.step = step
        self.action = action
        self.layers = layers
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

    package init(outcome: Outcome, durationMs: Int) {
        self.outcome = outcome
        self.durationMs = durationMs
    }
}
