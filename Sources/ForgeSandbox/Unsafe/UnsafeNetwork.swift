internal import ForgeEgress
internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Forge's proxy for a step that shares this machine's network: it refuses and records as ever, for those who ask it.
struct UnsafeNetwork {
    let environment: [String: String]
    private let proxy: EgressProxy
    private let responder: (any EgressResponder)?

    /// Nil for a step that wants no network; nothing keeps it from one.
    static func open(for request: SandboxRequest, in folder: UnsafeWorkFolder) async throws -> UnsafeNetwork? {
        guard let policy = request.network else { return nil }
        let (listener, port) = try Descriptor.listenOnLoopback()
        // Where the step can read it.
        let bundle = "\(folder.own)/operator.pem"
        let certificates = StepCertificates(for: request)
        if !certificates.isEmpty { try certificates.write(to: bundle) }
        let environment = SandboxWorld.networkEnvironment(hasCertificates: !certificates.isEmpty).mapValues { value in
            value == SandboxWorld.proxyURL ? "http://127.0.0.1:\(port)" : value == SandboxWorld.caBundle ? bundle : value
        }
        let proxy = try await EgressProxy.start(on: listener, policy: policy, responder: request.responder)
        return UnsafeNetwork(environment: environment, proxy: proxy, responder: request.responder)
    }

    func stop() async throws -> (records: [EgressRecord], conclusion: EgressConclusion?) {
        (await proxy.stop(), try await responder?.conclude())
    }
}
