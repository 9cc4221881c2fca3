internal import ForgeControl
package import ForgeEvents
package import ForgeModel
package import ForgeStore
internal import ForgeSystem
internal import ForgeTargetProtocol

/// Deploys and rolls back. One road for both: a rollback releases an older artifact again, nothing is built.
package struct ReleaseService: Sendable {
    private let log: ReleaseLog
    private let catalog: TargetCatalog
    private let store: Store
    private let events: any EventSink
    private let settings: Settings

    package struct Settings: Sendable {
        /// The port of this machine's gateway, for URLs.
        package var gatewayPort: Int
        package var limits = TargetLimits()
        /// Where servers run; nil when none can.
        package var apps: AppHost?
        /// How long to wait for another deploy to the same place.
        package var turnLimit = Duration.seconds(60)
        /// Milliseconds since 1970.
        package var clock: @Sendable () -> Int64

        package init(gatewayPort: Int, clock: @escaping @Sendable () -> Int64 = { EventHub.wallClock() }) {
            self.gatewayPort = gatewayPort
            self.clock = clock
        }
    }

    package init(log: ReleaseLog, catalog: TargetCatalog, store: Store, events: any EventSink, settings: Settings) {
        self.log = log
        self.catalog = catalog
        self.store = store
        self.events = events
        self.settings = settings
    }

    /// What a deploy is given besides the artifact and the place.
    package struct DeployOptions: Sendable {
        /// The target's name; nil for the one of the artifact's kind.
        package var target: String?
        package var commit: String?
        /// What the project's owner set for the place.
        package var variables: [String: String] = [:]
        /// What `moment` gave when the deploy began; a rollback since then takes its place.
        package var since: Int64?

        package init(target: String? = nil) { self.target = target }
    }

    /// Now, for `DeployOptions.since`.
    package func moment() async throws -> Int64 { try await log.newestSequence() }

    /// Brings `artifact` to `place`. Whatever goes wrong, the release that was active stays so. An artifact that is already in
    /// place is left alone. `span` is the caller's, not yet started.
    /// - Throws: `ForgeError`; `CancellationError`
    package func deploy(
        _ artifact: Artifact, to place: ReleasePlace, options: DeployOptions = DeployOptions(), span: Span
    ) async throws -> ReleaseReport {
        try await spanned(span) {
            let target = try await catalog.target(named: options.target, for: artifact.manifest.kind)
            let lock = try await log.claim(place, limit: settings.turnLimit)
            defer { withExtendedLifetime(lock) {} }
            try await log.failPending(place)
            if let since = options.since, try await log.wasRolledBack(place, after: since) { throw ReleaseLog.superseded() }
            let active = try await log.list(place).first { $0.status == .active }
            let id = ReleaseID.make(now: settings.clock())
            let variables = try settings.apps.map { try SealedVariables(sealing: options.variables, of: id, in: $0.vault) }
            if let active, active.artifact == artifact.digest, active.target == target.name,
                artifact.manifest.kind == .static || active.variablesTag == variables?.tag ?? "", try await isServed(active)
            {
                return try await report(active, alreadyActive: true)
            }
            let draft = Draft(
                id: id, place: place, target: target, previous: active, origin: nil, commit: options.commit, variables: variables)
            return try await release(artifact, draft, span)
        }
    }

    /// Releases again what was active before the active release, or the release `id` (or the only one that begins with it), with
    /// the variables it had. A deploy to `place` that is under way is given up.
    /// - Throws: `ForgeError` `release.nothing-older`, `release.unknown`, `release.never-active`, `release.artifact-gone`,
    ///   `release.artifact-damaged`
    package func rollback(_ place: ReleasePlace, to id: String? = nil, span: Span) async throws -> ReleaseReport {
        try await spanned(span) {
            let goal = try ReleaseHistory(place: place, newestFirst: try await log.list(place)).goal(id)
            if goal.status == .active, try await isServed(goal) { return try await report(goal, alreadyActive: true) }
            // Before anything is disturbed.
            let artifact = try await whole(goal)
            try await log.failPending(place, "superseded by a rollback")
            let lock = try await log.claim(place, limit: settings.turnLimit)
            defer { withExtendedLifetime(lock) {} }
            try await log.failPending(place)
            return try await bringBack(goal, artifact, leaving: .rolledBack, span)
        }
    }

    /// Replaces the active release `id`, whose server crashed too often, by the one before it, or else marks it as failed.
    /// Returns what answers now; nil when nothing does, or `id` is not active any more.
    package func replaceFailed(_ id: String, at place: ReleasePlace, reason: String, span: Span) async throws -> ReleaseReport? {
        let lock = try await log.claim(place, limit: settings.turnLimit)
        defer { withExtendedLifetime(lock) {} }
        let history = ReleaseHistory(place: place, newestFirst: try await log.list(place))
        guard history.active?.id == id else { return nil }
        do {
            return try await spanned(span) {
                let goal = try history.goal(nil)
                return try await bringBack(goal, try await whole(goal), leaving: .failed(reason), span)
            }
        } catch {
            try await log.failActive(id, reason)
            throw error
        }
    }

    /// The artifact of `goal`, every byte of it looked at.
    private func whole(_ goal: Release) async throws -> Artifact {
        guard let artifact = try await store.artifacts.load(goal.artifact) else {
            throw ForgeError(
                .store, "release.artifact-gone",
                "the artifact of release `\(goal.id)` is not in the store any more: `\(goal.artifact)`",
                hint: "build and deploy that version again")
        }
        let damaged = try await store.trees.damagedFiles(artifact.manifest.root)
        guard let first = damaged.first else { return artifact }
        throw ForgeError(
            .store, "release.artifact-damaged",
            "the artifact of release `\(goal.id)` is damaged: \(first)" + (damaged.count > 1 ? " and \(damaged.count - 1) more" : ""),
            hint: "what is online stays; build and deploy that version again")
    }

    private func bringBack(_ goal: Release, _ artifact: Artifact, leaving: ReleaseLog.Leaving, _ span: Span) async throws -> ReleaseReport {
        let history = ReleaseHistory(place: goal.place, newestFirst: try await log.list(goal.place))
        let target = try await catalog.target(named: goal.target, for: artifact.manifest.kind)
        let id = ReleaseID.make(now: settings.clock())
        let variables = try settings.apps.map { apps in
            try SealedVariables(sealing: SealedVariables.open(goal.variables, of: goal.id, in: apps.vault), of: id, in: apps.vault)
        }
        let draft = Draft(
            id: id, place: goal.place, target: target, previous: history.active, origin: goal.origin ?? goal.id, commit: goal.commit,
            variables: variables, leaving: leaving)
        return try await release(artifact, draft, span)
    }

    /// The project's releases, the newest first.
    package func list(project: ProjectSlug, environment: DeployEnvironment? = nil) async throws -> [ReleaseReport] {
        let releases = try await log.list(project: project, environment: environment)
        let swaps = try await BlockingPool.run { [log] in try log.swaps.records(of: releases.map(\.id)) }
        return releases.map { ReleaseReport($0, gatewayPort: settings.gatewayPort, swap: swaps[$0.id]) }
    }

    private func report(_ release: Release, alreadyActive: Bool = false) async throws -> ReleaseReport {
        let swap = try await BlockingPool.run { [log] in try log.swaps.records(of: [release.id])[release.id] }
        return ReleaseReport(release, gatewayPort: settings.gatewayPort, swap: swap, alreadyActive: alreadyActive)
    }

    /// What a new release is going to be.
    private struct Draft {
        let id: String
        let place: ReleasePlace
        let target: TargetDescriptor
        let previous: Release?
        let origin: String?
        let commit: String?
        let variables: SealedVariables?
        var leaving = ReleaseLog.Leaving.superseded
    }

    private func release(_ artifact: Artifact, _ draft: Draft, _ span: Span) async throws -> ReleaseReport {
        let release = Release(
            id: draft.id, place: draft.place, artifact: artifact.digest, target: draft.target.name, status: .pending,
            externalURL: nil, createdAt: settings.clock(), previous: draft.previous?.id, origin: draft.origin, failure: nil,
            commit: draft.commit, variables: draft.variables?.text, variablesTag: draft.variables?.tag ?? "")
        try await log.begin(release)
        do { try await unlessSuperseded(release) { try await carryOut(release, artifact, draft, span) } } catch {
            // Not the caller's task: after Ctrl-C the log is to say so too.
            let reason = error is CancellationError ? "interrupted" : "\(error)"
            await Task { try? await log.fail(release.id, reason) }.value
            throw error
        }
        guard let active = try await log.list(draft.place).first(where: { $0.id == release.id }) else {
            throw ForgeError(.bug, "release.lost", "release `\(release.id)` is not in the log")
        }
        await pruneLogs(draft.place.project)
        return try await report(active)
    }

    /// Old logs that stay cost room and nothing else.
    private func pruneLogs(_ project: ProjectSlug) async {
        guard let apps = settings.apps, let releases = try? await log.list(project: project) else { return }
        try? await BlockingPool.run { try apps.logs.prune(newestFirst: releases.map(\.id)) }
    }

    /// Runs `body`, but gives it up as soon as something else took the place of the pending `release`.
    private func unlessSuperseded(_ release: Release, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [log] in
                while true {
                    try await Task.sleep(for: .milliseconds(100))
                    if try await log.status(of: release.id) == .failed { throw ReleaseLog.superseded(release.id) }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func carryOut(_ release: Release, _ artifact: Artifact, _ draft: Draft, _ span: Span) async throws {
        let request = DeployRequest(
            release: release.id, project: release.place.project.text, environment: release.place.environment.rawValue,
            preview: release.place.preview, host: release.place.host,
            artifact: ArtifactDescription(
                digest: artifact.digest.description, kind: artifact.manifest.kind.rawValue, size: artifact.sizeBytes,
                files: artifact.fileCount, fallback: artifact.manifest.fallback?.string))
        let progress: @Sendable (String) -> Void = { [events] text in events.emit(.progress(span: span.id, text)) }
        let host = ReleaseHost(
            request, for: release, artifact: artifact, trees: store.trees, gatewayPort: settings.gatewayPort, apps: settings.apps,
            progress: progress)
        let target = PluginTarget(descriptor: draft.target, limits: settings.limits)
        let url: String?
        do { url = try await target.deploy(request, services: { await host.answer($0) }, progress: progress) } catch {
            throw await explained(error, host, span)
        }
        let change = await host.change
        let published = if case .publish? = change { true } else { false }
        guard published || url != nil else {
            throw ForgeError(.deploy, "target.no-address", "target `\(draft.target.name)` released without a route and without a URL")
        }
        try Task.checkCancellation()
        // Without a route of its own the release must not leave its predecessor's in place.
        try await log.activate(
            release.id, at: draft.place, leaving: draft.leaving, externalURL: published ? nil : url,
            changes: [change ?? .withdraw(host: draft.place.host)])
        // It is online; a gateway that ends at this moment finds the route when it starts.
        try? await host.gateway?.settle()
    }

    /// What the target said, or the host's own reason for it.
    private func explained(_ error: any Error, _ host: ReleaseHost, _ span: Span) async -> any Error {
        guard let told = error as? ForgeError, told.code == "target.failed", let refusal = await host.refusal else { return error }
        if !refusal.lastLines.isEmpty {
            events.emit(.output(span: span.id, Array((refusal.lastLines.joined(separator: "\n") + "\n").utf8)))
        }
        return ForgeError(.deploy, refusal.code, refusal.message, hint: refusal.hint)
    }

    /// Whether the route of an active release still leads to its files, or to its server.
    private func isServed(_ release: Release) async throws -> Bool {
        if release.externalURL != nil { return true }
        let entry = try await BlockingPool.run { [log] in try log.routes.snapshot().entries[release.place.host] }
        guard let entry, entry.release == release.id else { return false }
        guard entry.app != nil, let apps = settings.apps else { return Files.isDirectory(entry.root) }
        let running = try await ControlClient.connect(apps.controlPath).list()
        return running.contains { $0.release == release.id && ($0.state == .running || $0.state == .starting) }
    }

    private func spanned(_ span: Span, _ body: () async throws -> ReleaseReport) async throws -> ReleaseReport {
        let start = ContinuousClock.now
        func finish(_ outcome: SpanOutcome, _ detail: String?) {
            let duration = Int((ContinuousClock.now - start) / .milliseconds(1))
            events.emit(.finished(span: span.id, outcome, durationMs: duration, detail: detail, logPath: nil))
        }
        events.emit(.started(span))
        do {
            let report = try await body()
            finish(report.alreadyActive ? .cached : .done, report.alreadyActive ? "already active" : report.url)
            return report
        } catch {
            finish(error is CancellationError ? .cancelled : .failed, nil)
            throw error
        }
    }
}
