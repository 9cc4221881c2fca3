import ForgeTargetProtocol
import FoundationEssentials

/// Static files on the host's own gateway: look at the files, then let the host's route point at them.
struct StaticTarget: DeployTarget {
    let hello = TargetHello(name: "static", version: "0.1.0", kinds: ["static"])

    func deploy(_ request: DeployRequest, host: HostServices) async throws -> String? {
        guard hello.kinds.contains(request.artifact.kind) else {
            throw TargetFailure(
                code: "static.wrong-kind", message: "this target serves static files, not an artifact of kind `\(request.artifact.kind)`")
        }
        await host.progress("laying out \(request.artifact.files) files")
        let files = try await host.materialize(request.artifact)
        let names = try FileManager.default.contentsOfDirectory(atPath: files)
        guard !names.isEmpty else {
            throw TargetFailure(
                code: "static.no-files", message: "the artifact has no files",
                hint: "check `[build] output`: it names the directory that is published")
        }
        if !names.contains("index.html") { await host.progress("no `index.html` at the top: `/` will answer 404") }
        await host.progress("publishing \(request.host)")
        return try await host.publishRoute(
            RouteArguments(host: request.host, artifact: request.artifact.digest, fallback: request.artifact.fallback))
    }
}
