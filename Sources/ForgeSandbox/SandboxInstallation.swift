internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// What every sandbox of this machine stands on: who runs Forge, the helper, an OCI runtime and a folder for run directories.
struct SandboxInstallation: Sendable {
    let runtime: OCIRuntime
    let helper: String
    let directory: String
    let examination: HostExamination
    /// Where no mount can be id-mapped, a layer is copied once for each range of ids.
    let copiesLayers: Bool

    struct Options: Sendable {
        /// Name or path of the one runtime to take.
        var runtime: String?
        /// Whether steps may run without control groups where none can be had.
        var groupsAreOptional = false
        /// Nil finds out.
        var copiesLayers: Bool?
        /// Whether a container has to prove again what one has proved since the machine was started.
        var verifiesAnew = false
    }

    var user: HostUser { examination.user }
    var isRootless: Bool { !user.isRoot }
    /// Below which Forge makes the control groups of rootless steps; nil where there are none.
    var groupParent: String? { examination.hasGroups ? examination.kernel.cgroups.parent : nil }

    /// For the build record: the runtime, and what is not as it is for root.
    var identity: String {
        let name = "\(runtime.name) \(runtime.version)"
        guard isRootless else { return copiesLayers ? "\(name), layers copied" : name }
        let ids = user.lent == nil ? "one id" : "\(IDRange.count) ids"
        return "\(name), rootless, \(ids), \(groupParent == nil ? "no control groups" : "control groups")"
    }

    /// Checks that this machine can isolate, has a container of the runtime prove it once a boot, and removes what a killed Forge left
    /// below `directory`.
    /// - Throws: `ForgeError` naming the missing layer; there is no silent fallback.
    static func open(helper: String, directory: String, options: Options) async throws -> SandboxInstallation {
        let found = try await find(helper: helper, directory: directory, options: options)
        return try await SandboxVerification(found, options).verified()
    }

    /// The same without the proof.
    static func find(helper: String, directory: String, options: Options) async throws -> SandboxInstallation {
        guard Files.exists(helper) else {
            throw ForgeError(.build, "sandbox.no-helper", "`\(helper)` is missing", hint: "build Forge whole: `make build`")
        }
        let examination = HostExamination(groupsAreOptional: options.groupsAreOptional)
        if let fatal = examination.fatal { throw fatal.error }
        let runtime = try await OCIRuntime.find(preferred: options.runtime, for: examination.user)
        try await sweep(directory, groups: examination.kernel.cgroups)
        return SandboxInstallation(
            runtime: runtime, helper: helper, directory: directory, examination: examination, copiesLayers: options.copiesLayers ?? false)
    }

    func copyingLayers(_ copies: Bool) -> SandboxInstallation {
        SandboxInstallation(runtime: runtime, helper: helper, directory: directory, examination: examination, copiesLayers: copies)
    }

    /// Removes run directories, disks and cgroups of makers that no longer live.
    static func sweep(_ directory: String, groups: ControlGroupFacts = KernelFacts().cgroups) async throws {
        for name in try await BlockingPool.run({ try TemporaryDirectory.sweep(directory) }) {
            await ControlGroup(ofRun: name, below: groups.parent ?? "").remove()
        }
    }

    func group(ofRun home: String) -> ControlGroup { ControlGroup(ofRun: home, below: groupParent ?? "") }

    /// Why a run could not be set up, or its command not be started.
    func reason(_ report: SandboxReport, in home: String) async throws -> String {
        if let failure = report.failure { return failure }
        let said = try await BlockingPool.run {
            let log = try Files.read("\(home)/runtime.log", limit: 1 << 16) ?? []
            return String(decoding: log, as: UTF8.self).split(separator: "\n").last.map(String.init)
        }
        return said ?? "`forge-sandbox` died"
    }

    /// The error for a run that could not be set up; it names the layer where that can be told.
    func breakdown(_ reason: String, layer: String?) -> ForgeError {
        let words = [("seccomp", "seccomp"), ("cgroup", "cgroups"), ("user namespace", "user-namespaces"), ("overlay", "overlay")]
        let id = layer ?? words.first { reason.lowercased().contains($0.0) }?.1
        if let id { return examination.error(lacking: id, because: reason) }
        return ForgeError(
            .build, "sandbox.failed", "the sandbox could not be set up: \(reason)",
            hint: "`forge doctor` tells what `\(runtime.name)` lacks here; nothing was run without isolation")
    }
}
