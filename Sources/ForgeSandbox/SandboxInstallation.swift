internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// What every sandbox of this machine needs: root, the helper, an OCI runtime and a folder for run directories.
struct SandboxInstallation: Sendable {
    let runtime: OCIRuntime
    let helper: String
    let directory: String

    /// Checks that this machine can isolate at all, and removes what a killed Forge left below `directory`.
    /// - Throws: `ForgeError` naming the missing layer, `needsRoot` for the first of them; there is no silent fallback.
    static func open(
        helper: String, directory: String, runtime preferred: String?, needsRoot: ForgeError
    ) async throws -> SandboxInstallation {
        guard geteuid() == 0 else { throw needsRoot }
        guard Files.exists(helper) else {
            throw ForgeError(.build, "sandbox.no-helper", "`\(helper)` is missing", hint: "build Forge whole: `make build`")
        }
        let runtime = try await OCIRuntime.find(preferred: preferred)
        try await sweep(directory)
        return SandboxInstallation(runtime: runtime, helper: helper, directory: directory)
    }

    /// Removes run directories, disks and cgroups of makers that no longer live.
    static func sweep(_ directory: String) async throws {
        for name in try await BlockingPool.run({ try TemporaryDirectory.sweep(directory) }) { await ControlGroup(ofRun: name).remove() }
    }

    /// Why a run could not be set up, or its command not be started.
    func reason(_ report: SandboxReport, in home: String) async throws -> String {
        if let failure = report.failure { return failure }
        let said = try await BlockingPool.run {
            let log = try Files.read("\(home)/runtime.log", limit: 1 << 16) ?? []
            return String(decoding: log, as: UTF8.self).split(separator: "\n").last.map(String.init)
        }
        return said ?? "`forge-sandbox` died"
    }
}
