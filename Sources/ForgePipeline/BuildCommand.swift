internal import ForgeEngine
internal import ForgeEvents
internal import ForgeGit
internal import ForgeModel
internal import ForgeOperator
internal import ForgePlanning
internal import ForgePresets
internal import ForgeReleases
internal import ForgeSandbox
package import ForgeSources
internal import ForgeStore
internal import ForgeSystem
internal import ForgeToolchains
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
    /// Whether the source is not to be trusted with what other builds read.
    package var isUntrusted = false
    /// Whether to go on without isolation where it cannot be had; the artifact is marked then.
    package var isUnsafeLocal = false
    /// Whether to refuse what `forge.lock` does not name as it is.
    package var isLocked = false
    /// Whether only what is in the store counts.
    package var isOffline = false
    /// Whether the output tells what each step is made of.
    package var isExplained = false

    /// A preview shows a change that nobody has accepted yet, whichever command builds it.
    func trust(for destination: Destination) -> Trust {
        if destination.environment == .preview { return .untrusted(scope: destination.preview.map { "pr-\($0)" } ?? "preview") }
        return isUntrusted ? .untrusted(scope: "untrusted") : .trusted
    }

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
    /// From a source to a stored artifact, or to one for each app of a workspace.
    /// - Throws: `ForgeError`; `CancellationError` when interrupted. Either way nothing half-made is left.
    package func build(_ request: BuildRequest) async throws -> BuildOutcome {
        let started = ContinuousClock.now
        let built = try await buildApps(request, for: destination(of: request)) { plans in
            if request.output != nil || request.archive != nil { try Self.checkOne(plans) }
        }
        let milliseconds = Milliseconds(Int((ContinuousClock.now - started) / .milliseconds(1)))
        events.emit(.summary(built.count == 1 ? summary(built[0], request, milliseconds) : summary(built, request, milliseconds)))
        return built.count == 1 ? .app(built[0].output) : .workspace(WorkspaceOutput(built.map { ($0.app, $0.output) }))
    }

    private func summary(_ built: Built, _ request: BuildRequest, _ time: Milliseconds) -> Summary {
        var rows = [
            Summary.Row("artifact", built.output.artifact), Summary.Row("kind", built.output.kind.rawValue),
            Summary.Row("size", "\(Bytes(built.output.size)) in \(Count(built.artifact.fileCount, "file"))"),
        ]
        if let output = request.output { rows.append(.init("files", output)) }
        if let archive = request.archive { rows.append(.init("archive", archive)) }
        let next =
            [.static, .container].contains(built.artifact.manifest.kind)
            ? ["forge deploy \(Self.typed(request.source)) --project \(built.suggestedSlug)"] : []
        return Summary(headline: "Built \(built.title) in \(time)", rows: rows, next: next)
    }

    private func summary(_ built: [Built], _ request: BuildRequest, _ time: Milliseconds) -> Summary {
        let rows = built.map { item in
            Summary.Row(item.app.name, "\(item.output.kind.rawValue) \(item.artifact.digest.short), \(Bytes(item.output.size))")
        }
        let next = built.prefix(1).map { item in
            "forge deploy \(Self.typed(request.source)) --app \(item.app.name) --project \(item.suggestedSlug)"
        }
        return Summary(headline: "Built \(Count(built.count, "app")) in \(time)", rows: rows, next: Array(next))
    }

    struct Built: Sendable {
        let app: AppPlan
        let output: BuildOutput
        let artifact: Artifact
        let title: String
        let suggestedSlug: String
        let commit: String?
    }

    /// One app. `planned` sees the plan before anything of it runs, and may refuse it.
    /// - Throws: `ForgeError` `app.several`
    func buildArtifact(
        _ request: BuildRequest, for destination: Destination, planned: (BuildPlan) throws -> Void = { _ in }
    ) async throws -> Built {
        try await buildApps(request, for: destination) { plans in
            try Self.checkOne(plans)
            for app in plans { try planned(app.plan) }
        }[0]
    }

    /// The same from a source that lies in the store.
    func buildArtifact(
        _ request: BuildRequest, from source: BuildRecord.Source, titled title: String, for destination: Destination,
        planned: (BuildPlan) throws -> Void
    ) async throws -> Built {
        let store = try await openStore()
        let tree = SourceRequest.Opened(tree: store.trees.sourceTree(source.root), commit: source.commit, title: title)
        return try await buildApps(request, from: source, tree, for: destination) { plans in
            try Self.checkOne(plans)
            for app in plans { try planned(app.plan) }
        }[0]
    }

    private func buildApps(
        _ request: BuildRequest, for destination: Destination, planned: ([AppPlan]) throws -> Void
    ) async throws -> [Built] {
        if request.isOffline, let remote = try request.source.remote() {
            throw ForgeError(
                .usage, "source.offline", "`\(remote.text)` lies on a server, and an offline build asks none",
                hint: "build a checkout of it")
        }
        // The source is looked at while the store is opened.
        async let opening = openStore()
        let glance = request.source.isWorkTree ? await WorkTreeGlance.take(at: request.source.location, in: directories.sources) : nil
        let store = try await opening
        func attempt(_ glance: WorkTreeGlance?) async throws -> [Built] {
            let (source, root) = try await snapshot(request.source, into: store, glance: glance)
            let origin = BuildRecord.Source(location: request.source.location, commit: source.commit, root: root)
            return try await buildApps(request, from: origin, source, for: destination, planned: planned)
        }
        do {
            let built = try await attempt(glance)
            if built.flatMap(\.output.steps).contains(where: { $0.outcome == .executed }) { await collectWhenOutgrown(store) }
            return built
        } catch let error as ForgeError where error.code == "store.missing-blob" {
            // Whoever met the damage has put it out of use, so now it is a miss.
            events.emit(.warning(Diagnostic("part of the store was damaged or gone: \(error.message)", hint: "it is made anew")))
            return try await attempt(nil)
        }
    }

    /// - Throws: `ForgeError` `app.several`, naming them
    private static func checkOne(_ plans: [AppPlan]) throws {
        guard plans.count > 1, let first = plans.first else { return }
        let names = plans.map { "`\($0.name)`" }.joined(separator: ", ")
        throw ForgeError(
            .usage, "app.several", "the source holds several apps: \(names)", hint: "choose one of them: `--app \(first.name)`")
    }

    /// Detection and planning read the stored tree, so they see what the steps will see.
    private func buildApps(
        _ request: BuildRequest, from source: BuildRecord.Source, _ opened: SourceRequest.Opened, for destination: Destination,
        planned: ([AppPlan]) throws -> Void
    ) async throws -> [Built] {
        // A build that is wholly cached opens no sandbox, which sweeps as well and tells what hinders it.
        try? await OCISandbox.sweep(directories.sandboxes)
        let ground = try await StepIsolation.find(for: request, in: self)
        for warning in ground.warnings { events.emit(.warning(warning)) }
        let packs = try await packs(of: opened.tree, request.isLocked ? .strictly : .locked, isOffline: request.isOffline)
        let build = AppBuild(
            pipeline: self, request: request, source: source, title: opened.title, remarks: opened.warnings + ground.warnings,
            trust: ground.trust ?? request.trust(for: destination), isolation: ground, store: try await openStore(), presets: presets,
            packs: packs.used)
        let stored = build.store.trees.sourceTree(source.root)
        let (plans, remember) = try await spanned(events.newSpan(.detect, "detect")) {
            let limits = try operatorConfiguration().limits
            let asked = [request.source.app ?? "", opened.folder?.string ?? ""] + packs.used.map(\.tree.description)
            let found = try await BlockingPool.run { [presets, directories] in
                let memo = PlanMemo(
                    folder: directories.plans, root: source.root, asked: asked, presets: try presets.folders(), limits: limits)
                return try memo.plans(of: stored) { tree in
                    let source = SourceRequest.Opened(tree: tree, commit: opened.commit, title: opened.title, folder: opened.folder)
                    return try Self.plans(source, request.source.app, presets.catalog(for: tree, packs), limits)
                }
            }
            let plans = found.plans
            return (found, plans.count == 1 ? plans[0].plan.preset.name : plans.map(\.name).joined(separator: ", "))
        }
        async let remembered: Void = BlockingPool.run(remember)
        try planned(plans)
        let variables = BuildVariables(
            destination, commit: source.commit, gatewayPort: try await gatewayPort(), vault: try await vault())
        let built = try await build.run(plans.map { ($0, variables.filled(into: $0.plan)) }, folder: opened.folder)
        await remembered
        return built
    }

    /// The source as a person would type it again.
    private static func typed(_ source: SourceRequest) -> String {
        let options = [("--commit", source.commit), ("--token-file", source.tokenFile), ("--app", source.app)]
        let words = options.flatMap { name, value in value.map { [name, $0] } ?? [] }
        return ([source.location] + words).map(CommandText.quote).joined(separator: " ")
    }
}
