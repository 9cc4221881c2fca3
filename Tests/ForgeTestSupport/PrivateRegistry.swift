import Foundation
import Glibc

/// A registry of `fixtures/registries` behind TLS of a test's own authority, for those who say the right word.
package struct PrivateRegistry: Sendable {
    package enum Kind: String, Sendable { case npm, pypi }

    package let kind: Kind
    package let port: Int
    package let authority: TestAuthority
    private let child: Child
    private let log: String

    package var origin: String { "https://127.0.0.1:\(port)" }
    package var url: String { kind == .npm ? "\(origin)/" : "\(origin)/simple" }

    /// What the operator's environment says, without any credential.
    package var environment: [String: String] {
        [
            kind == .npm ? "npm_config_registry" : "PIP_INDEX_URL": url, "FORGE_EGRESS_ALLOW": origin,
            "SSL_CERT_FILE": authority.certificate,
            "NODE_EXTRA_CA_CERTS": authority.certificate,
            // A machine's own npm may be told of other authorities, which it then believes instead.
            "npm_config_cafile": authority.certificate,
        ]
    }

    /// One line for each request: method, path, status.
    package func requests() -> [String] {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    package func stop() async throws {
        child.signal(SIGKILL)
        _ = try await child.finish(within: 10)
    }

    /// - Parameters:
    ///   - authorization: the header's value; everybody else is answered 401.
    ///   - pool: the folder of npm's packages; nil: that which `scripts/test-inputs.sh` makes.
    ///   - more: further options of the server.
    package static func start(
        _ kind: Kind, in home: ForgeHome, authority: TestAuthority, authorization: String? = nil, pool: String? = nil, more: [String] = []
    ) async throws -> PrivateRegistry {
        let name = "output/registry-\(UUID().uuidString)"
        let folder = "\(BuildProducts.checkout)fixtures/registries"
        let program =
            kind == .npm
            ? ["\(folder)/npm/registry.py", "serve", pool ?? "\(BuildProducts.checkout).build/inputs/npm"] : ["\(folder)/pypi/index.py"]
        // Relative, as in `npmRegistry`.
        let tls = ["--tls", "authority/server.pem", "authority/server.key"]
        let child = try home.start(
            program: "/usr/bin/python3",
            program + ["--port-file", "\(name).port", "--log", "\(name).log"] + tls + (authorization.map { ["--authorization", $0] } ?? [])
                + more)
        let port = try await eventually("the registry to listen", else: { child.error }) {
            FileManager.default.contents(atPath: "\(home.folder)/\(name).port").flatMap {
                Int(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        return PrivateRegistry(kind: kind, port: port, authority: authority, child: child, log: "\(home.folder)/\(name).log")
    }
}
