internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Where deployed servers run: the hardening of `OCISandbox`, with the artifact read-only and a network of their own.
package struct ServerSandbox: Sendable {
    let installation: SandboxInstallation
    let network: ServerNetwork

    /// For the release's record: `crun 1.8.1`.
    package var identity: String { "\(installation.runtime.name) \(installation.runtime.version)" }

    /// Checks that this machine can isolate servers, puts the firewall in place and removes what a killed Forge left.
    /// - Parameters:
    ///   - helper: absolute path of `forge-sandbox`.
    ///   - directory: where run directories and disks are made.
    ///   - network: the most that any server here may have; `.closed` needs neither `ip` nor `nft`.
    /// - Throws: `ForgeError` naming what is missing and what to install; there is no silent fallback.
    package static func open(
        helper: String, directory: String, runtime: String? = nil, network: ServerNetwork = .open
    ) async throws -> ServerSandbox {
        let needsRoot = ForgeError(
            .deploy, "sandbox.needs-root",
            "running servers needs root for now: id ranges, id-mapped files and networks are the kernel's to give",
            hint: "run the gateway with `sudo`; the servers themselves never run as root")
        guard geteuid() == 0 else { throw needsRoot }
        let installation = try await SandboxInstallation.open(helper: helper, directory: directory, options: .init(runtime: runtime))
        if network == .open {
            try NetworkTool.checkAll()
            try await NetworkSlot.sweep()
            try await ServerFirewall.raise()
        }
        return ServerSandbox(installation: installation, network: network)
    }
}

/// What one server holds of the machine while it runs.
struct ServerPlace: Sendable {
    let home: TemporaryDirectory
    let range: IDRange
    let slot: NetworkSlot?

    var group: ControlGroup { ControlGroup(ofRun: home.path) }

    static func claim(in sandbox: ServerSandbox, network: ServerNetwork) throws -> ServerPlace {
        guard network == .closed || sandbox.network == .open else {
            throw ForgeError(.deploy, "server.closed", "this sandbox was opened for servers without a network")
        }
        let directory = sandbox.installation.directory
        return ServerPlace(
            home: try TemporaryDirectory(in: directory, prefix: "server"), range: try IDRange.claim(in: "\(directory)/ids"),
            slot: network == .open ? try NetworkSlot.claim() : nil)
    }

    /// Bundle, disk and a firewall that stands: someone may have flushed it since the sandbox was opened.
    func prepare(_ request: ServerRequest) async throws -> Descriptor {
        let bundle = try OCIBundle(server: request, ids: .range(base: range.base), cgroup: group.name)
        let path = home.path
        let configuration = try await BlockingPool.run { try bundle.write(to: path) }
        try await StepDisk.create(at: "\(path)/disk.img", bytes: request.limits.diskBytes, inodes: Step.Limits.standardInodes)
        if let slot {
            try await slot.removeInterface()
            try await ServerFirewall.raise()
        }
        return configuration
    }

    func arguments(for request: ServerRequest) -> [String] {
        let network = slot.map { ["--interface", $0.interface, "--address", $0.address, "--gateway", $0.gateway] } ?? []
        return ["--mode", "server", "--layer", request.root] + request.mounts.flatMap { ["--mount", $0.source] } + request.system.arguments
            + request.writable.flatMap { ["--writable", $0.string] } + network
    }

    /// Gives everything back. Call once every process of the server is dead.
    func remove() async {
        try? await slot?.removeInterface()
        await group.remove()
        let home = home
        try? await BlockingPool.run { try home.remove() }
    }
}

extension OCIBundle {
    /// - Throws: `SystemError` when the host's resolvers cannot be read.
    init(server request: ServerRequest, ids: SandboxIDs, cgroup: String) throws {
        let limits = request.limits
        self.init(
            ids: ids, cgroup: cgroup, command: request.command,
            environment: SandboxWorld.serverEnvironment.merging(request.environment) { $1 }, workingDirectory: request.directory,
            limits: Limits(memoryBytes: limits.memoryBytes, processes: limits.processes, cpus: limits.cpus), hasNetwork: true,
            workspaceIsReadOnly: !request.writable.contains(.root), system: request.system)
        toolchains = request.mounts.map(\.path)
        writable = request.writable.contains(.root) ? [] : request.writable.map(\.string)
        guard request.network == .open else { return }
        configuration = [
            "resolv.conf": try NameServers.ofThisMachine().text,
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        ]
    }
}
