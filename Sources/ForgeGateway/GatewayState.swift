internal import ForgeSystem
internal import FoundationEssentials

/// A gateway that runs: who and where. Written to a state file beside which the gateway holds a lock for as long as it lives.
package struct GatewayState: Hashable, Sendable, Codable {
    package let pid: Int32
    /// The address it is bound to.
    package let address: String
    package let port: Int

    package init(pid: Int32, address: String, port: Int) {
        self.pid = pid
        self.address = address
        self.port = port
    }

    /// The gateway that lives behind the state file `path`; nil when none does. Blocks.
    package static func read(_ path: String) throws -> GatewayState? {
        guard Files.exists(lockPath(path)), try FileLock.attempt(lockPath(path), exclusive: false) == nil,
            let bytes = try Files.read(path, limit: 1 << 16)
        else { return nil }
        // A gateway that is just starting has the lock but has not written yet.
        return try? JSONDecoder().decode(GatewayState.self, from: Data(bytes))
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try Files.writeAtomically([UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")], to: path)
    }

    /// The control socket of the gateway whose state file is `path`.
    package static func controlPath(_ path: String) -> String {
        (path.hasSuffix(".json") ? String(path.dropLast(".json".count)) : path) + ".sock"
    }

    static func lockPath(_ path: String) -> String { path + ".lock" }

    /// The lock of a gateway; nil when another holds it. Asks again a few times, for `read` holds it for a moment too.
    static func claim(_ path: String) async throws -> FileLock? {
        try await BlockingPool.run { try Files.makeDirectory(Files.parent(of: path)) }
        for _ in 0..<20 {
            if let lock = try await BlockingPool.run({ try FileLock.attempt(lockPath(path)) }) { return lock }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }
}
