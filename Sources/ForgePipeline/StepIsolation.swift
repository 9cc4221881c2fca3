internal import ForgeModel
internal import ForgeOperator
internal import ForgeSandbox
internal import ForgeStore

/// What the steps of one build are isolated by: the sandbox, or, where that cannot be had and `--unsafe-local` was given, nothing.
struct StepIsolation: Sendable {
    /// Opened when the first step has to run.
    let sandbox: @Sendable () async throws -> any Sandbox
    /// For the build's record, whatever ran and whatever was cached.
    let mark: String?
    let warnings: [Diagnostic]
    /// Results of steps without isolation are read by such builds only.
    let trust: Trust?

    /// - Throws: what the sandbox lacks, as soon as a step has to run; at once only for what is not about the sandbox.
    static func find(for request: BuildRequest, in pipeline: Pipeline) async throws -> StepIsolation {
        let word = try pipeline.operatorConfiguration().sandbox
        let (helper, directory) = (pipeline.installation.sandboxHelper, pipeline.directories.sandboxes)
        let open: @Sendable () async throws -> any Sandbox = { [isUnsafeLocal = request.isUnsafeLocal] in
            // What would only show when a step runs has to show now.
            try await OCISandbox.open(
                helper: helper, directory: directory, runtime: word.runtime, groupsAreOptional: word.cgroupsAreOptional,
                verifiesAnew: isUnsafeLocal)
        }
        guard request.isUnsafeLocal else { return StepIsolation(sandbox: open, mark: nil, warnings: [], trust: nil) }
        do {
            let sandbox = try await open()
            return StepIsolation(sandbox: { sandbox }, mark: nil, warnings: [], trust: nil)
        } catch let error as ForgeError where error.code.hasPrefix("sandbox.") {
            return StepIsolation(
                sandbox: { UnsafeLocalSandbox(helper: helper, directory: directory) }, mark: UnsafeLocalSandbox.identity,
                warnings: [
                    Diagnostic(
                        "built without isolation (`--unsafe-local`): \(error.message)",
                        hint: "the steps could do what you can; production refuses the artifact unless asked with the same flag")
                ], trust: .untrusted(scope: "unsafe-local"))
        }
    }
}

extension Pipeline {
    /// One build of it with isolation is enough: the digest says that it gave the same.
    /// - Throws: `ForgeError` `artifact.unsafe`
    func refuseUnsafe(_ artifact: Artifact, in store: Store) async throws {
        let records = try await store.artifacts.records(of: artifact.digest)
        guard !records.isEmpty, records.allSatisfy({ $0.sandbox == UnsafeLocalSandbox.identity }) else { return }
        throw ForgeError(
            .deploy, "artifact.unsafe",
            "artifact `\(artifact.digest.short)` was built without isolation, and production does not take such",
            hint: "build it where `forge doctor` says that builds can run, or ask for it: `--unsafe-local`")
    }
}
