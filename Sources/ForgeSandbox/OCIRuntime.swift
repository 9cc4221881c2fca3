internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// An OCI runtime on this machine, found and asked for its version before the first step runs.
package struct OCIRuntime: Sendable, Hashable {
    package let name: String
    package let path: String
    package let version: String

    /// By preference: crun starts in half of runc's time; the others bring a kernel of their own and are used where they are named.
    static let known = ["crun", "runc", "runsc", "kata-runtime"]
    var hasOwnKernel: Bool { !Self.usual.contains(name) }
    /// Taken without being named.
    private static let usual = ["crun", "runc"]
    /// What an operator may write for them.
    private static let aliases = ["kata": "kata-runtime", "gvisor": "runsc"]
    /// Those that distributions carry.
    static let packages = ["crun": "crun", "runc": "runc"]
    private static let directories = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin", "/opt/kata/bin"]

    /// Whether an operator may write it: a known name, or the absolute path of a program that is called like one.
    package static func isKnown(_ name: String) -> Bool {
        let last = name.hasPrefix("/") ? String(name.split(separator: "/").last ?? "") : name
        return known.contains(aliases[last] ?? last)
    }

    /// crun first, then runc. `preferred` names one, or its absolute path, and rules out the others.
    /// - Throws: `ForgeError` naming what to install.
    package static func find(preferred: String? = nil, for user: HostUser) async throws -> OCIRuntime {
        let names = preferred.map { [aliases[$0] ?? $0] } ?? (user.hasOneID ? ["crun"] : usual)
        if user.hasOneID, names.first?.split(separator: "/").last == "runc" {
            throw HostExamination(user: user).error(lacking: "ids", because: "runc needs a root inside, and you have one id only")
        }
        for name in names {
            let paths = name.hasPrefix("/") ? [name] : directories.map { "\($0)/\(name)" }
            if let path = paths.first(where: { Files.isExecutable($0) }) {
                return try await probe(name.split(separator: "/").last.map(String.init) ?? name, path)
            }
        }
        let package = preferred == nil ? "crun" : names.compactMap { packages[$0] }.first
        throw ForgeError(
            .build, "sandbox.no-runtime", "no OCI runtime found: looked for \(names.map { "`\($0)`" }.joined(separator: " and "))",
            hint: package.map { "install one: `apt-get install \($0)`" }
                ?? "install it, or let Forge choose: no `runtime` below `[sandbox]`")
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
