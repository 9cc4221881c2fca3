internal import ForgeApps
internal import ForgeControl
internal import ForgeEvents
package import ForgeGateway
package import ForgeModel
internal import ForgeOperator
package import ForgeReleases
internal import ForgeSandbox
internal import ForgeStore
internal import ForgeSystem

/// What `forge deploy` is asked for.
package struct DeployRequest: Sendable {
    package enum Subject: Sendable {
        case build(BuildRequest)
        /// `sha256:…` as a person types it.
        case artifact(String)
        /// What is active in another environment of the project.
        case active(ReleasePlace)
    }

    package let subject: Subject
    package let place: ReleasePlace
    package let target: String?
    /// A file with variables that are set for the environment before the deploy.
    package var environmentFile: String?
    /// Whether an artifact that is bound to another environment is built again for this one.
    package var rebuilds = false
    /// Whether production may get an artifact that was built without isolation.
    package var isUnsafeLocal = false

    package init(subject: Subject, place: ReleasePlace, target: String?) {
        self.subject = subject
        self.place = place
        self.target = target
    }
}

extension Pipeline {
    /// Builds when asked to, then brings the artifact to its place; the release that was there answers until the new one does.
    package func deploy(_ request: DeployRequest) async throws -> ReleaseReport {
        let store = try await openStore()
        let (service, gateway) = try await releases(store)
        var options = ReleaseService.DeployOptions(target: request.target)
        options.since = try await service.moment()
        options.variables = try await variables(of: request.place, importing: request.environmentFile)
        let destination = Destination(request.place, variables: options.variables)
        // A server needs the gateway: known before anything is built for nothing.
        func planned(_ plan: BuildPlan) throws {
            if plan.artifact.kind == .container && gateway == nil { throw Self.gatewayNotRunning }
        }
        let artifact: Artifact
        switch request.subject {
        case .build(let build):
            let built = try await soundArtifact(build, for: destination, planned: planned)
            (artifact, options.commit) = (built.artifact, built.commit)
        case .artifact(let text):
            let found = try await stored(text, in: store)
            (artifact, options.commit) = try await promoted(found, to: destination, rebuild: request.rebuilds, planned: planned)
        case .active(let origin):
            let release = try await active(origin, service)
            let found = try await stored(release.artifact.description, in: store)
            (artifact, options.commit) = try await promoted(found, to: destination, rebuild: request.rebuilds, planned: planned)
            options.commit = options.commit ?? release.commit
        }
        if request.place.environment == .production, !request.isUnsafeLocal { try await refuseUnsafe(artifact, in: store) }
        let report = try await service.deploy(artifact, to: request.place, options: options, span: events.newSpan(.deploy, "deploy"))
        tell(report, report.alreadyActive ? "Already live" : "Deployed", gateway: gateway)
        return report
    }

    /// Builds, and reads every byte of what is to be served. What was damaged is out of use by then, so building once more makes it anew.
    private func soundArtifact(
        _ request: BuildRequest, for destination: Destination, planned: (BuildPlan) throws -> Void
    ) async throws -> Built {
        let store = try await openStore()
        let built = try await buildArtifact(request, for: destination, planned: planned)
        let damaged = try await store.trees.damagedFiles(built.artifact.manifest.root)
        guard let first = damaged.first else { return built }
        events.emit(.warning(Diagnostic("the artifact was damaged in the store: \(first)", hint: "it is made anew")))
        return try await buildArtifact(request, for: destination, planned: planned)
    }

    private func active(_ place: ReleasePlace, _ service: ReleaseService) async throws -> ReleaseReport {
        let releases = try await service.list(project: place.project, environment: place.environment)
        guard let active = releases.first(where: { $0.status == .active && $0.preview == place.preview }) else {
            throw ForgeError(
                .deploy, "release.none-active", "there is no active release of \(place.display) to promote",
                hint: "`forge releases --project \(place.project)` lists what there is")
        }
        return active
    }

    private static let gatewayNotRunning = ForgeError(
        .deploy, "gateway.not-running", "the gateway is not running, and it is what runs servers", hint: "start it: `forge gateway`")

    /// Releases an older artifact again; nothing is built.
    package func rollback(_ place: ReleasePlace, to release: String?) async throws -> ReleaseReport {
        let (service, gateway) = try await releases(openStore())
        let report = try await service.rollback(place, to: release, span: events.newSpan(.rollback, "rollback"))
        tell(report, report.alreadyActive ? "Already live" : "Rolled back", gateway: gateway)
        return report
    }

    /// A project's releases, the newest first.
    package func releases(project: ProjectSlug, environment: DeployEnvironment?) async throws -> [ReleaseReport] {
        try await releases(openStore()).service.list(project: project, environment: environment)
    }

    /// Serves until a signal ends it. `started` is told the address, `log` each request's line.
    package func gateway(
        listen: ListenAddress, log: @escaping @Sendable (String) -> Void, started: @Sendable (GatewayState) async -> Void
    ) async throws {
        ResourceLimits.raiseOpenFiles()
        try await BlockingPool.run { [directories] in
            try Files.makeDirectory(directories.data, mode: 0o700)
            try Files.makeDirectory(directories.state, mode: 0o700)
        }
        let store = try await openStore()
        let releases = try await ReleaseLog.open(directories.releases)
        var configuration = Gateway.Configuration(listen: listen, statePath: directories.gatewayState) { log($0.line) }
        let carrier = AppCarrier(configuration.upstreams, configuration.traffic)
        let service = AppService(
            supervisor: try await supervisor(store, releases, carrier, log), controlPath: GatewayState.controlPath(directories.gatewayState)
        )
        configuration.companion = Gateway.Companion(
            begin: { try await service.begin(gatewayPort: $0, watch: $1) }, follow: { await service.follow($0) },
            close: { await service.closeControl() }, end: { await service.end() })
        try await Gateway.run(routes: releases.routes, configuration: configuration, started: started)
    }

    private func supervisor(
        _ store: Store, _ releases: ReleaseLog, _ carrier: AppCarrier, _ log: @escaping @Sendable (String) -> Void
    ) async throws -> AppSupervisor {
        let configuration = try operatorConfiguration()
        let (word, runtime) = (configuration.apps, configuration.sandbox.runtime)
        let housing = AppHousing(
            trees: store.trees, vault: try await vault(), logs: directories.appLogs, limits: word.limits, health: word.health
        ) { [installation, directories] in
            try await ServerSandbox.open(helper: installation.sandboxHelper, directory: directories.sandboxes, runtime: runtime)
        }
        var settings = AppSupervisor.Settings()
        settings.drain = word.drain
        settings.keep = word.keep
        return AppSupervisor(housing: housing, settings: settings, carrier: carrier, swaps: releases.swaps) { release, app, reason in
            await replaceFailed(release, app, reason, log)
        }
    }

    /// Brings the release before the failed one back; the log says what became of it.
    private func replaceFailed(
        _ release: String, _ app: AppSpecification, _ reason: String, _ log: @Sendable (String) -> Void
    ) async {
        do {
            let place = try ReleasePlace(project: ProjectSlug(parsing: app.project), environment: app.environment, preview: app.preview)
            let service = try await releases(openStore()).service
            let report = try await service.replaceFailed(
                release, at: place, reason: "its server \(reason)", span: events.newSpan(.rollback, "rollback"))
            let outcome = report.map { "rolled back, release \($0.release) is online" } ?? "it was replaced meanwhile"
            log("\(app.host): release \(release) failed, its server \(reason); \(outcome)")
        } catch {
            log("\(app.host): release \(release) failed, its server \(reason); it cannot be rolled back: \(error)")
        }
    }

    func vault() async throws -> Vault {
        try await BlockingPool.run { [directories] in try Vault.open(directories.variablesKey) }
    }

    private func stored(_ text: String, in store: Store) async throws -> Artifact {
        let digest = try await store.artifacts.resolve(text)
        guard let artifact = try await store.artifacts.load(digest) else {
            throw ForgeError(.store, "artifact.damaged", "artifact `\(digest)` is damaged in the store", hint: "build it again")
        }
        for root in artifact.manifest.trees where try await !store.trees.acquire(root) {
            let missing = try await store.trees.missingBlobs(root)
            throw ForgeError(
                .store, "artifact.incomplete", "\(missing.count) files of artifact `\(digest)` are not in the store", hint: "build it again"
            )
        }
        return artifact
    }

    /// The port of the gateway that runs, else the one it takes by default.
    func gatewayPort() async throws -> Int {
        let gateway = try await BlockingPool.run { [directories] in try GatewayState.read(directories.gatewayState) }
        return gateway?.port ?? ListenAddress.standard.port
    }

    private func releases(_ store: Store) async throws -> (service: ReleaseService, gateway: GatewayState?) {
        let gateway = try await BlockingPool.run { [directories] in try GatewayState.read(directories.gatewayState) }
        let catalog = TargetCatalog(directories: [installation.plugins], programs: [installation.executables])
        let log = try await ReleaseLog.open(directories.releases)
        var settings = ReleaseService.Settings(gatewayPort: gateway?.port ?? ListenAddress.standard.port)
        settings.apps = AppHost(
            controlPath: GatewayState.controlPath(directories.gatewayState), logs: AppLogFolder(directories.appLogs),
            vault: try await vault())
        return (ReleaseService(log: log, catalog: catalog, store: store, events: events, settings: settings), gateway)
    }

    private func tell(_ report: ReleaseReport, _ what: String, gateway: GatewayState?) {
        if gateway == nil {
            events.emit(.warning(Diagnostic("the gateway is not running, so nothing answers yet", hint: "start it: `forge gateway`")))
        }
        var rows = [
            Summary.Row("url", report.url ?? "none"), Summary.Row("release", report.release),
            Summary.Row("artifact", report.artifact.description),
        ]
        if let swap = report.swap, let milliseconds = swap.healthyMs {
            rows.insert(Summary.Row("healthy", "after \(Milliseconds(milliseconds))"), at: 1)
        }
        let preview = report.preview.map { " --pr \($0)" } ?? ""
        let place =
            "--project \(report.project)" + (report.environment == .production ? "" : " --env \(report.environment.rawValue)\(preview)")
        var next = ["forge releases --project \(report.project)"]
        if report.target == "container" { next.insert("forge logs \(place)", at: 0) }
        if report.previous != nil { next.append("forge rollback \(place)") }
        let headline = "\(what) \(report.project) to \(report.environment.rawValue)" + (report.preview.map { " \($0)" } ?? "")
        events.emit(.summary(Summary(headline: headline, rows: rows, next: next)))
    }
}

extension AppCarrier {
    /// The connections of a gateway.
    fileprivate init(_ upstreams: Upstreams, _ traffic: ReleaseTraffic) {
        self.init { release, destination in
            switch destination {
            case .server(let connect)?: upstreams.set(release, .ready(Upstream(release: release, connect: connect)))
            case .starting?: upstreams.set(release, .starting)
            case .down(let why)?: upstreams.set(release, .down(why))
            case nil: upstreams.set(release, nil)
            }
        } inFlight: { release in
            traffic.inFlight(release)
        } drain: { release, grace in
            let outcome = await traffic.drain(release, grace: grace)
            return Drained(crossed: outcome.crossed, failed: outcome.failed, duration: outcome.duration)
        }
    }
}
