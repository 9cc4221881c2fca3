internal import ForgeEvents
internal import ForgeModel
internal import ForgeSandbox
internal import ForgeStore
internal import ForgeSystem

/// One step of one build: key, look-up, execution, record.
struct StepTask: Sendable {
    let engine: BuildEngine
    let request: BuildEngine.Request
    let step: Step
    let span: Span
    /// The source without any step's outputs.
    let source: Digest
    /// Outputs of all steps this one builds upon, in build order, at their paths below the workspace.
    let dependencies: [Digest]

    func result() async throws -> BuildReport.StepReport {
        engine.events.emit(.started(span))
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let report = try await lookUpOrExecute()
            let detail =
                report.result.undeclaredWrites.isEmpty ? nil : "dropped \(Count(report.result.undeclaredWrites.count, "undeclared write"))"
            let ended = Int((clock.now - start) / .milliseconds(1))
            let logPath = report.outcome == .executed ? logFile : nil
            finish(report.outcome == .cached ? .cached : .executed, ended, detail: detail, logPath: logPath)
            return report
        } catch {
            let ended = Int((clock.now - start) / .milliseconds(1))
            finish(error is CancellationError ? .cancelled : .failed, ended, detail: nil, logPath: Files.exists(logFile) ? logFile : nil)
            throw error
        }
    }

    /// What a step may leave in its tool caches is neither output nor surprise.
    private func isCache(_ written: String) -> Bool {
        let path = written.hasSuffix("/") ? String(written.dropLast()) : written
        return step.caches.contains { cache in
            let full = request.plan.root.appending(cache).string
            return path == full || path.hasPrefix(full + "/") || full.hasPrefix(path + "/") && written.hasSuffix("/")
        }
    }

    private var logFile: String { "\(request.logDirectory)/\(step.id).log" }

    private func finish(_ outcome: SpanOutcome, _ durationMs: Int, detail: String?, logPath: String?) {
        engine.events.emit(.finished(span: span.id, outcome, durationMs: durationMs, detail: detail, logPath: logPath))
    }

    private func lookUpOrExecute() async throws -> BuildReport.StepReport {
        let trees = engine.store.trees
        let patterns = step.inputs.map { request.plan.root.isRoot ? $0 : "\(request.plan.root.string)/\($0)" }
        let visible = patterns.isEmpty ? source : try await trees.select(source, including: patterns, excluding: [])
        let inputRoot = try await trees.merge([visible] + dependencies)
        let action = action(inputRoot: inputRoot)
        let encoded = try ActionCodec.encode(action)
        let (hit, reason) = try await lookUp(action, digest: encoded.digest)
        if let hit {
            try await engine.store.actions.remember(execution(of: action))
            return try await report(encoded.digest, .cached, reason: nil, hit)
        }
        engine.events.emit(.reason(span: span.id, reason.description))
        // The top layer first: what was built last covers what it was built from.
        let layers = Array(dependencies.reversed()) + [visible]
        async let network = step.network == .registries ? request.network(step) : nil
        async let caches = keptCaches()
        let fresh = try await execute(
            StepExecution(
                step: step, action: action, layers: layers, caches: caches, network: network, values: request.values[step.id] ?? [:]))
        _ = try await engine.store.content.write(encoded.command)
        _ = try await engine.store.content.write(encoded.action)
        try await engine.store.actions.record(fresh, for: encoded.digest, execution: execution(of: action))
        return try await report(encoded.digest, .executed, reason: reason, fresh)
    }

    private func report(
        _ action: Digest, _ outcome: StepOutcome, reason: CacheMissReason?, _ result: ActionResult
    ) async throws -> BuildReport.StepReport {
        .init(
            step: step, action: action, outcome: outcome, reason: reason, durationMs: outcome == .cached ? 0 : result.durationMs,
            result: result, outputs: try await engine.store.trees.nest(result.outputs, at: request.plan.root))
    }

    private func execution(of action: Action) -> Execution { Execution(scope: request.scope, step: step.id, action: action) }

    private func action(inputRoot: Digest) -> Action {
        var platform = ["platform": Platform.current.description, "network": step.network.rawValue]
        for (name, identity) in request.toolchains { platform["toolchain \(name)"] = identity }
        return Action(
            command: step.command, environment: SandboxWorld.environment.merging(step.environment) { _, own in own },
            workingDirectory: request.plan.root, inputRoot: inputRoot, outputPaths: step.outputs, platform: platform)
    }

    /// A recorded result whose blobs are all here, or the reason why there is none.
    private func lookUp(_ action: Action, digest: Digest) async throws -> (ActionResult?, CacheMissReason) {
        guard request.useCache else { return (nil, .cacheNotUsed) }
        if let result = try await engine.store.actions.result(for: digest) {
            return try await engine.store.trees.acquire(result.outputs) ? (result, .notRecorded) : (nil, .blobMissing)
        }
        guard let last = try await engine.store.actions.lastExecution(scope: request.scope, step: step.id) else {
            return (nil, .firstBuild)
        }
        return (nil, try await difference(from: last, to: action))
    }

    private func difference(from last: Action, to action: Action) async throws -> CacheMissReason {
        let trees = engine.store.trees
        let lockfile = step.registries?.lockfile.map { request.plan.root.appending($0) }
        return try await CacheMissReason.between(last, and: action, lockfile: lockfile) {
            let found = try await trees.differences($0, $1, limit: lockfile == nil ? 3 : 64)
            return (found.paths, found.more)
        }
    }

    private func execute(_ execution: StepExecution) async throws -> ActionResult {
        let log = try StepLog(logFile)
        let events = engine.events
        let id = span.id
        let run = try await engine.runner.execute(execution) { bytes in
            log.append(bytes)
            events.emit(.output(span: id, bytes))
        }
        switch run.outcome {
        case .failed(let code, let why, let hint):
            throw ForgeError(
                .build, code, "step `\(step.id)` \(why): `\(step.commandLine)`",
                hint: ([hint] + refusals(in: run) + ["full log: \(logFile)"]).compactMap(\.self).joined(separator: "; "))
        case .succeeded(let outputs, let undeclared):
            try await checkWitnesses(outputs, run)
            for (path, added) in run.caches { try await engine.store.toolCaches.add(added, scope: request.scope, at: path) }
            let logDigest = try await log.store(in: engine.store.content)
            return ActionResult(
                outputs: outputs, log: logDigest, durationMs: run.durationMs, undeclaredWrites: undeclared.filter { !isCache($0) },
                egress: run.egress)
        }
    }

    /// npm, for one, can lose its connections and end with 0.
    private func checkWitnesses(_ outputs: Digest, _ run: StepRun) async throws {
        guard let registries = step.registries, let first = registries.witnesses.first else { return }
        let tree = engine.store.trees.sourceTree(outputs)
        let found = try await BlockingPool.run { try registries.witnesses.contains { try tree.node(at: $0) != nil } }
        guard !found else { return }
        throw ForgeError(
            .build, "step.incomplete",
            "step `\(step.id)` ended as if it had succeeded, but \(registries.manager) did not finish: it left no `\(first)`: `\(step.commandLine)`",
            hint: (refusals(in: run) + ["full log: \(logFile)"]).joined(separator: "; "))
    }

    private func keptCaches() async throws -> [RelativePath: Digest] {
        guard request.useCache else { return [:] }
        var kept: [RelativePath: Digest] = [:]
        for cache in step.caches {
            let path = request.plan.root.appending(cache)
            kept[path] = try await engine.store.toolCaches.load(scope: request.scope, at: path)
        }
        return kept
    }

    /// What a failed step wanted from the network and did not get, with what to do about it.
    private func refusals(in run: StepRun) -> [String] {
        let refused = run.egress.filter { $0.verdict == .refused }.compactMap(\.origin)
        let failed = run.egress.first { $0.verdict == .failed }
        return refused.prefix(3).map { "it wanted `\($0)`, which it may not reach: set `FORGE_EGRESS_ALLOW=\($0)` to allow it" }
            + (failed.map { ["`\($0.origin?.description ?? "a registry")` could not be had" + ($0.reason.map { " (\($0))" } ?? "")] } ?? [])
    }
}

extension Step {
    /// As a person would type it.
    package var commandLine: String { CommandText.typed(command) }
}
