internal import ForgeEngine
internal import ForgeEvents
internal import ForgeModel
internal import ForgePlanning
internal import ForgePresets
internal import ForgeReleases
internal import ForgeSandbox
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// What `forge build` is asked for.
package struct BuildRequest: Sendable, Hashable {
    package var source: SourceRequest
    /// Folder that gets the artifact's files.
    package var output: String?
    /// Whether a folder with content may be replaced.
    package var replacesOutput: Bool
    /// File that gets the artifact as `tar.zst`.
    package var archive: String?
    package var useCache: Bool
    /// Where the artifact is to go, as far as that is said, and a file with variables for it that are not stored.
    package var destination = Destination()
    package var environmentFile: String?

    package init(source: SourceRequest, output: String? = nil, replacesOutput: Bool = false, archive: String? = nil, useCache: Bool = true)
    {
        self.source = source
        self.output = output
        self.replacesOutput = replacesOutput
        self.archive = archive
        self.useCache = useCache
    }
}

extension Pipeline {
    /// From a source to a stored artifact.
    /// - Throws: `ForgeError`; `CancellationError` when interrupted. Either way nothing half-made is left.
    package func build(_ request: BuildRequest) async throws -> BuildOutput {
        let started = ContinuousClock.now
        let built = try await buildArtifact(request, for: destination(of: request))
        let milliseconds = Milliseconds(Int((ContinuousClock.now - started) / .milliseconds(1)))
        var rows = [
            Summary.Row("artifact", built.output.artifact), Summary.Row("kind", built.output.kind.rawValue),
            Summary.Row("size", "\(Bytes(built.output.size)) in \(Count(built.artifact.fileCount, "file"))"),
        ]
        if let output = request.output { rows.append(.init("files", output)) }
        if let archive = request.archive { rows.append(.init("archive", archive)) }
        let next =
            [.static, .container].contains(built.artifact.manifest.kind)
            ? ["forge deploy \(Self.typed(request.source)) --project \(built.suggestedSlug)"] : []
        events.emit(.summary(Summary(headline: "Built \(built.title) in \(milliseconds)", rows: rows, next: next)))
        return built.output
    }

    struct Built: Sendable {
        let output: BuildOutput
        let artifact: Artifact
        let title: String
        let suggestedSlug: String
        let commit: String?
    }

    /// `planned` sees the plan before anything of it runs, and may refuse it.
    func buildArtifact(
        _ request: BuildRequest, for destination: Destination, planned: (BuildPlan) throws -> Void = { _ in }
    ) async throws -> Built {
        let (source, root) = try await snapshot(request.source, into: openStore())
        let origin = BuildRecord.Source(location: request.source.location, commit: source.commit, root: root)
        return try await buildArtifact(
            request, from: origin, titled: source.title, for: destination, remarks: source.warnings, planned: planned)
    }

    /// The same from a source that lies in the store; `remarks` on it were told already.
    func buildArtifact(
        _ request: BuildRequest, from source: BuildRecord.Source, titled title: String, for destination: Destination,
        remarks: [Diagnostic] = [], planned: (BuildPlan) throws -> Void
    ) async throws -> Built {
        // A build that is wholly cached opens no sandbox, which sweeps as well and tells what hinders it.
        try? await OCISandbox.sweep(directories.sandboxes)
        let store = try await openStore()
        let catalog = try await BlockingPool.run { [installation] in try Self.catalog(installation) }
        let variables = BuildVariables(
            destination, commit: source.commit, gatewayPort: try await gatewayPort(), vault: try await vault())
        let filled = variables.filled(into: try await plan(source.root, catalog, store))
        let plan = filled.plan
        try planned(plan)
        for warning in plan.warnings { events.emit(.warning(warning)) }
        let toolchains = try await identify(plan, catalog)
        let access = RegistryAccess(catalog: catalog, configuration: try operatorConfiguration(), environment: environment, events: events)
        let report = try await execute(
            filled, request: request, root: source.root, toolchains: toolchains.identities, access: access, store: store)
        let (artifact, findings) = try await spanned(events.newSpan(.artifact, "artifact")) {
            let made = try await ArtifactAssembler(store: store).assemble(
                plan, report: report, runtimes: toolchains.runtimes, interpreters: toolchains.files)
            return (made, "\(made.artifact.digest.short), \(Count(made.artifact.fileCount, "file")), \(Bytes(made.artifact.sizeBytes))")
        }
        let warnings = remarks + plan.warnings + findings + undeclared(in: report) + refused(in: report)
        for warning in warnings.dropFirst(remarks.count + plan.warnings.count) { events.emit(.warning(warning)) }
        let record = try await record(
            artifact, plan: filled, report: report, source: source, toolchains: toolchains.identities, warnings: warnings, store: store)
        try await export(artifact, request, store)
        let output = BuildOutput(artifact: artifact, preset: plan.preset.id, report: report, record: record, warnings: warnings)
        return Built(
            output: output, artifact: artifact, title: title, suggestedSlug: Self.slug(from: title), commit: source.commit)
    }

    /// Detection and planning read the stored tree, so they see what the steps will see.
    private func plan(_ root: Digest, _ catalog: PresetCatalog, _ store: Store) async throws -> BuildPlan {
        try await spanned(events.newSpan(.detect, "detect")) {
            let limits = try operatorConfiguration().limits
            let plan = try await BlockingPool.run { try Self.plan(store.trees.sourceTree(root), catalog, limits) }
            return (plan, plan.preset.name)
        }
    }

    struct IdentifiedToolchains: Sendable {
        /// Name → what it is on this machine, for keys and the record.
        var identities: [String: String] = [:]
        /// What the artifact needs where it runs.
        var runtimes: [Runtime] = []
        var files: Set<String> = []
    }

    private func identify(_ plan: BuildPlan, _ catalog: PresetCatalog) async throws -> IdentifiedToolchains {
        guard !plan.steps.isEmpty || !plan.artifact.runtimes.isEmpty else { return IdentifiedToolchains() }
        let executables = Dictionary(uniqueKeysWithValues: plan.toolchains.keys.map { ($0, catalog.toolchain($0)?.executables ?? [$0]) })
        let identities = try await HostToolchains(memoPath: directories.toolchainMemo).identify(executables)
        let (runtimes, files) = try HostToolchains.runtimes(plan.artifact.runtimes, executables: executables, identities: identities)
        return IdentifiedToolchains(identities: identities, runtimes: runtimes, files: files)
    }

    private func execute(
        _ filled: BuildVariables.Filled, request: BuildRequest, root: Digest, toolchains: [String: String], access: RegistryAccess,
        store: Store
    ) async throws -> BuildReport {
        let logs = try await BlockingPool.run { [directories] in try BuildLogs.begin(in: directories.logs) }
        let runner = LocalStepRunner(trees: store.trees) { [installation, directories] in
            try await OCISandbox.open(helper: installation.sandboxHelper, directory: directories.sandboxes)
        }
        let engine = BuildEngine(store: store, runner: runner, events: events)
        return try await engine.build(
            .init(
                plan: filled.plan, source: root, toolchains: toolchains, scope: Self.scope(request.source, filled.plan),
                useCache: request.useCache, logDirectory: logs, values: filled.values, network: { try await access.network(for: $0) }))
    }

    /// The project whose earlier builds a miss is explained against: the same place, the same app.
    private static func scope(_ source: SourceRequest, _ plan: BuildPlan) -> String {
        let path = (try? Files.resolved(source.location)) ?? nil
        return "\(path ?? source.location)#\(plan.root.string)"
    }

    private func undeclared(in report: BuildReport) -> [Diagnostic] {
        report.steps.filter { !$0.result.undeclaredWrites.isEmpty }.map { step in
            let shown = step.result.undeclaredWrites.prefix(3).map { "`\($0)`" }.joined(separator: ", ")
            let more = step.result.undeclaredWrites.count > 3 ? " and more" : ""
            return Diagnostic("step `\(step.step.id)` wrote \(shown)\(more), which it does not declare: dropped")
        }
    }

    /// A step that succeeded all the same: an install script that called somewhere, most often.
    private func refused(in report: BuildReport) -> [Diagnostic] {
        report.steps.flatMap { step in
            step.result.egress.filter { $0.verdict == .refused }.compactMap(\.origin).prefix(3).map { origin in
                Diagnostic(
                    "step `\(step.step.id)` wanted `\(origin)`, which it may not reach: refused",
                    hint: "if it needs that, set `FORGE_EGRESS_ALLOW=\(origin)`")
            }
        }
    }

    private func record(
        _ artifact: Artifact, plan filled: BuildVariables.Filled, report: BuildReport, source: BuildRecord.Source,
        toolchains: [String: String],
        warnings: [Diagnostic], store: Store
    ) async throws -> Digest {
        let planDigest = try await store.content.write(CanonicalJSON.encode(filled.plan))
        let steps = report.steps.map {
            BuildRecord.StepRecord(
                id: $0.step.id, action: $0.action, outcome: $0.outcome, reason: $0.reason?.description, durationMs: $0.durationMs,
                result: $0.result)
        }
        return try await store.artifacts.saveRecord(
            BuildRecord(
                artifact: artifact.digest, source: source, plan: planDigest, preset: filled.plan.preset, steps: steps,
                toolchains: toolchains,
                sandbox: report.sandbox ?? "none", warnings: warnings, binding: filled.binding,
                finishedAt: Int64(Date().timeIntervalSince1970),
                forgeVersion: ForgeVersion.current))
    }

    private func export(_ artifact: Artifact, _ request: BuildRequest, _ store: Store) async throws {
        guard request.output != nil || request.archive != nil else { return }
        try await spanned(events.newSpan(.export, "export")) {
            if let output = request.output {
                try await store.trees.export(artifact.manifest.root, to: output, replace: request.replacesOutput)
            }
            if let archive = request.archive { _ = try await store.trees.archive(artifact.manifest.root, to: archive) }
            return ((), [request.output, request.archive].compactMap(\.self).joined(separator: ", "))
        }
    }

    /// The source as a person would type it again.
    private static func typed(_ source: SourceRequest) -> String {
        let options = [("--commit", source.commit), ("--token-file", source.tokenFile)]
        let words = options.flatMap { name, value in value.map { [name, $0] } ?? [] }
        return ([source.location] + words).map(CommandText.quote).joined(separator: " ")
    }

    /// A valid project name made of a source's name, for the command a person types next.
    private static func slug(from title: String) -> String {
        let name = title.split(separator: " ").first.map(String.init) ?? "app"
        let letters = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let slug = String(letters).split(separator: "-").joined(separator: "-").prefix(40)
        return slug.isEmpty ? "app" : String(slug)
    }
}
