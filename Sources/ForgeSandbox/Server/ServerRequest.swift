package import ForgeModel

/// A server and all it may see.
package struct ServerRequest: Sendable {
    /// Absolute directory with the artifact's files: shared with others and never written; shown read-only at
    /// `SandboxWorld.workspace`, as owned by the user inside, but for the folders of `writable`.
    package let root: String
    /// argv; the first element is found in `PATH`. Runs in the workspace, or in `directory` below it.
    package let command: [String]
    package let directory: RelativePath
    /// Laid over `SandboxWorld.serverEnvironment`; nothing else is set.
    package let environment: [String: String]
    package let limits: ServerLimits
    package let network: ServerNetwork
    package let system: SystemFiles
    /// Toolchains.
    package var mounts: [ReadOnlyMount] = []
    /// Folders below the workspace that may be written to, on the server's own disk; made where they are not there.
    package var writable: [RelativePath] = []

    package init(
        root: String, command: [String], directory: RelativePath = .root, environment: [String: String],
        limits: ServerLimits = .standard, network: ServerNetwork = .open, system: SystemFiles = .host
    ) {
        self.root = root
        self.command = command
        self.directory = directory
        self.environment = environment
        self.limits = limits
        self.network = network
        self.system = system
    }
}

/// What a server may use. Exceeding `memoryBytes` kills it; the others are refused to it.
package struct ServerLimits: Hashable, Sendable, Codable {
    package var memoryBytes: Int64
    package var processes: Int
    /// Cores; 0 = all of them.
    package var cpus: Double
    /// Of `/tmp`, the home and writable folders together; all else is read-only.
    package var diskBytes: Int64

    package static let standard = ServerLimits(memoryBytes: 512 << 20, processes: 512, cpus: 0, diskBytes: 1 << 30)

    package init(memoryBytes: Int64, processes: Int, cpus: Double, diskBytes: Int64) {
        self.memoryBytes = memoryBytes
        self.processes = processes
        self.cpus = cpus
        self.diskBytes = diskBytes
    }
}

/// Whom a server may call. Nobody but the holder of its `RunningServer` may call it, either way.
package enum ServerNetwork: String, Hashable, Sendable, Codable {
    /// The internet and private networks over IPv4; not this machine, link-local and metadata addresses, or other servers.
    case open
    /// Its own loopback only.
    case closed
}

extension SandboxWorld {
    /// What every server sees unless its request says otherwise. Without `CI` and `SOURCE_DATE_EPOCH`, which are about builds.
    package static let serverEnvironment = environment.filter { $0.key != "CI" && $0.key != "SOURCE_DATE_EPOCH" }
}
