internal import ForgeModel
internal import ForgeSystem
internal import Foundation
internal import Glibc

/// The OCI runtime-spec bundle of one step or server: `config.json` and the few files of `/etc`.
/// Source: OCI Runtime Specification 1.0.2, "Configuration" and "Linux Container Configuration".
struct OCIBundle {
    let ids: SandboxIDs
    /// Path of the group that the runtime is to make; nil where it makes none.
    let cgroup: String?
    let command: [String]
    let environment: [String: String]
    /// Below the workspace.
    let workingDirectory: RelativePath
    let limits: Limits
    /// Made by `forge-sandbox`, pid 1 of the namespace the runtime is in; otherwise by the runtime, with nothing in it.
    let hasNetwork: Bool
    /// Read-only besides what the layers' own mount says.
    let workspaceIsReadOnly: Bool
    /// No control group holds the limits: what can be held for each process is.
    var isWithoutGroups = false
    /// CA certificates, for a step with a network.
    var certificates = StepCertificates()
    var system = SystemFiles.host
    /// Where inside the helper's `--mount` folders go, in their order.
    var toolchains: [String] = []
    /// Folders below a read-only workspace that the helper made writable.
    var writable: [String] = []
    /// Files of /etc that replace or join the usual ones.
    var configuration: [String: String] = [:]

    struct Limits {
        let memoryBytes: Int64
        let processes: Int
        /// Cores; 0 = all of them.
        let cpus: Double
        /// Open at once in one process.
        var openFiles = Step.Limits.standardOpenFiles

        /// Threads count as processes, by id and user namespace; memory is each process's own.
        var perProcess: [RuntimeSpecification.ResourceLimit] {
            [("RLIMIT_NPROC", UInt64(processes)), ("RLIMIT_DATA", UInt64(memoryBytes))].map { .init(type: $0.0, hard: $0.1, soft: $0.1) }
        }
    }

    /// Tests take a layer away, to see that it is noticed. Nothing else sets it.
    var alteration: @Sendable (inout RuntimeSpecification) -> Void = { _ in }

    /// Where `forge-sandbox` mounts what the bundle refers to (its `STAGE`).
    private static let stage = "/run/forge"

    /// Folders and files of the host that programs below /usr expect in /etc; only those that exist are shown, read-only. Maven's settings,
    /// which may hold passwords, are not among them.
    private static let sharedConfiguration = [
        "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ld.so.cache", "/etc/fonts", "/etc/mime.types", "/etc/python3",
        "/etc/perl", "/etc/php", "/etc/magic", "/etc/maven/m2.conf", "/etc/maven/logging", "/etc/gnucobol",
    ]

    /// The same of programs of which a machine may have several versions.
    private static var versionedConfiguration: [String] {
        let names = (try? Files.list("/etc")) ?? []
        return names.sorted().filter { $0.wholeMatch(of: /python3\.[0-9]+|java-[0-9]+-openjdk/) != nil }.map { "/etc/\($0)" }
    }

    /// Writes `etc/` below `directory` and returns the `config.json`: in memory, because it holds the variables of the command.
    func write(to directory: String) throws -> Descriptor {
        try Files.makeDirectory("\(directory)/etc", mode: 0o700)
        if !certificates.isEmpty { try certificates.write(to: "\(directory)/\(Self.certificateFile)") }
        for (name, text) in Self.etc.merging(configuration, uniquingKeysWith: { $1 }) where system.isHosts || name != "os-release" {
            try Files.create("\(directory)/etc/\(name)", with: Array(text.utf8))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var specification = specification
        alteration(&specification)
        return try Descriptor.inMemory(Array(encoder.encode(specification)), name: "config.json")
    }

    /// The file in the run directory that `forge-sandbox` puts on the stage under the same name.
    private static let certificateFile = "operator.pem"

    /// Root without CAP_SYS_RESOURCE (in a container) cannot raise a limit above its own.
    private static var openFileLimit: UInt64 {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? UInt64(limit.rlim_max) : 1024
    }

    private static let etc = [
        "passwd": "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nbuild:x:1000:1000:build:/home/build:/bin/sh\n",
        "group": "root:x:0:\nbuild:x:1000:\n",
        "hosts": "127.0.0.1 localhost forge\n::1 localhost forge\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "os-release": "ID=forge\nNAME=Forge\n",
    ]

    private var specification: RuntimeSpecification {
        RuntimeSpecification(
            ociVersion: "1.0.2", process: process,
            root: .init(path: "\(Self.stage)/root", readonly: true), hostname: SandboxWorld.hostname, mounts: mounts, linux: linux)
    }

    private var process: RuntimeSpecification.Process {
        let openFiles = min(UInt64(limits.openFiles), Self.openFileLimit)
        let directory = workingDirectory.isRoot ? "" : "/" + workingDirectory.string
        return .init(
            terminal: false, user: .init(uid: SandboxWorld.userID, gid: SandboxWorld.userID, umask: 0o022), args: command,
            env: environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" },
            cwd: SandboxWorld.workspace + directory,
            capabilities: .init(bounding: [], effective: [], permitted: [], inheritable: [], ambient: []),
            rlimits: [
                .init(type: "RLIMIT_CORE", hard: 0, soft: 0),
                .init(type: "RLIMIT_NOFILE", hard: openFiles, soft: min(4096, openFiles)),
            ] + (isWithoutGroups ? limits.perProcess : []),
            noNewPrivileges: true)
    }

    private var mounts: [RuntimeSpecification.Mount] {
        var mounts: [RuntimeSpecification.Mount] = [
            .init(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            .init(
                destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "noexec", "mode=755", "size=64k", "nr_inodes=64"]),
            .init(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=64m", "nr_inodes=4096"]),
            .init(
                destination: SandboxWorld.workspace, type: "bind", source: "\(Self.stage)/workspace",
                options: ["bind", "nosuid", "nodev"] + (workspaceIsReadOnly ? ["ro"] : [])),
            .init(destination: "/tmp", type: "bind", source: "\(Self.stage)/disk/tmp", options: ["bind", "nosuid", "nodev"]),
            .init(destination: SandboxWorld.home, type: "bind", source: "\(Self.stage)/disk/own", options: ["bind", "nosuid", "nodev"]),
        ]
        mounts += writable.map { folder in
            .init(
                destination: "\(SandboxWorld.workspace)/\(folder)", type: "bind", source: "\(Self.stage)/workspace/\(folder)",
                options: ["bind", "nosuid", "nodev"])
        }
        mounts += systemMounts
        mounts += toolchains.enumerated().map { index, path in
            .init(destination: path, type: "bind", source: "\(Self.stage)/m\(index)", options: ["bind", "ro", "nosuid", "nodev"])
        }
        if !certificates.isEmpty {
            mounts.append(
                .init(
                    destination: SandboxWorld.caBundle, type: "bind", source: "\(Self.stage)/\(Self.certificateFile)",
                    options: ["bind", "ro", "nosuid", "nodev", "noexec"]))
        }
        return mounts
    }

    /// What of the host shows.
    private var systemMounts: [RuntimeSpecification.Mount] {
        guard system.isHosts else { return [] }
        return [.init(destination: "/usr", type: "bind", source: "\(Self.stage)/usr", options: ["rbind", "ro", "nosuid", "nodev"])]
            + (Self.sharedConfiguration + Self.versionedConfiguration).filter(Files.exists).map { path in
                .init(destination: path, type: "bind", source: path, options: ["bind", "ro", "nosuid", "nodev", "noexec"])
            }
    }

    private func namespace(_ type: String) -> String? { type == "network" && hasNetwork ? "/proc/1/ns/net" : nil }

    private var linux: RuntimeSpecification.Linux {
        return .init(
            uidMappings: ids.mappings, gidMappings: ids.mappings,
            namespaces: ["pid", "network", "ipc", "uts", "mount", "user", "cgroup"].map { .init(type: $0, path: namespace($0)) },
            cgroupsPath: cgroup.map { "/" + $0 },
            resources: cgroup == nil
                ? nil
                : .init(
                    memory: .init(limit: limits.memoryBytes, swap: limits.memoryBytes), pids: .init(limit: limits.processes),
                    cpu: limits.cpus > 0 ? .init(quota: Int64(limits.cpus * 100_000), period: 100_000) : nil),
            seccomp: SeccompProfile.allowList,
            maskedPaths: [
                "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
                "/proc/sched_debug", "/proc/scsi", "/proc/cmdline", "/proc/kallsyms", "/proc/kpagecount", "/proc/kpageflags",
                "/proc/vmallocinfo", "/proc/slabinfo", "/proc/pagetypeinfo", "/proc/iomem", "/proc/key-users", "/proc/modules",
                // Which machine this is, what else it does and what it is made of.
                "/proc/sys/kernel/random/boot_id", "/proc/interrupts", "/proc/softirqs", "/proc/diskstats", "/proc/partitions",
                "/proc/swaps",
                "/proc/buddyinfo", "/proc/zoneinfo", "/proc/ioports", "/proc/mtrr", "/proc/schedstat", "/proc/locks", "/proc/config.gz",
            ],
            readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"])
    }
}

extension OCIBundle {
    init(step request: SandboxRequest, ids: SandboxIDs, cgroup: String?) {
        let certificates = StepCertificates(for: request)
        let network = request.network.map { _ in SandboxWorld.networkEnvironment(hasCertificates: !certificates.isEmpty) } ?? [:]
        self.init(
            ids: ids, cgroup: cgroup, command: request.command, environment: network.merging(request.environment) { $1 },
            workingDirectory: request.workingDirectory,
            limits: Limits(
                memoryBytes: request.limits.memoryBytes, processes: request.limits.processes, cpus: request.limits.cpus,
                openFiles: request.limits.openFiles ?? Step.Limits.standardOpenFiles),
            hasNetwork: request.network != nil, workspaceIsReadOnly: false, certificates: certificates,
            system: request.system, toolchains: request.mounts.map(\.path))
    }
}
