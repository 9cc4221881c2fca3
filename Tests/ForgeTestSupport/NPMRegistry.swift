import Foundation
import Glibc

/// The npm registry of `fixtures/registries/npm` at work on loopback, with what `scripts/test-inputs.sh` put into it.
package struct NPMRegistry: Sendable {
    package let port: Int
    /// What the operator's environment says, so that Forge learns of the registry and lets steps reach it.
    package let environment: [String: String]
    private let child: Child
    private let log: String

    package var url: String { "http://127.0.0.1:\(port)/" }
    package var origin: String { "http://127.0.0.1:\(port)" }

    fileprivate init(child: Child, port: Int, log: String) {
        self.child = child
        self.port = port
        self.log = log
        environment = ["npm_config_registry": "http://127.0.0.1:\(port)/", "FORGE_EGRESS_ALLOW": "http://127.0.0.1:\(port)"]
    }

    /// One line for each request: method, path, status (or `reset`, `hang`).
    package func requests() -> [String] {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// File names of the tarballs handed out, sorted.
    package func tarballs() -> [String] {
        requests().filter { $0.hasSuffix(".tgz 200") }.compactMap {
            $0.split(separator: " ")[1].split(separator: "/").last.map(String.init)
        }
        .sorted()
    }

    /// From here on nobody listens at the port.
    package func stop() async throws {
        child.signal(SIGKILL)
        _ = try await child.finish(within: 10)
    }
}

extension ForgeHome {
    /// Starts the registry; it ends with this home at the latest.
    /// - Parameters:
    ///   - faults: as `registry.py serve --fault` takes them.
    ///   - port: 0 for a free one.
    ///   - pool: a folder of tarballs with its `index.json`; nil for that of the tests' inputs.
    package func npmRegistry(_ faults: String..., port: Int = 0, pool: String? = nil) async throws -> NPMRegistry {
        let pool = pool ?? "\(BuildProducts.checkout).build/inputs/npm"
        guard FileManager.default.fileExists(atPath: "\(pool)/index.json") else {
            throw TestSupportError("`.build/inputs/npm` is missing: run scripts/test-inputs.sh, as `make test` does")
        }
        // Relative to the home's folder: a process that names the folder would count as left behind by Forge.
        let name = "output/npm-\(UUID().uuidString)"
        let program = "\(BuildProducts.checkout)fixtures/registries/npm/registry.py"
        let arguments = ["serve", pool, "--port", "\(port)", "--port-file", "\(name).port", "--log", "\(name).log"]
        let child = try start(program: "/usr/bin/python3", [program] + arguments + faults.flatMap { ["--fault", $0] })
        let found = try await eventually("the npm registry to listen", else: { child.error }) {
            FileManager.default.contents(atPath: "\(folder)/\(name).port").flatMap {
                Int(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        return NPMRegistry(child: child, port: found, log: "\(folder)/\(name).log")
    }
}
