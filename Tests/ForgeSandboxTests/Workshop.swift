import ForgeEgress
import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Synchronization

/// One sandbox world in a folder of its own, over a layer with the given files.
struct Workshop: ~Copyable {
    let root: String
    let sandbox: OCISandbox

    init(_ runtime: String? = nil, files: [String: String] = [:]) async throws {
        root = NSTemporaryDirectory() + "/forge-sandbox-test-" + UUID().uuidString
        try Files.makeDirectory(root + "/layer", mode: 0o755)
        for (name, text) in files {
            let path = "\(root)/layer/\(name)"
            try Files.makeDirectory(Files.parent(of: path))
            try Files.writeAtomically(Array(text.utf8), to: path)
        }
        sandbox = try await OCISandbox.open(
            helper: BuildProducts.executable("forge-sandbox"), directory: root + "/sandboxes", runtime: runtime)
    }

    struct Outcome {
        let ending: SandboxResult.Ending
        let output: String
        /// The names in the overlay's upper directory.
        let written: [String]
        let egress: [EgressRecord]
    }

    func run(
        _ line: String, limits: Step.Limits = .small, network: EgressPolicy? = nil, without layers: Set<SandboxLayer> = [],
        onStart: @escaping @Sendable () -> Void = {}
    ) async throws -> Outcome {
        let output = Mutex<[UInt8]>([])
        let request = SandboxRequest(
            layers: [root + "/layer"], command: ["/bin/sh", "-c", line], environment: SandboxWorld.environment, workingDirectory: .root,
            limits: limits, network: network)
        var sandbox = sandbox
        sandbox.without = layers
        return try await sandbox.run(
            request,
            output: { bytes in
                output.withLock { $0.append(contentsOf: bytes) }
                onStart()
            }
        ) { result in
            let written = try Files.list("/proc/self/fd/\(result.upper.raw)").sorted()
            return Outcome(
                ending: result.ending, output: output.withLock { String(decoding: $0, as: UTF8.self) }, written: written,
                egress: result.egress)
        }
    }

    /// Run directories, mounts, loop devices and cgroups that name this workshop's steps.
    func leftovers() throws -> [String] {
        var found = try Files.list(root + "/sandboxes").filter { $0.hasPrefix("step-") }
        let mounts = String(decoding: try Files.read("/proc/self/mounts") ?? [], as: UTF8.self)
        found += mounts.split(separator: "\n").filter { $0.contains(root) }.map(String.init)
        return found
    }

    deinit { try? Files.removeTree(root) }
}

extension Step.Limits {
    static let small = Step.Limits(
        timeoutSeconds: 30, memoryBytes: 256 << 20, processes: 64, cpus: 0, diskBytes: 64 << 20, logBytes: 1 << 20)

    func with(_ change: (inout Step.Limits) -> Void) -> Step.Limits {
        var limits = self
        change(&limits)
        return limits
    }
}
