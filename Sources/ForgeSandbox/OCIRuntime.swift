internal import ForgeModel
internal import ForgeSystem

/// An OCI runtime on this machine, found and asked for its version before the first step runs.
package struct OCIRuntime: Sendable, Hashable {
    package let name: String
    package let path: String
    package let version: String

    /// crun first (half of runc's start-up), then runc. `preferred` names one and rules out the other.
    /// - Throws: `ForgeError` naming what to install.
    package static func find(preferred: String? = nil) async throws -> OCIRuntime {
        let names = preferred.map { [$0] } ?? ["crun", "runc"]
        for name in names {
            for directory in ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin"] where Files.exists("\(directory)/\(name)") {
                return try await probe(name, "\(directory)/\(name)")
            }
        }
        throw ForgeError(
            .build, "sandbox.no-runtime", "no OCI runtime found: looked for \(names.map { "`\($0)`" }.joined(separator: " and "))",
            hint: "install one: `apt-get install crun`")
    }

    private static func probe(_ name: String, _ path: String) async throws -> OCIRuntime {
        let result = try await ChildProcess.output(.init(path, ["--version"], environment: ["PATH": "/usr/bin:/bin"]))
        let line = String(decoding: result.output, as: UTF8.self).split(separator: "\n").first ?? ""
        guard result.status.isSuccess, let version = line.split(separator: " ").last else {
            throw ForgeError(.build, "sandbox.runtime-broken", "`\(path) --version` does not answer", hint: "reinstall \(name)")
        }
        return OCIRuntime(name: name, path: path, version: String(version))
    }
}
