internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import ForgeTargetProtocol
internal import Glibc

/// The host services during one deploy. A target sees one artifact and one host name: its own.
actor ReleaseHost {
    private let request: DeployRequest
    private let artifact: Artifact
    private let trees: TreeStore
    private let gatewayPort: Int
    /// What the target asked of the route table; takes effect when the release does.
    private(set) var change: RouteChange?

    init(request: DeployRequest, artifact: Artifact, trees: TreeStore, gatewayPort: Int) {
        self.request = request
        self.artifact = artifact
        self.trees = trees
        self.gatewayPort = gatewayPort
    }

    func answer(_ call: ServiceRequest) async -> ServiceResponse {
        do { return ServiceResponse(id: call.id, outcome: .success(try await result(of: call.call))) } catch let failure as ServiceFailure {
            return ServiceResponse(id: call.id, outcome: .failure(failure))
        } catch let error as ForgeError {
            return ServiceResponse(id: call.id, outcome: .failure(ServiceFailure(code: error.code, message: error.message)))
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

    private func entry(_ arguments: RouteArguments) async throws -> RouteEntry {
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
        return RouteEntry(
            release: request.release, artifact: artifact.digest, root: site, directory: directory, fallback: fallback)
    }

    private func path(_ text: String) throws(ServiceFailure) -> RelativePath {
        do { return try RelativePath(parsing: text) } catch { throw ServiceFailure(code: "route.invalid-path", message: "\(error)") }
    }
}
