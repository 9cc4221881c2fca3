package import ForgeEgress
package import ForgeModel
package import ForgeSystem

/// Runs one command over read-only layers and hands back what it wrote.
package protocol Sandbox: Sendable {
    /// For the build record: `crun 1.8.1`.
    var identity: String { get }

    /// Runs `request` and, once every process of it is dead, gives `collect` the result. Whatever was mounted or made for
    /// the run is gone when this returns or throws.
    ///
    /// `output` gets standard output and error as written, on a thread of its own; it may block, which holds the step back.
    /// - Throws: `ForgeError` when the sandbox itself could not be had or broke; `CancellationError` when the task was
    ///   cancelled. A command that fails is a result, not an error.
    func run<Value: Sendable>(
        _ request: SandboxRequest, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        collect: @Sendable (SandboxResult) async throws -> Value
    ) async throws -> Value
}

/// One command and all it may see.
package struct SandboxRequest: Sendable {
    /// Directories laid over each other, the top first; shared with others and never written.
    package let layers: [String]
    /// argv; the first element is found in `PATH`.
    package let command: [String]
    package let environment: [String: String]
    /// Below the workspace.
    package let workingDirectory: RelativePath
    package let limits: Step.Limits
    /// The servers the command may reach; nil for no network at all.
    package let network: EgressPolicy?
    package let system: SystemFiles
    /// Answers for some of these servers.
    package let responder: (any EgressResponder)?
    /// Toolchains.
    package var mounts: [ReadOnlyMount] = []

    package init(
        layers: [String], command: [String], environment: [String: String], workingDirectory: RelativePath, limits: Step.Limits,
        network: EgressPolicy? = nil, responder: (any EgressResponder)? = nil, system: SystemFiles = .host
    ) {
        self.layers = layers
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.limits = limits
        self.network = network
        self.system = system
        self.responder = responder
    }
}

package struct SandboxResult: Sendable {
    package enum Ending: Hashable, Sendable {
        case exited(Int32)
        case signaled(Int32)
        /// Stopped because of the limit named here.
        case exceeded(Limit)
    }

    /// The limits that end a step by themselves. Raw values are the codes a person can search for.
    package enum Limit: String, Sendable {
        case time = "limit.time"
        case memory = "limit.memory"
        case processes = "limit.processes"
        case disk = "limit.disk"
        case inodes = "limit.inodes"
        /// It failed, and said that it could open no more files: nothing else tells of this limit.
        case descriptors = "limit.descriptors"
        case log = "limit.log"
        /// Asked for one server again and again in vain.
        case egress = "limit.egress"
    }

    package internal(set) var ending: Ending
    package let duration: Duration
    /// The overlay's upper directory: all that the command created or changed, whiteouts and opaque marks included.
    package let upper: Descriptor
    /// Whom the command talked to or tried to, in order; empty without a network.
    package let egress: [EgressRecord]
    /// What the responder has to tell; nil without one.
    package let conclusion: EgressConclusion?

    package var succeeded: Bool { ending == .exited(0) }
}

/// Fixed facts of the inside, the same on every machine, so that no build can depend on the host's.
package enum SandboxWorld {
    package static let workspace = "/workspace"
    package static let home = "/home/build"
    package static let user = "build"
    package static let userID: UInt32 = 1000
    package static let hostname = "forge"
    /// What every command sees unless the plan says otherwise. Part of the action's key.
    package static let environment = [
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "USER": user, "TMPDIR": "/tmp", "LANG": "C.UTF-8", "TZ": "UTC", "CI": "true",
        // 1980-01-01, the first time a zip file can hold: tools that honour it print no clock into their output.
        "SOURCE_DATE_EPOCH": "315532800",
    ]
}
