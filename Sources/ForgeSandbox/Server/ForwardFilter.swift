internal import ForgeModel
internal import ForgeSystem

/// The chain `FORWARD` of iptables, which all programs of a machine share. Docker, ufw and others have it drop what nobody
/// asked for, and what one table accepts another may still drop: so packets of servers need a rule there as well.
enum ForwardFilter {
    /// Appends the rules that are missing; changes nothing where packets pass anyway. They outlive this process until someone
    /// flushes the chain, as their interfaces' names are Forge's alone; the table `inet forge` says what servers may reach.
    /// - Throws: `ForgeError`: a server would start, and reach nobody.
    static func letServersPass() async throws {
        for program in try programs() where try await !isOpen(program) { try await open(program) }
    }

    private static func isOpen(_ program: String) async throws -> Bool {
        missing(from: try await NetworkTool.run(program, ["-w", "10", "-S", "FORWARD"]).output).isEmpty
    }

    /// One process of the machine at a time, or each would append the same.
    private static func open(_ program: String) async throws {
        let lock = try await FileLock.acquire("/run/forge/forward.lock")
        let listing = try await NetworkTool.run(program, ["-w", "10", "-S", "FORWARD"]).output
        for rule in missing(from: listing) {
            let result = try await NetworkTool.run(program, ["-w", "10"] + rule)
            guard !result.succeeded else { continue }
            throw ForgeError(
                .deploy, "server.forward-filter", "this machine's firewall drops what servers send: \(result.failure)",
                hint: "run `\((["iptables"] + rule).joined(separator: " "))`, or run servers with a closed network")
        }
        withExtendedLifetime(lock) {}
    }

    /// Rules that let servers call out and hear the answers, as arguments of iptables.
    static let rules = [
        ["-i", "\(NetworkSlot.interfacePrefix)+", "-j", "ACCEPT"],
        ["-o", "\(NetworkSlot.interfacePrefix)+", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
    ]

    /// What is to be run so that the chain as `iptables -S FORWARD` prints it lets servers' packets pass. An administrator's
    /// rules stay ahead of it: it goes to the end, or right before what refuses all the rest.
    static func missing(from listing: String) -> [[String]] {
        let lines = listing.split(separator: "\n").map(String.init)
        let chain = lines.filter { $0.hasPrefix("-A FORWARD ") }
        let refusal = chain.firstIndex { $0.hasPrefix("-A FORWARD -j DROP") || $0.hasPrefix("-A FORWARD -j REJECT") }
        guard refusal != nil || lines.contains("-P FORWARD DROP") else { return [] }
        let passing = chain[..<(refusal ?? chain.endIndex)]
        let wanted = rules.filter { !passing.contains((["-A", "FORWARD"] + $0).joined(separator: " ")) }
        let place = refusal.map { ["-I", "FORWARD", "\($0 + 1)"] } ?? ["-A", "FORWARD"]
        return wanted.map { place + $0 }
    }

    private static let newer = "iptables-nft"

    /// Whether the chain `ip filter FORWARD` of nftables, where it is there, is one that this opens.
    static var opensNewerKind: Bool { path(newer) != nil }

    private static func path(_ name: String) -> String? { NetworkTool.directories.map { "\($0)/\(name)" }.first(where: Files.exists) }

    /// iptables of each kind whose rules this kernel applies. The older kind is asked only where its table is there: asking
    /// would make one.
    private static func programs() throws -> [String] {
        let older = String(decoding: try Files.read("/proc/net/ip_tables_names") ?? [], as: UTF8.self).split(separator: "\n")
        let names = [newer] + (older.contains("filter") ? ["iptables-legacy"] : [])
        return names.compactMap(path)
    }
}
