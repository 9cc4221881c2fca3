internal import ForgeEgress
internal import ForgeModel
internal import ForgeSystem

/// What a step with a network trusts besides the system's certificates.
struct StepCertificates {
    private static let limit = 4 << 20

    /// The operator's file.
    var bundle: String?
    /// Forge's own, for this step alone; PEM.
    var authority: String?

    var isEmpty: Bool { bundle == nil && authority == nil }

    /// The system's too: most package managers trust either the named file or the system, never both.
    func write(to path: String) throws {
        let system = try Files.read("/etc/ssl/certs/ca-certificates.crt", limit: Self.limit) ?? []
        let own = try bundle.map(Self.content) ?? []
        try Files.create(path, with: system + [10] + own + [10] + Array((authority ?? "").utf8))
    }

    private static func content(of bundle: String) throws -> [UInt8] {
        guard let own = try? Files.read(bundle, limit: limit), own.count < limit else {
            throw ForgeError(
                .configuration, "egress.no-ca-bundle", "the CA bundle `\(bundle)` cannot be read",
                hint: "name a PEM file of at most 4 MiB")
        }
        return own
    }
}

extension StepCertificates {
    init(for request: SandboxRequest) {
        self.init(bundle: request.network?.caBundle, authority: request.network == nil ? nil : request.responder?.authority)
    }
}
