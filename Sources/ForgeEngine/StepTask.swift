internal import ForgeEvents
internal import ForgeModel
internal import ForgePatterns
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

    /// What a step may leave in its tool caches or as scratch is neither output nor surprise, nor are programs that it links.
    private func isExpected(_ written: String) -> Bool {
        let programs = step.registries?.programs ?? []
        if programs.contains(where: { request.plan.root.appending($0).string == written }) { return true }
        let path = written.hasSuffix("/") ? String(written.dropLast()) : written
        let parts = path.split(separator: "/").map(String.init)
        let isScratch = request.plan.belowSource(step.scratch ?? []).compactMap { try? Glob($0) }.contains { glob in
            (1...max(1, parts.count)).contains { glob.matches(Array(parts.prefix($0))) }
        }
        if isScratch { return true }
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
        let patterns = request.plan.belowSource(step.inputs)
        let hidden = (step.excludes ?? []).map { request.plan.root.appending($0) }
        let visible =
            patterns.isEmpty && hidden.isEmpty ? source : try await trees.select(source, including: patterns, excluding: hidden)
        let inputRoot = try await trees.merge([visible] + dependencies)
        let action = action(inputRoot: inputRoot)
        let encoded = try ActionCodec.encode(action)
        let lookUp = try await lookUp(encoded.digest)
        if case .hit(let result) = lookUp { return try await taken(result, action, encoded.digest) }
        let reasons = try await reasons(lookUp, action)
        guard request.useCache else { return try await execute(action, encoded, visible, reasons) }
        let flight = try await ActionFlight.begin(encoded.digest, in: engine.store) {
            tell("another build is running this step: waiting for it")
        }
        do {
            let report: BuildReport.StepReport
            // Whoever had the turn before may have left its result.
            if case .hit(let result) = try await self.lookUp(encoded.digest) {
                report = try await taken(result, action, encoded.digest)
            } else {
                report = try await execute(action, encoded, visible, reasons)
            }
            await flight.end()
            return report
        } catch {
            await flight.end()
            throw error
        }
    }

    private func taken(_ result: ActionResult, _ action: Action, _ digest: Digest) async throws -> BuildReport.StepReport {
        try await engine.store.actions.remember(execution(of: action), trust: recordTrust)
        return try await report(action, digest, .cached, reasons: [], result)
    }

    private func execute(
        _ action: Action, _ encoded: (action: [UInt8], command: [UInt8], digest: Digest), _ visible: Digest, _ reasons: [CacheMissReason]
    ) async throws -> BuildReport.StepReport {
        let (step, request) = (step, request)
        engine.events.emit(.reason(span: span.id, reasons.first?.description ?? ""))
        // The top layer first: what was built last covers what it was built from.
        let layers = Array(dependencies.reversed()) + [visible]
        let network = step.network == .registries ? try await request.network(step, dependencies) : nil
        async let system = request.system.open()
        // Downloads that its registries' responder does not see, it cannot tell of.
        let kept = network?.responder == nil ? try await keptCaches() : [:]
        var execution = StepExecution(
            step: step, action: action, layers: layers, caches: kept.mapValues(\.root), network: network,
            values: request.values[step.id] ?? [:], system: try await system)
        execution.toolchains = request.mounts
        let fresh = try await engine.slots.run(step.limits) {
            tell("waiting for a free core")
        } _: { [execution] in
            try await run(execution, kept)
        }
        _ = try await engine.store.content.write(encoded.command)
        _ = try await engine.store.content.write(encoded.action)
        try await engine.store.actions.record(fresh, for: encoded.digest, execution: self.execution(of: action), trust: recordTrust)
        return try await report(action, encoded.digest, .executed, reasons: reasons, fresh, caches: kept)
    }

    private func tell(_ text: String) { engine.events.emit(.progress(span: span.id, text)) }

    private func report(
        _ action: Action, _ digest: Digest, _ outcome: StepOutcome, reasons: [CacheMissReason], _ result: ActionResult,
        caches: [RelativePath: ToolCacheEntry] = [:]
    ) async throws -> BuildReport.StepReport {
        .init(
            step: step, action: digest, outcome: outcome, reasons: reasons, durationMs: outcome == .cached ? 0 : result.durationMs,
            result: result, outputs: try await engine.store.trees.nest(result.outputs, at: action.outputFolder),
            platform: action.platform, caches: caches,
            lockfile: caches.isEmpty ? nil : try await locked())
    }

    private func execution(of action: Action) -> Execution {
        Execution(scope: request.scope, step: step.id, action: action, preset: request.plan.preset)
    }

    private func action(inputRoot: Digest) -> Action {
        var platform = ["platform": Platform.current.description, "network": step.network.rawValue]
        for (name, identity) in request.toolchains { platform["toolchain \(name)"] = identity }
        platform.merge(request.system.identity) { $1 }
        var environment = SandboxWorld.environment
        if let usual = environment["PATH"] { environment["PATH"] = request.mounts.searchPath(before: usual) }
        var action = Action(
            command: step.command, environment: environment.merging(step.environment) { _, own in own },
            workingDirectory: directory, inputRoot: inputRoot, outputPaths: step.outputs.map(step.local), platform: platform)
        action.amends = step.amends.map(request.plan.belowSource)
        return action
    }

    /// Where it runs, below the source's root.
    private var directory: RelativePath { request.plan.root.appending(step.directory ?? .root) }

    /// Results are found by what they follow from, whatever the project: what a stranger made must not be another project's stranger's.
    private var recordTrust: Trust {
        switch request.trust {
        case .trusted: .trusted
        case .untrusted(let scope): .untrusted(scope: "\(scope) of \(request.scope)")
        }
    }

    private enum LookUp {
        case hit(ActionResult)
        case blobMissing, miss
    }

    /// A recorded result whose blobs are all here, if there is one.
    private func lookUp(_ action: Digest) async throws -> LookUp {
        guard request.useCache, let result = try await engine.store.actions.result(for: action, trust: recordTrust) else { return .miss }
        return try await engine.store.trees.acquire(result.outputs) ? .hit(result) : .blobMissing
    }

    private func reasons(_ lookUp: LookUp, _ action: Action) async throws -> [CacheMissReason] {
        guard request.useCache else { return [.cacheNotUsed] }
        if case .blobMissing = lookUp { return [.blobMissing] }
        guard let last = try await engine.store.actions.lastExecution(scope: request.scope, step: step.id, trust: recordTrust) else {
            return [.firstBuild]
        }
        let explanation = MissExplanation(trees: engine.store.trees, lockfile: lockfile)
        return try await explanation.reasons(last, execution(of: action))
    }

    /// Below the source's root.
    private var lockfile: RelativePath? { step.registries?.lockfile.map { request.plan.root.appending($0) } }

    private func run(_ execution: StepExecution, _ kept: [RelativePath: ToolCacheEntry]) async throws -> ActionResult {
        let log = try StepLog(logFile)
        let events = engine.events
        let id = span.id
        // While the step runs; before its outputs count. What it stood on must be what was stored.
        async let audit: Void = engine.store.trees.audit(execution.layers + execution.toolchains.map(\.tree))
        let secrets = StepSecrets(request.secrets[step.id] ?? [], for: step)
        let output = secrets.output { bytes in
            log.append(bytes)
            events.emit(.output(span: id, bytes))
        }
        defer { output.finish() }
        let run = try await engine.runner.execute(execution) { output.write($0) }
        output.finish()
        try await audit
        switch run.outcome {
        case .failed(let code, let why, let hint):
            throw ForgeError(
                .build, code, "step `\(step.id)` \(why): `\(step.commandLine)`",
                hint: ([hint, await advice(code)] + refusals(in: run) + ["full log: \(logFile)"]).compactMap(\.self).joined(separator: "; ")
            )
        case .succeeded(let outputs, let undeclared):
            try await checkWitnesses(outputs, run)
            try await checkLeaks(outputs, secrets)
            // A tool cache is no result: it is given up without a word.
            for (path, added) in run.caches where try await secrets.leak(in: added, of: engine.store.trees) == nil {
                try await engine.store.toolCaches.add(added, over: kept[path]?.root, to: try await cacheKey(path))
            }
            let logDigest = try await log.store(in: engine.store.content)
            return ActionResult(
                outputs: outputs, log: logDigest, durationMs: run.durationMs,
                undeclaredWrites: undeclared.filter { !isExpected($0) }.map(secrets.masked),
                egress: run.egress, packages: run.packages.isEmpty ? nil : run.packages)
        }
    }

    private func checkLeaks(_ outputs: Digest, _ secrets: StepSecrets) async throws {
        guard let leak = try await secrets.leak(in: outputs, of: engine.store.trees) else { return }
        throw ForgeError(
            .build, "secret.in-output",
            "step `\(step.id)` wrote the value of `\(leak.name)` into `\(secrets.masked(leak.file.string))`: nothing of what it made was kept",
            hint:
                "keep it out of what is built; if everybody may know it, write `publishes = [\"\(leak.name)\"]` under `[build]` in crowdforge.toml"
        )
    }

    /// Of a command that failed by itself.
    private func advice(_ code: String) async -> String? {
        guard ["step.failed", "step.no-command"].contains(code) else { return nil }
        let bytes = try? await BlockingPool.run { [logFile] in try Files.read(logFile, limit: Self.readLog) }
        return await request.advice(String(decoding: bytes ?? [], as: UTF8.self))
    }

    /// How much of a log is looked through for what was missing first.
    private static let readLog = 8 << 20

    /// npm, for one, can lose its connections and end with 0.
    private func checkWitnesses(_ outputs: Digest, _ run: StepRun) async throws {
        guard let registries = step.registries, let first = registries.witnesses.first else { return }
        let tree = engine.store.trees.sourceTree(outputs)
        let found = try await BlockingPool.run { [step] in try registries.witnesses.contains { try tree.node(at: step.local($0)) != nil } }
        guard !found else { return }
        throw ForgeError(
            .build, "step.incomplete",
            "step `\(step.id)` ended as if it had succeeded, but \(registries.manager) did not finish: it left no `\(first)`: `\(step.commandLine)`",
            hint: (refusals(in: run) + ["full log: \(logFile)"]).joined(separator: "; "))
    }

    private func keptCaches() async throws -> [RelativePath: ToolCacheEntry] {
        guard request.useCache else { return [:] }
        var kept: [RelativePath: ToolCacheEntry] = [:]
        for cache in step.caches {
            let path = request.plan.root.appending(cache)
            kept[path] = try await engine.store.toolCaches.load(try await cacheKey(path))
        }
        return kept
    }

    private func cacheKey(_ path: RelativePath) async throws -> ToolCacheKey {
        ToolCacheKey(project: request.scope, trust: request.trust, path: path, lockfile: try await locked())
    }

    /// By its hash alone, as the index of tool caches has it.
    private func locked() async throws -> Digest? {
        let digest = try await BlockingPool.run { [source, engine, request] in
            try request.lockfile.flatMap { try engine.store.trees.sourceTree(source).knownDigest(of: $0) }
        }
        return try digest.map { try Digest(hex: $0.hex, sizeBytes: 0) }
    }

    /// What a failed step wanted from the network and did not get, with what to do about it.
    private func refusals(in run: StepRun) -> [String] {
        let refused = run.egress.filter(\.couldBeAllowed).compactMap(\.origin)
        let failed = run.egress.first { $0.verdict == .failed }
        return refused.prefix(3).map { "it wanted `\($0)`, which it may not reach: set `FORGE_EGRESS_ALLOW=\($0)` to allow it" }
            + (failed.map { ["`\($0.origin?.description ?? "a registry")` could not be had" + ($0.reason.map { " (\($0))" } ?? "")] } ?? [])
    }
}

extension Step {
    /// As a person would type it.
    package var commandLine: String { CommandText.typed(command) }
}
