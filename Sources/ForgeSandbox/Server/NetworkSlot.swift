internal import ForgeModel
internal import ForgeSystem

/// One of this machine's places for a server with a network: the name of the interface on the host and a /30 of
/// 198.18.0.0/15, which is set aside for use inside one machine or laboratory (RFC 2544).
///
/// Claimed for the machine, not for one Forge home: interfaces and addresses are the machine's. The lock is inherited by
/// `forge-sandbox`, so a killed Forge gives its slot back once the last process with it is gone.
struct NetworkSlot: Sendable {
    /// Of all servers together, both ends.
    static let addresses = "198.18.0.0/15"
    static let interfacePrefix = "fg"
    private static let count = 4096
    private static let directory = "/run/forge/networks"

    let number: Int
    let lock: FileLock

    /// - Throws: `ForgeError` when all are taken.
    static func claim() throws -> NetworkSlot {
        try Files.makeDirectory(directory, mode: 0o700)
        for number in 0..<count {
            if let lock = try FileLock.attempt("\(directory)/\(number)") { return NetworkSlot(number: number, lock: lock) }
        }
        throw ForgeError(.deploy, "server.no-network", "all \(count) networks for servers are in use", hint: "stop some servers")
    }

    var interface: String { "\(Self.interfacePrefix)\(number)" }
    /// The host's end, the server's default route.
    var gateway: String { address(1) }
    /// The server's own.
    var address: String { address(2) }

    private func address(_ host: Int) -> String {
        let offset = number * 4 + host
        return "198.\(18 + offset >> 16).\(offset >> 8 & 0xFF).\(offset & 0xFF)"
    }

    /// Takes the interface away, should it still be there: its namespace lives as long as any socket made in it.
    func removeInterface() async throws { try await Self.remove(interface) }

    private static func remove(_ interface: String) async throws {
        guard Files.exists("/sys/class/net/\(interface)") else { return }
        // It may go by itself meanwhile: only what is still there afterwards is a failure.
        let result = try await NetworkTool.ip.run(["link", "delete", interface])
        guard Files.exists("/sys/class/net/\(interface)") else { return }
        throw ForgeError(.deploy, "server.network", "the interface `\(interface)` cannot be removed: \(result.failure)")
    }

    /// Removes the interfaces whose holders no longer live.
    static func sweep() async throws {
        for name in try Files.list("/sys/class/net") where name.hasPrefix(interfacePrefix) {
            guard let number = Int(name.dropFirst(interfacePrefix.count)), (0..<count).contains(number) else { continue }
            guard let lock = try FileLock.attempt("\(directory)/\(number)") else { continue }
            try await remove(name)
            withExtendedLifetime(lock) {}
        }
    }
}
