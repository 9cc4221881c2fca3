internal import ForgeEngine
internal import ForgeEvents
internal import ForgeModel
internal import ForgeOperator
internal import ForgePlanning
internal import ForgePresets
internal import ForgeRegistry
internal import ForgeSandbox
internal import ForgeSources
internal import ForgeStore
internal import ForgeSystem
internal import ForgeToolchains
internal import Foundation

/// One build of one source: the steps of all its plans as one DAG, then an artifact and a record for each app.
struct AppBuild: Sendable {
    let pipeline: Pipeline
    let request: BuildRequest
    let source: BuildRecord.Source
    let title: String
    /// On the source; they were told already.
    let remarks: [Diagnostic]
    let trust: Trust
    let isolation: StepIsolation
    let store: Store
    let presets: PresetShelf
    /// Packs of presets that the plan was made with.
    let packs: [LockedPack]

    typealias Planned = (app: AppPlan, filled: BuildVariables.Filled)

    private var events: EventHub { pipeline.events }

    /// - Parameter folder: the one that was asked for, where the source is the workspace around it.
    func run(_ plans: [Planned], folder: RelativePath?) async throws -> [Pipeline.Built] {
        for warning in distinct(plans.flatMap(\.filled.plan.warnings)) { events.emit(.warning(warning)) }
        let kitchen = Kitchen(pipeline, store, isolation)
        let lock = try await BlockingPool.run { [store, source] in try BuildLock.read(from: store.trees.sourceTree(source.root)) }
        let systems = SystemSource(
            pipeline: pipeline, store: store, trust: trust, useCache: request.useCache, isOffline: request.isOffline, kitchen: kitchen,
            scope: scope(of: folder), lock: lock)
        try await pipeline.checkImages(of: plans.map(\.filled.plan), trust: trust, isOffline: request.isOffline)
        let (toolchains, findings) = try await identify(plans, systems)
        for warning in findings { events.emit(.warning(warning)) }
        let reports = try await execute(plans, toolchains, kitchen, scope: scope(of: folder))
        var built: [Pipeline.Built] = []
        var told = Set(remarks + plans.flatMap(\.filled.plan.warnings) + findings)
        for (index, planned) in plans.enumerated() {
            let isOne = plans.count == 1
            built.append(
                try await finish(
                    planned, reports[index], toolchains[index], findings, span: isOne ? "artifact" : planned.app.name,
                    &told))
        }
        return built
    }

    private func distinct(_ warnings: [Diagnostic]) -> [Diagnostic] {
        var seen: Set<Diagnostic> = []
        return warnings.filter { seen.insert($0).inserted }
    }

    private func finish(
        _ planned: Planned, _ report: BuildReport, _ toolchains: IdentifiedToolchains, _ known: [Diagnostic], span: String,
        _ told: inout Set<Diagnostic>
    ) async throws -> Pipeline.Built {
        let plan = planned.filled.plan
        let (artifact, findings) = try await pipeline.spanned(events.newSpan(.artifact, span)) {
            let made = try await ArtifactAssembler(store: store).assemble(
                plan, report: report, runtimes: toolchains.runtimes, interpreters: toolchains.files,
                system: toolchains.artifactSystem)
            let artifact = made.artifact
            try pipeline.operatorConfiguration().limits.artifact.check(artifact)
            return (
                (artifact, made.warnings), "\(artifact.digest.short), \(Count(artifact.fileCount, "file")), \(Bytes(artifact.sizeBytes))"
            )
        }
        let warnings = remarks + plan.warnings + known + findings + undeclared(in: report) + refused(in: report)
        for warning in warnings where told.insert(warning).inserted { events.emit(.warning(warning)) }
        let record = try await record(
            artifact, of: planned.app, plan: planned.filled, report: report, toolchains: toolchains, warnings: warnings)
        try await export(artifact)
        let output = BuildOutput(
            artifact: artifact, preset: plan.preset.id, report: report, record: record, warnings: warnings,
            isExplained: request.isExplained)
        return Pipeline.Built(
            app: planned.app, output: output, artifact: artifact, title: title,
            suggestedSlug: Self.slug(from: isApart(planned.app) ? planned.app.name : title), commit: source.commit)
    }

    /// Whether it is one of several, or could be.
    private func isApart(_ app: AppPlan) -> Bool { app.root != app.plan.root }

    /// How the toolchains of this build are had.
    private func toolchains(_ systems: SystemSource) async throws -> BuildToolchains {
        let tree = store.trees.sourceTree(source.root)
        let catalog = try await BlockingPool.run { [presets] in try presets.catalog() }
        // Without a sandbox there is no place to mount one at.
        let settings = isolation.mark == nil ? try pipeline.operatorConfiguration().toolchains : .hostOnly
        return BuildToolchains(
            pipeline: pipeline, catalog: catalog, store: store, settings: settings, source: tree, lock: systems.lock,
            isOffline: request.isOffline, image: { try await systems.root(of: $0) })
    }

    /// The toolchains of each plan; nothing has run when this throws.
    /// - Throws: `lock.missing`, `lock.drift`, and as `BuildToolchains.identify`
    private func identify(
        _ plans: [Planned], _ systems: SystemSource
    ) async throws -> (toolchains: [IdentifiedToolchains], warnings: [Diagnostic]) {
        let choice = try await toolchains(systems)
        var identified: [IdentifiedToolchains] = []
        for plan in plans.map(\.filled.plan) {
            let system = try await systems.system(for: plan)
            identified.append(
                system.isImage ? try await imageToolchains(plan, system, choice.catalog) : try await hostToolchains(plan, system, choice))
        }
        let used = try BuildLock.used(plans.map(\.filled.plan), identified, choice.catalog, packs)
        return (
            identified,
            distinct(identified.flatMap(\.warnings)) + (try BuildLock.check(used, against: systems.lock, isStrict: request.isLocked))
        )
    }

    private func hostToolchains(
        _ plan: BuildPlan, _ system: PlannedSystem, _ choice: BuildToolchains
    ) async throws -> IdentifiedToolchains {
        guard Self.runsAnything(plan) else { return IdentifiedToolchains() }
        var identified = try await choice.identify(plan)
        identified.system = system
        identified.artifactSystem = plan.artifact.kind == .static ? nil : try await system.artifact()
        return identified
    }

    /// The image's digest stands for all that is in it.
    private func imageToolchains(
        _ plan: BuildPlan, _ system: PlannedSystem, _ catalog: PresetCatalog
    ) async throws -> IdentifiedToolchains {
        guard Self.runsAnything(plan) else { return IdentifiedToolchains() }
        var identified = IdentifiedToolchains()
        identified.system = system
        identified.artifactSystem = plan.artifact.kind == .static ? nil : try await system.artifact()
        if let artifactSystem = identified.artifactSystem {
            let executables = Dictionary(
                uniqueKeysWithValues: try plan.toolchains.keys.map { ($0, try catalog.toolchain($0)?.executables ?? [$0]) })
            identified.files = try await ImageToolchains.files(
                plan.artifact.runtimes, executables: executables, in: artifactSystem, store, image: system.record.name)
        }
        return identified
    }

    private static func runsAnything(_ plan: BuildPlan) -> Bool {
        !plan.steps.isEmpty || !plan.artifact.runtimes.isEmpty || plan.artifact.kind == .container
    }

    /// Where steps are executed, and the folder of their logs.
    struct Kitchen: Sendable {
        let engine: BuildEngine
        let logs: String

        init(_ pipeline: Pipeline, _ store: Store, _ isolation: StepIsolation) {
            let directories = pipeline.directories
            logs = BuildLogs.next(in: directories.logs)
            let runner = LocalStepRunner(trees: store.trees) {
                try await BlockingPool.run { try BuildLogs.prune(directories.logs) }
                return try await isolation.sandbox()
            }
            engine = BuildEngine(store: store, runner: runner, events: pipeline.events)
        }
    }

    private func execute(
        _ plans: [Planned], _ toolchains: [IdentifiedToolchains], _ kitchen: Kitchen, scope: String
    ) async throws -> [BuildReport] {
        let configuration = try pipeline.operatorConfiguration()
        let access = RegistryAccess(
            presets: presets, configuration: configuration, environment: pipeline.environment,
            answering: .init(
                cache: RegistryCache(store: store, caBundle: configuration.caBundle), vault: try await pipeline.vault(),
                isOffline: request.isOffline)
        ) { [store] in try await store.trees.programFolders(toolchains.flatMap(\.mounts)) }
        // A stranger's downloads are his own project's alone.
        let registryScope = trust == .trusted ? "" : "\(trust.scope) of \(scope)"
        return try await kitchen.engine.build(
            zip(plans, toolchains).map { planned, toolchains in
                var request = BuildEngine.Request(
                    plan: planned.filled.plan, source: source.root, toolchains: toolchains.identities,
                    scope: "\(scope)#\(planned.filled.plan.root.string)", useCache: self.request.useCache, logDirectory: kitchen.logs,
                    values: planned.filled.values, secrets: planned.filled.secrets,
                    network: { step, dependencies in
                        try await access.network(
                            for: step, scope: registryScope, lockfile: lockfile(of: step, planned.filled.plan, dependencies))
                    },
                    trust: trust)
                if let system = toolchains.system { request.system = system.build }
                let present = planned.filled.plan.system?.packages ?? []
                request.advice = { await SystemAdvice(presets: pipeline.installation.presets, present: present).text(for: $0) }
                request.mounts = toolchains.mounts
                return request
            })
    }

    /// What the step's lockfile says of its packages: the project's own, or the one that an earlier step made.
    private func lockfile(of step: Step, _ plan: BuildPlan, _ dependencies: [Digest]) async throws -> LockedHashes? {
        guard let registries = step.registries else { return nil }
        return try await BlockingPool.run { [store, source, presets] in
            let made = try presets.catalog().packageManager(registries.manager)?.resolvedLockfile.map { try RelativePath(parsing: $0) }
            for path in [made, registries.lockfile].compactMap(\.self).map({ plan.root.appending($0) }) {
                for tree in dependencies.reversed() + [source.root] {
                    let bytes = try store.trees.sourceTree(tree).read(path, limit: 64 << 20)
                    if let hashes = bytes.flatMap({ LockedHashes(path.name, $0) }) { return hashes }
                }
            }
            return nil
        }
    }

    /// The project whose earlier builds a miss is explained against: the same place, whichever of its folders was asked for.
    private func scope(of folder: RelativePath?) -> String {
        let path = ((try? Files.resolved(request.source.location)) ?? nil) ?? request.source.location
        guard let folder, path.hasSuffix("/\(folder.string)") else { return path }
        return String(path.dropLast(folder.string.count + 1))
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
            let refused = step.result.egress.filter { $0.verdict == .refused }
            let unreached = refused.filter(\.couldBeAllowed).compactMap(\.origin).prefix(3).map { origin in
                Diagnostic(
                    "step `\(step.step.id)` wanted `\(origin)`, which it may not reach: refused",
                    hint: "if it needs that, set `FORGE_EGRESS_ALLOW=\(origin)`")
            }
            let misused = refused.filter { !$0.couldBeAllowed && $0.origin != nil && $0.reason != "offline" }.prefix(3).map { record in
                Diagnostic(
                    "step `\(step.step.id)` asked `\(record.origin?.description ?? "")` for what no install needs (\(record.reason ?? "")): refused",
                    hint: "look at the install scripts of its packages")
            }
            return unreached + misused
        }
    }

    private func record(
        _ artifact: Artifact, of app: AppPlan, plan filled: BuildVariables.Filled, report: BuildReport, toolchains: IdentifiedToolchains,
        warnings: [Diagnostic]
    ) async throws -> Digest {
        let origin = BuildRecord.Source(
            location: source.location, commit: source.commit, root: source.root, app: isApart(app) ? app.name : nil)
        let plan = try CanonicalJSON.encode(filled.plan)
        let record = BuildRecord(
            artifact: artifact.digest, source: origin, plan: Digest(of: plan), preset: filled.plan.preset,
            steps: report.steps.map(Self.record), toolchains: toolchains.identities,
            sandbox: isolation.mark ?? report.sandbox ?? "none", warnings: warnings,
            binding: filled.binding, finishedAt: Int64(Date().timeIntervalSince1970), forgeVersion: ForgeVersion.current,
            system: toolchains.system?.record)
        // A build that did nothing has nothing new to tell.
        if report.sandbox == nil, let (digest, last) = try await store.artifacts.newestRecord(of: artifact.digest),
            last.tellsTheSame(as: record)
        {
            return digest
        }
        _ = try await store.content.write(plan)
        return try await store.artifacts.saveRecord(record)
    }

    private static func record(_ step: BuildReport.StepReport) -> BuildRecord.StepRecord {
        let caches = step.caches.sorted { $0.key < $1.key }.map { path, entry in
            BuildRecord.CacheUse(
                path: path, root: entry.root, isExact: entry.key.lockfile == step.lockfile, isTrusted: entry.key.trust == .trusted)
        }
        return BuildRecord.StepRecord(
            id: step.step.id, action: step.action, outcome: step.outcome, reason: step.reason?.description,
            durationMs: step.durationMs, result: step.result, caches: caches)
    }

    private func export(_ artifact: Artifact) async throws {
        guard request.output != nil || request.archive != nil else { return }
        try await pipeline.spanned(events.newSpan(.export, "export")) {
            if let output = request.output {
                try await store.trees.export(artifact.manifest.root, to: output, replace: request.replacesOutput)
            }
            if let archive = request.archive { _ = try await store.trees.archive(artifact.manifest.root, to: archive) }
            return ((), [request.output, request.archive].compactMap(\.self).joined(separator: ", "))
        }
    }

    /// A valid project name made of a source's name, for the command a person types next.
    private static func slug(from title: String) -> String {
        let name = title.split(separator: " ").first.map(String.init) ?? "app"
        let letters = name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        let slug = String(letters).split(separator: "-").joined(separator: "-").prefix(40)
        return slug.isEmpty ? "app" : String(slug)
    }
}
