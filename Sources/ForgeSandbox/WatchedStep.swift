internal import ForgeModel
internal import ForgeSystem

/// Where one step runs, and what of the machine is lent to it meanwhile.
struct StepPlace: Sendable {
    let home: TemporaryDirectory
    let range: IDRange

    /// Gives all of it back once `body` is over, however it ends; after a failure `failed` goes first.
    func lend<Value: Sendable>(to body: () async throws -> Value, failed: () async -> Void = {}) async throws -> Value {
        do {
            let value = try await body()
            try await BlockingPool.run { try home.remove() }
            withExtendedLifetime(range) {}
            return value
        } catch {
            await failed()
            try? await BlockingPool.run { try home.remove() }
            throw error
        }
    }
}

/// A step that has run: how long, and what was said by and about it.
struct WatchedStep: Sendable {
    let report: SandboxReport
    let said: StepOutput
    let duration: Duration

    /// Hands on what the step writes, kills it past its limits of time and log or when the task is cancelled, and waits for its end.
    /// - Parameters:
    ///   - arrivals: gets what the helper sends meanwhile; finished with it.
    static func untilItsEnd(
        _ helper: SandboxHelper, _ limits: Step.Limits, since started: ContinuousClock.Instant,
        to output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        arrivals: AsyncStream<SandboxReport.Arrival>.Continuation? = nil
    ) async throws -> WatchedStep {
        let lifeline = helper.lifeline
        async let report = BlockingPool.run {
            defer { arrivals?.finish() }
            return try SandboxReport.read(from: helper.report) { arrivals?.yield($0) }
        }
        async let drained = BlockingPool.run { try pump(helper, through: StepOutput(limits), to: output) }
        let timer = Task {
            try await Task.sleep(for: .seconds(limits.timeoutSeconds))
            lifeline.cut(.exceeded(.time))
        }
        defer { timer.cancel() }
        _ = try await withTaskCancellationHandler {
            try await helper.child.wait()
        } onCancel: {
            lifeline.cut(.cancelled)
        }
        let said = try await drained
        let duration = ContinuousClock.now - started
        return WatchedStep(report: try await report, said: said, duration: duration)
    }

    /// Until the output's last writer is gone; past its limit the step is killed and the rest dropped.
    private static func pump(
        _ helper: SandboxHelper, through gate: StepOutput, to output: (UnsafeRawBufferPointer) -> Void
    ) throws -> StepOutput {
        var gate = gate
        try helper.pump { bytes in
            gate.take(bytes, output)
            if gate.isExceeded { helper.lifeline.cut(.exceeded(.log)) }
        }
        return gate
    }
}

extension ForgeError {
    static let lostStep = ForgeError(
        .build, "sandbox.lost", "the sandbox ended without telling how its step ended", hint: "run the build again")
}
