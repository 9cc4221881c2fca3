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

    /// Brings `artifact` to `place` by the target called `target`, or the one for its kind. Whatever goes wrong, the release
    /// that was active stays so. An artifact that is already in place is left alone. `span` is the caller's, not yet started.
    /// - Throws: `ForgeError`; `CancellationError`
    package func deploy(_ artifact: Artifact, to place: ReleasePlace, target: String? = nil, span: Span) async throws -> ReleaseReport {
        try await spanned(span) {
            let target = try await catalog.target(named: target, for: artifact.manifest.kind)
            let lock = try await log.claim(place, limit: settings.turnLimit)
            defer { withExtendedLifetime(lock) {} }
            try await log.failStale(place)
            let active = try await log.list(place).first { $0.status == .active }
            if let active, active.artifact == artifact.digest, active.target == target.name, try await isServed(active) {
                return ReleaseReport(active, gatewayPort: settings.gatewayPort, alreadyActive: true)
            }
            return try await release(artifact, Draft(place: place, target: target, previous: active, origin: nil), span)
        }
    }

    /// Releases again what was active before the active release, or the release `id` (or the only one that begins with it).
    /// - Throws: `ForgeError` `release.nothing-older`, `release.unknown`, `release.never-active`, `release.artifact-gone`
    package func rollback(_ place: ReleasePlace, to id: String? = nil, span: Span) async throws -> ReleaseReport {
        try await spanned(span) {
            let lock = try await log.claim(place, limit: settings.turnLimit)
            defer { withExtendedLifetime(lock) {} }
            try await log.failStale(place)
            let history = ReleaseHistory(place: place, newestFirst: try await log.list(place))
            let goal = try history.goal(id)
            if goal.status == .active, try await isServed(goal) {
                return ReleaseReport(goal, gatewayPort: settings.gatewayPort, alreadyActive: true)
            }
            guard let artifact = try await store.artifacts.load(goal.artifact) else {
                throw ForgeError(
                    .store, "release.artifact-gone",
                    "the artifact of release `\(goal.id)` is not in the store any more: `\(goal.artifact)`",
                    hint: "build and deploy that version again")
            }
            let target = try await catalog.target(named: goal.target, for: artifact.manifest.kind)
            let draft = Draft(place: place, target: target, previous: history.active, origin: goal.origin ?? goal.id)
            return try await release(artifact, draft, span)
        }
    }

    /// The project's releases, the newest first.
    package func list(project: ProjectSlug, environment: DeployEnvironment? = nil) async throws -> [ReleaseReport] {
        try await log.list(project: project, environment: environment).map { ReleaseReport($0, gatewayPort: settings.gatewayPort) }
    }

    /// What a new release is going to be.
    private struct Draft {
        let place: ReleasePlace
        let target: TargetDescriptor
        let previous: Release?
        let origin: String?
    }

    private func release(_ artifact: Artifact, _ draft: Draft, _ span: Span) async throws -> ReleaseReport {
        let now = settings.clock()
        let release = Release(
            id: ReleaseID.make(now: now), place: draft.place, artifact: artifact.digest, target: draft.target.name, status: .pending,
            externalURL: nil, createdAt: now, previous: draft.previous?.id, origin: draft.origin, failure: nil)
        try await log.begin(release)
        do { try await carryOut(release, artifact, draft, span) } catch {
            // Not the caller's task: after Ctrl-C the log is to say so too.
            let reason = error is CancellationError ? "interrupted" : "\(error)"
            await Task { try? await log.fail(release.id, reason) }.value
            throw error
        }
        guard let active = try await log.list(draft.place).first(where: { $0.id == release.id }) else {
            throw ForgeError(.bug, "release.lost", "release `\(release.id)` is not in the log")
        }
        return ReleaseReport(active, gatewayPort: settings.gatewayPort)
    }

    private func carryOut(_ release: Release, _ artifact: Artifact, _ draft: Draft, _ span: Span) async throws {
        let request = DeployRequest(
            release: release.id, project: release.place.project.text, environment: release.place.environment.rawValue,
            preview: release.place.preview, host: release.place.host,
            artifact: ArtifactDescription(
                digest: artifact.digest.description, kind: artifact.manifest.kind.rawValue, size: artifact.sizeBytes,
                files: artifact.fileCount))
        let host = ReleaseHost(request: request, artifact: artifact, trees: store.trees, gatewayPort: settings.gatewayPort)
        let target = PluginTarget(descriptor: draft.target, limits: settings.limits)
        let url = try await target.deploy(request, services: { await host.answer($0) }) { [events] text in
            events.emit(.progress(span: span.id, text))
        }
        let change = await host.change
        let published = if case .publish? = change { true } else { false }
        guard published || url != nil else {
            throw ForgeError(.deploy, "target.no-address", "target `\(draft.target.name)` released without a route and without a URL")
        }
        try Task.checkCancellation()
        // Without a route of its own the release must not leave its predecessor's in place.
        try await log.activate(
            release.id, at: draft.place, leaving: draft.origin == nil ? .superseded : .rolledBack, externalURL: published ? nil : url,
            changes: [change ?? .withdraw(host: draft.place.host)])
    }

    /// Whether the route of an active release still leads to its files.
    private func isServed(_ release: Release) async throws -> Bool {
        if release.externalURL != nil { return true }
        return try await BlockingPool.run { [log] in
            guard let entry = try log.routes.snapshot().entries[release.place.host] else { return false }
            return entry.release == release.id && Files.isDirectory(entry.root)
        }
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
