import Foundation
import Glibc

/// A registry that is nothing but files, on loopback: gems, Maven's repositories, Composer's.
package struct FileRegistry: Sendable {
    package let port: Int
    private let address: String
    private let log: String

    /// Whether this machine's own name leads to it: it need not.
    package static var hasMachineName: Bool { gethostbyname(ProcessInfo.processInfo.hostName) != nil }

    package var origin: String { "http://\(address):\(port)" }

    fileprivate init(address: String, port: Int, log: String) { (self.address, self.port, self.log) = (address, port, log) }

    /// One line for each request: method, path, status.
    package func requests() -> [String] {
        String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

extension ForgeHome {
    /// Serves a folder below `.build/inputs`; it ends with this home at the latest.
    package func fileRegistry(_ folder: String, at address: String = "127.0.0.1") async throws -> FileRegistry {
        let pool = "\(BuildProducts.checkout).build/inputs/\(folder)"
        guard FileManager.default.fileExists(atPath: pool) else {
            throw TestSupportError("`.build/inputs/\(folder)` is missing: run scripts/test-inputs.sh, as `make test` does")
        }
        // Relative to the home's folder: a process that names the folder would count as left behind by Forge.
        let name = "output/files-\(UUID().uuidString)"
        let program = "\(BuildProducts.checkout)fixtures/registries/files.py"
        let child = try start(
            program: "/usr/bin/python3", [program, pool, "--address", address, "--port-file", "\(name).port", "--log", "\(name).log"])
        let port = try await eventually("the registry of files to listen", else: { child.error }) {
            FileManager.default.contents(atPath: "\(self.folder)/\(name).port").flatMap {
                Int(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        return FileRegistry(address: address, port: port, log: "\(self.folder)/\(name).log")
    }
}
