internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Forge's proxy for a step that shares this machine's network: it refuses and records as ever, for those who ask it.
struct UnsafeNetwork {
    let environment: [String: String]
    private let proxy: EgressProxy

    /// Nil for a step that wants no network; nothing keeps it from one.
    static func open(_ policy: EgressPolicy?, in folder: UnsafeWorkFolder) async throws -> UnsafeNetwork? {
        guard let policy else { return nil }
        let (listener, port) = try Descriptor.listenOnLoopback()
        let bundle = "\(folder.home)/operator.pem"
        if let certificates = policy.caBundle { try OCIBundle.writeCertificates(certificates, to: bundle) }
        let environment = SandboxWorld.networkEnvironment(for: policy).mapValues { value in
            value == SandboxWorld.proxyURL ? "http://127.0.0.1:\(port)" : value == SandboxWorld.caBundle ? bundle : value
        }
        return UnsafeNetwork(environment: environment, proxy: try await EgressProxy.start(on: listener, policy: policy))
    }

    func stop() async -> [EgressRecord] { await proxy.stop() }
}
