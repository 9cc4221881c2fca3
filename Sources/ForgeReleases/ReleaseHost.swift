internal import ForgeControl
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import ForgeTargetProtocol
internal import Glibc

/// The host services during one deploy. A target sees one artifact and one host name: its own.
actor ReleaseHost {
    private let request: DeployRequest
    private let release: Release
    private let artifact: Artifact
    private let trees: TreeStore
    private let gatewayPort: Int
    private let apps: AppHost?
    private let progress: @Sendable (String) -> Void
    /// What the target asked of the route table; takes effect when the release does.
    private(set) var change: RouteChange?
    /// Why a server could not be had, when that was so; the reason for what the target says then.
    private(set) var refusal: ControlFailure?
    /// The gateway, once a server was asked for. It stops what no route leads to when this conversation ends.
    private(set) var gateway: ControlClient?
    private var launched: AppSpecification?

    init(
        _ request: DeployRequest, for release: Release, artifact: Artifact, trees: TreeStore, gatewayPort: Int, apps: AppHost?,
        progress: @escaping @Sendable (String) -> Void
    ) {
        self.request = request
        self.release = release
        self.artifact = artifact
        self.trees = trees
        self.gatewayPort = gatewayPort
        self.apps = apps
        self.progress = progress
    }

    func answer(_ call: ServiceRequest) async -> ServiceResponse {
        do { return ServiceResponse(id: call.id, outcome: .success(try await result(of: call.call))) } catch let failure as ServiceFailure {
            return ServiceResponse(id: call.id, outcome: .failure(failure))
        } catch let failure as ControlFailure {
            refusal = failure
            return ServiceResponse(
                id: call.id, outcome: .failure(ServiceFailure(code: failure.code, message: failure.message, hint: failure.hint)))
        } catch let error as ForgeError {
            return ServiceResponse(
                id: call.id, outcome: .failure(ServiceFailure(code: error.code, message: error.message, hint: error.hint)))
        } catch {
            return ServiceResponse(id: call.id, outcome: .failure(ServiceFailure(code: "service.failed", message: "\(error)")))
        }
    }

    private func result(of call: ServiceCall) async throws -> ServiceResult {
        switch call {
        case .materialize(let arguments):
            try own(artifact: arguments.artifact)
            return ServiceResult(path: try await trees.materialize(artifact.manifest.root))
        case .publishRoute(let arguments):
            try own(host: arguments.host)
            try own(artifact: arguments.artifact)
            change = .publish(host: request.host, try await entry(arguments))
            return ServiceResult(url: GatewayURL.text(host: request.host, port: gatewayPort))
        case .withdrawRoute(let arguments):
            try own(host: arguments.host)
            change = .withdraw(host: request.host)
            return ServiceResult()
        case .launchApp(let arguments):
            try own(artifact: arguments.artifact)
            return ServiceResult(app: try await launch())
        case .checkApp(let arguments):
            let app = try own(app: arguments.app)
            return ServiceResult(app: app.release, healthyMs: try await connection().check(app.release, progress: progress))
        case .stopApp(let arguments):
            let app = try own(app: arguments.app)
            launched = nil
            try await connection().retire(app.release)
            return ServiceResult()
        case .appLogs(let arguments): return ServiceResult(lines: try await lastLines(try own(app: arguments.app)))
        case .other(let name):
            throw ServiceFailure(code: "service.unknown", message: "no host service `\(PlainText.line(name, limit: 80))`")
        }
    }

    private func own(artifact digest: String) throws(ServiceFailure) {
        guard digest == request.artifact.digest else {
            throw ServiceFailure(code: "artifact.foreign", message: "this deploy is about the artifact `\(request.artifact.digest)` only")
        }
    }

    private func own(host: String) throws(ServiceFailure) {
        guard host == request.host else {
            throw ServiceFailure(code: "route.foreign-host", message: "this deploy is about the host `\(request.host)` only")
        }
    }

    private func own(app name: String) throws(ServiceFailure) -> AppSpecification {
        guard let launched, launched.release == name else {
            throw ServiceFailure(code: "app.foreign", message: "this deploy has launched no server `\(PlainText.line(name, limit: 80))`")
        }
        return launched
    }

    private func connection() async throws -> ControlClient {
        if let gateway { return gateway }
        guard let apps else { throw ServiceFailure(code: "app.no-host", message: "this host runs no servers") }
        let client = try await ControlClient.connect(apps.controlPath)
        gateway = gateway ?? client
        return client
    }

    private func launch() async throws -> String {
        guard artifact.manifest.kind == .container, let launch = artifact.manifest.launch else {
            throw ServiceFailure(code: "app.not-a-server", message: "this artifact says of no server how to start it")
        }
        var app = AppSpecification(
            release: release.id, project: request.project, environment: release.place.environment, preview: request.preview,
            host: request.host, commit: release.commit, artifact: artifact.digest, root: artifact.manifest.root, launch: launch,
            variables: release.variables, variablesTag: release.variablesTag, system: artifact.manifest.system)
        if !artifact.manifest.toolchains.isEmpty { app.toolchains = artifact.manifest.toolchains }
        let isKept = try await connection().launch(app)
        if isKept { progress("took the kept server of an earlier release") }
        launched = app
        return app.release
    }

    private func lastLines(_ app: AppSpecification) async throws -> [String] {
        guard let apps else { return [] }
        let records = try await BlockingPool.run {
            var reader = AppLogReader(path: apps.logs.log(of: app.release), last: 100)
            return try reader.take()
        }
        return records.map { PlainText.line(String(decoding: $0.bytes, as: UTF8.self), limit: 1000) }
    }

    private func entry(_ arguments: RouteArguments) async throws -> RouteEntry {
        if let name = arguments.app {
            return RouteEntry(app: try own(app: name), root: try await trees.materialize(artifact.manifest.root))
        }
        guard artifact.manifest.kind == .static else {
            throw ServiceFailure(code: "route.not-static", message: "only the files of a static artifact can be published")
        }
        let directory = try path(arguments.directory ?? "")
        let fallback = try arguments.fallback.map(path)
        let root = try await trees.materialize(artifact.manifest.root)
        let site = directory.isRoot ? root : "\(root)/\(directory.string)"
        try await BlockingPool.run {
            do {
                let top = try Descriptor.open(root, O_RDONLY | O_DIRECTORY)
                let folder = try top.openBeneath(directory.isRoot ? "." : directory.string, O_RDONLY | O_DIRECTORY)
                if let fallback { _ = try folder.openBeneath(fallback.string, O_RDONLY | O_NONBLOCK) }
            } catch {
                throw ServiceFailure(code: "route.no-such-path", message: "the artifact has no such directory or fallback file")
            }
        }
        // The paths of rules are those of the whole site.
        return RouteEntry(
            release: request.release, artifact: artifact.digest, root: site, directory: directory, fallback: fallback,
            site: directory.isRoot ? artifact.manifest.site : nil)
    }

    private func path(_ text: String) throws(ServiceFailure) -> RelativePath {
        do { return try RelativePath(parsing: text) } catch { throw ServiceFailure(code: "route.invalid-path", message: "\(error)") }
    }
}
