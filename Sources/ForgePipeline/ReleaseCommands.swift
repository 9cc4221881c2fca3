internal import ForgeEvents
package import ForgeGateway
package import ForgeModel
package import ForgeReleases
internal import ForgeStore
internal import ForgeSystem

/// What `forge deploy` is asked for.
package struct DeployRequest: Sendable {
    package enum Subject: Sendable {
        case build(BuildRequest)
        /// `sha256:…` as a person types it.
        case artifact(String)
    }

    package let subject: Subject
    package let place: ReleasePlace
    package let target: String?

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
        let artifact =
            switch request.subject {
            case .build(let build): try await buildArtifact(build, for: request.place).artifact
            case .artifact(let text): try await stored(text, in: store)
            }
        let (service, gateway) = try await releases(store)
        let report = try await service.deploy(artifact, to: request.place, target: request.target, span: events.newSpan(.deploy, "deploy"))
        tell(report, report.alreadyActive ? "Already live" : "Deployed", gateway: gateway)
        return report
    }

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
        try await BlockingPool.run { [directories] in
            try Files.makeDirectory(directories.data, mode: 0o700)
            try Files.makeDirectory(directories.state, mode: 0o700)
        }
        let releases = try await ReleaseLog.open(directories.releases)
        try await Gateway.run(
            routes: releases.routes,
            configuration: .init(listen: listen, statePath: directories.gatewayState) { log($0.line) }, started: started)
    }

    private func stored(_ text: String, in store: Store) async throws -> Artifact {
        let digest = try await store.artifacts.resolve(text)
        guard let artifact = try await store.artifacts.load(digest) else {
            throw ForgeError(.store, "artifact.damaged", "artifact `\(digest)` is damaged in the store", hint: "build it again")
        }
        let missing = try await store.trees.missingBlobs(artifact.manifest.root)
        guard missing.isEmpty else {
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
        let settings = ReleaseService.Settings(gatewayPort: gateway?.port ?? ListenAddress.standard.port)
        return (ReleaseService(log: log, catalog: catalog, store: store, events: events, settings: settings), gateway)
    }

    private func tell(_ report: ReleaseReport, _ what: String, gateway: GatewayState?) {
        if gateway == nil {
            events.emit(.warning(Diagnostic("the gateway is not running, so nothing answers yet", hint: "start it: `forge gateway`")))
        }
        let rows = [
            Summary.Row("url", report.url ?? "none"), Summary.Row("release", report.release),
            Summary.Row("artifact", report.artifact.description),
        ]
        let next =
            ["forge releases --project \(report.project)"] + (report.previous == nil ? [] : ["forge rollback --project \(report.project)"])
        events.emit(.summary(Summary(headline: "\(what) \(report.project) to \(report.environment.rawValue)", rows: rows, next: next)))
    }
}
