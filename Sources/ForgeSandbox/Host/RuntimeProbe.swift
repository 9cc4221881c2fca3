internal import ForgeModel
internal import ForgeSystem
internal import Synchronization

/// A container that must come up, and tell from its inside that the layers hold: what a version number does not prove.
struct RuntimeProbe {
    /// Read by a process of the container about itself.
    private static let files = ["/proc/self/status", "/proc/self/uid_map"]

    let sandbox: OCISandbox

    /// - Throws: `ForgeError` with the layer that is missing, or `sandbox.runtime-broken` with what the runtime said.
    func run(in directory: String) async throws {
        let layer = try TemporaryDirectory(in: directory, prefix: "probe")
        defer { try? layer.remove() }
        let heard = Mutex<[UInt8]>([])
        let limits = Step.Limits(timeoutSeconds: 20, memoryBytes: 64 << 20, processes: 16, cpus: 1, diskBytes: 16 << 20, logBytes: 1 << 16)
        let request = SandboxRequest(
            layers: [layer.path], command: ["cat"] + Self.files, environment: SandboxWorld.environment, workingDirectory: .root,
            limits: limits)
        let ending = try await sandbox.run(request, output: { bytes in heard.withLock { $0.append(contentsOf: bytes) } }) { $0.ending }
        guard ending == .exited(0) else { throw broken("its container ended with \(ending)") }
        if let fault = Self.fault(in: heard.withLock { String(decoding: $0, as: UTF8.self) }, hasOwnKernel: sandbox.runtime.hasOwnKernel) {
            throw broken(fault)
        }
    }

    /// What a container must say about its first process, and what it means when it does not.
    private static let expected = [
        ("Uid:", "1000 1000 1000 1000", "its process is not uid 1000"), ("CapEff:", "0000000000000000", "its process has capabilities"),
        ("CapBnd:", "0000000000000000", "its process could get capabilities"), ("NoNewPrivs:", "1", "it does not set no_new_privs"),
        ("Seccomp:", "2", "it does not load the seccomp filter"),
    ]

    /// Nil when all is as it must be; of a runtime with a kernel of its own, what that kernel tells of filters says nothing.
    static func fault(in text: String, hasOwnKernel: Bool) -> String? {
        let expected = hasOwnKernel ? Array(Self.expected.prefix(3)) : Self.expected
        let lines = text.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        for (key, value, fault) in expected where !lines.contains("\(key) \(value)") { return fault }
        // The last line is the id map: the whole of the host's ids is no map.
        return lines.last == "0 0 4294967295" ? "it has no user namespace" : nil
    }

    private func broken(_ what: String) -> ForgeError {
        let runtime = sandbox.runtime
        return ForgeError(
            .build, "sandbox.runtime-broken", "`\(runtime.name)` \(runtime.version) cannot be trusted here: \(what)",
            hint: "install another: `apt-get install \(runtime.name == "crun" ? "runc" : "crun")`")
    }
}

/// Which OCI runtimes are installed, and whether each really starts a container here.
package struct RuntimeExamination: Sendable {
    let helper: String
    let directory: String
    let examination: HostExamination

    /// - Parameters:
    ///   - helper: absolute path of `forge-sandbox`.
    ///   - directory: where run directories and step disks are made.
    package init(helper: String, directory: String, examination: HostExamination) {
        self.helper = helper
        self.directory = directory
        self.examination = examination
    }

    /// One finding for each known runtime; the first that works is what builds use.
    package func findings(preferred: String?) async -> [HostFinding] {
        var findings: [HostFinding] = []
        for name in OCIRuntime.known { findings.append(await finding(name, isChosen: preferred == name)) }
        let works =
            preferred.map { name in findings.contains { $0.id == name && $0.state == .ok } } ?? findings.contains { $0.state == .ok }
        guard !works, examination.fatal == nil else { return findings }
        let name = preferred ?? "any runtime"
        return findings + [
            HostFinding(
                "runtime", "OCI runtime", .missing, "\(name) does not start a container here", remedy: "sudo apt-get install crun",
                isRequired: true)
        ]
    }

    private func finding(_ name: String, isChosen: Bool) async -> HostFinding {
        let chosen = isChosen ? ", chosen by config.toml" : ""
        let runtime: OCIRuntime
        do { runtime = try await OCIRuntime.find(preferred: name, for: examination.user) } catch {
            let remedy = OCIRuntime.packages[name].map { "sudo apt-get install \($0)" }
            return HostFinding(name, name, .missing, "not installed\(chosen)", remedy: isChosen ? remedy : nil)
        }
        if let fatal = examination.fatal {
            return HostFinding(name, name, .limited, "\(runtime.version), not tried: \(fatal.name) missing\(chosen)")
        }
        do {
            let started = ContinuousClock.now
            let options = SandboxInstallation.Options(runtime: name, groupsAreOptional: examination.groupsAreOptional)
            let found = try await SandboxInstallation.find(helper: helper, directory: directory, options: options)
            var copies = false
            if !found.isRootless { copies = !(try await IDMapping.isAvailable(helper: helper, for: directory, examination)) }
            try await RuntimeProbe(sandbox: OCISandbox(installation: found.copyingLayers(copies))).run(in: directory)
            let time = Int((ContinuousClock.now - started) / .milliseconds(1))
            return HostFinding(name, name, .ok, "\(runtime.version), started a container in \(time) ms\(chosen)")
        } catch {
            let reason = (error as? ForgeError)?.message ?? "\(error)"
            return HostFinding(
                name, name, .limited, "\(runtime.version), cannot start a container: \(reason)\(chosen)",
                remedy: (error as? ForgeError)?.hint)
        }
    }
}
