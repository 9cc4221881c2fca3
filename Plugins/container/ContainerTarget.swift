import ForgeTargetProtocol

/// A server on this machine: the host starts it in its sandbox, and once it is healthy the host's gateway leads there.
struct ContainerTarget: DeployTarget {
    let hello = TargetHello(name: "container", version: "0.1.0", kinds: ["container"])

    func deploy(_ request: DeployRequest, host: HostServices) async throws -> String? {
        guard hello.kinds.contains(request.artifact.kind) else {
            throw TargetFailure(
                code: "container.wrong-kind", message: "this target runs servers, not an artifact of kind `\(request.artifact.kind)`")
        }
        do {
            await host.progress("starting")
            let app = try await host.launchApp(request.artifact)
            let milliseconds = try await host.checkApp(app)
            await host.progress("healthy after \(milliseconds) ms, publishing \(request.host)")
            return try await host.publishRoute(RouteArguments(host: request.host, artifact: request.artifact.digest, app: app))
        } catch let refusal as ServiceFailure {
            throw TargetFailure(code: refusal.code, message: refusal.message, hint: refusal.hint)
        }
    }
}
