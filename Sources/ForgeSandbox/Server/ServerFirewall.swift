internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// What keeps servers with a network apart from this machine and from each other: one table of nftables, and packet
/// forwarding where servers need it.
enum ServerFirewall {
    /// Puts the table in place, atomically, over whatever stood there; idempotent.
    /// - Throws: `ForgeError`: no server with a network may start then.
    static func raise() async throws {
        let resolvers = try NameServers.ofThisMachine().addresses
        let guarded = try forwardOnUplinks()
        let result = try await NetworkTool.nft.run(["-f", "-"], input: rules(resolvers: resolvers, guarded: guarded))
        guard result.succeeded else {
            throw ForgeError(
                .deploy, "server.firewall", "the rules that keep servers apart cannot be put in place: \(result.failure)",
                hint: "servers need a kernel with nf_tables and NAT; without it they can run with a closed network only")
        }
        try await ForwardFilter.letServersPass()
    }

    /// - Parameters:
    ///   - resolvers: reachable at port 53 even where they are link-local, as some clouds' are.
    ///   - guarded: interfaces that forward only because of Forge: nobody out there may use this machine as a router.
    static func rules(resolvers: [String], guarded: [String]) -> String {
        let servers = "\"\(NetworkSlot.interfacePrefix)*\""
        let reject = "reject with icmpx type admin-prohibited"
        let names = resolvers.isEmpty ? "" : "iifname \(servers) ip daddr { \(resolvers.joined(separator: ", ")) } th dport 53 accept"
        let uplinks = guarded.isEmpty ? "" : "iifname { \(guarded.map { "\"\($0)\"" }.joined(separator: ", ")) } ct state new drop"
        return """
            table inet forge {}
            delete table inet forge
            table inet forge {
                chain input {
                    type filter hook input priority filter - 10; policy accept;
                    iifname \(servers) \(reject)
                }
                chain output {
                    type filter hook output priority filter - 10; policy accept;
                    oifname \(servers) ct state established,related accept
                    oifname \(servers) \(reject)
                }
                chain forward {
                    type filter hook forward priority filter - 10; policy accept;
                    oifname \(servers) ct state established,related accept
                    oifname \(servers) \(reject)
                    iifname \(servers) meta nfproto ipv6 \(reject)
                    \(names)
                    iifname \(servers) ip daddr { 169.254.0.0/16, 100.100.100.200, 192.0.0.192, \(NetworkSlot.addresses) } \(reject)
                    iifname \(servers) ip daddr 168.63.129.16 tcp dport { 80, 32526 } \(reject)
                    iifname \(servers) accept
                    ct status dnat accept
                    \(uplinks)
                }
                chain postrouting {
                    type nat hook postrouting priority srcnat; policy accept;
                    ip saddr \(NetworkSlot.addresses) oifname != \(servers) masquerade
                }
            }

            """
    }

    private static let marks = "/run/forge/forwarding"

    /// Lets answers in: the kernel forwards what came in by an interface that forwards. Returns the interfaces that do so
    /// only for Forge, which outlives this process until the next boot, like the setting.
    private static func forwardOnUplinks() throws -> [String] {
        try Files.makeDirectory(marks, mode: 0o700)
        for uplink in try uplinks() {
            let setting = "/proc/sys/net/ipv4/conf/\(uplink)/forwarding"
            guard try Files.read(setting)?.first == UInt8(ascii: "0") else { continue }
            try Files.writeAtomically([], to: "\(marks)/\(uplink)")
            do { try Descriptor.open(setting, O_WRONLY).write(Array("1".utf8), to: setting) } catch {
                throw ForgeError(
                    .deploy, "server.forwarding", "`\(uplink)` cannot be made to forward packets to servers",
                    hint: "set `net.ipv4.conf.\(uplink).forwarding=1`, or run servers with a closed network", cause: error)
            }
        }
        return try Files.list(marks).filter { !$0.hasSuffix(".tmp") }.sorted()
    }

    /// The interfaces with a default route. A name that nftables would have to quote is left alone.
    static func uplinks() throws -> Set<String> {
        let table = String(decoding: try Files.read("/proc/net/route") ?? [], as: UTF8.self)
        return Set(
            table.split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(whereSeparator: \.isWhitespace)
                guard fields.count > 7, fields[1] == "00000000", fields[7] == "00000000" else { return nil }
                return fields[0].allSatisfy { $0.isLetter || $0.isNumber || "._-".contains($0) } ? String(fields[0]) : nil
            })
    }
}
