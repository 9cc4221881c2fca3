internal import ForgeSystem
internal import Foundation

/// Base chains of nftables with the hook `forward` that are not Forge's: what the table `inet forge` accepts, each of them may still drop.
/// They are an administrator's, so nothing is added to them; it is found out which packets of servers they drop, and what would let them pass.
struct ForwardChains {
    /// One that drops what servers send or what they are answered.
    struct Closed: Hashable {
        let table: String
        let name: String
        /// Lines for a shell, in the order in which they are to be run.
        let remedy: [String]
    }

    private let chains: [ChainName: ForwardChain]
    /// The interfaces by which packets of servers leave this machine.
    private let uplinks: Set<String>

    /// - Parameter listing: what `nft -j list ruleset` prints.
    init(parsing listing: String, uplinks: Set<String>) throws {
        let objects = try JSONDecoder().decode(Ruleset.self, from: Data(listing.utf8)).nftables
        var chains: [ChainName: ForwardChain] = [:]
        for chain in objects.compactMap(\.chain) {
            chains[ChainName(chain.family, chain.table, chain.name)] = ForwardChain(hook: chain.hook, drops: chain.policy == "drop")
        }
        for rule in objects.compactMap(\.rule) { chains[ChainName(rule.family, rule.table, rule.chain)]?.rules.append(rule) }
        self.chains = chains
        self.uplinks = uplinks
    }

    /// Those that drop, by name.
    /// - Parameter ours: whether Forge opens iptables' own chain by itself.
    func closed(iptablesIsOpened ours: Bool) -> [Closed] {
        let foreign = chains.filter { name, chain in
            chain.hook == "forward" && ["ip", "inet"].contains(name.family) && (name.family, name.table) != ("inet", "forge")
                && !(ours && name == ChainName("ip", "filter", "FORWARD"))
        }
        return foreign.sorted { $0.key < $1.key }.compactMap { name, chain in
            let remedy = Self.wanted.compactMap { packets, rule -> String? in
                guard let place = packets.lazy.compactMap({ end(of: $0, in: chain, name) }).first else { return nil }
                return place.map { "sudo nft insert rule \(name) handle \($0) '\(rule)'" } ?? "sudo nft add rule \(name) '\(rule)'"
            }
            return remedy.isEmpty ? nil : Closed(table: "\(name.family) \(name.table)", name: name.chain, remedy: remedy)
        }
    }

    /// What has to pass, and the rule that lets it.
    private static let wanted: [(packets: [ForwardedPacket], rule: String)] = [
        ([.calling("new"), .calling("established")], "iifname \"\(NetworkSlot.interfacePrefix)*\" accept"),
        ([.answering], "oifname \"\(NetworkSlot.interfacePrefix)*\" ct state established,related accept"),
    ]

    /// Where a packet is dropped: at the rule of the chain with this handle, or (nil inside) by the policy; nil when it passes.
    private func end(of packet: ForwardedPacket, in chain: ForwardChain, _ name: ChainName) -> Int?? {
        for rule in chain.rules {
            switch outcome(of: rule, packet, name, depth: 0) {
            case .accept: return nil
            case .drop: return rule.handle
            case .leave: return chain.drops ? .some(nil) : nil
            case nil: continue
            }
        }
        return chain.drops ? .some(nil) : nil
    }

    private enum Outcome { case accept, drop, leave }

    /// What a rule certainly does with such a packet; nil where it goes on to the next, or that depends on more than is known.
    private func outcome(of rule: Ruleset.Rule, _ packet: ForwardedPacket, _ name: ChainName, depth: Int) -> Outcome? {
        for statement in rule.expr {
            switch statement {
            case .nothing: continue
            case .match(let match): if packet.certainlyPasses(match, uplinks: uplinks) { continue } else { return nil }
            case .states(let verdicts):
                guard let verdict = verdicts[packet.state] else { return nil }
                return outcome(of: verdict, packet, name, depth)
            case .verdict(let verdict): return outcome(of: verdict, packet, name, depth)
            case .unknown: return nil
            }
        }
        return nil
    }

    private func outcome(of verdict: Ruleset.Verdict, _ packet: ForwardedPacket, _ name: ChainName, _ depth: Int) -> Outcome? {
        switch verdict {
        case .accept: return .accept
        case .drop: return .drop
        case .leave: return .leave
        case .proceed: return nil
        case .call(let target, let returns):
            // The kernel has no more levels either.
            guard depth < 16, let chain = chains[ChainName(name.family, name.table, target)] else { return nil }
            let ends = chain.rules.lazy.compactMap { outcome(of: $0, packet, name, depth: depth + 1) }
            switch ends.first {
            case .accept: return .accept
            case .drop: return .drop
            case .leave, nil: return returns ? nil : .leave
            }
        }
    }
}

/// A base chain or one that others call.
private struct ForwardChain {
    let hook: String?
    let drops: Bool
    var rules: [Ruleset.Rule] = []
}

/// A packet that has to pass for servers to have a network.
private struct ForwardedPacket {
    let isFromServer: Bool
    /// As connection tracking names it.
    let state: String

    static func calling(_ state: String) -> ForwardedPacket { ForwardedPacket(isFromServer: true, state: state) }
    static let answering = ForwardedPacket(isFromServer: false, state: "established")

    /// Whether all packets of this kind match.
    func certainlyPasses(_ match: Ruleset.Match, uplinks: Set<String>) -> Bool {
        switch match.what {
        case .state: return match.values.contains(state) != match.isNegated
        case .family: return match.values.contains("ipv4") != match.isNegated
        case .input, .output:
            let isServers = (match.what == .input) == isFromServer
            // Of servers' interfaces and others it is known that they differ, where a rule names either.
            if match.isNegated { return isServers ? !match.values.contains(where: namesServers) : match.values.allSatisfy(isServersOwn) }
            if isServers { return match.values.contains { $0.hasSuffix("*") && NetworkSlot.interfacePrefix.hasPrefix($0.dropLast()) } }
            return !uplinks.isEmpty && uplinks.allSatisfy { uplink in match.values.contains { Self.matches(uplink, $0) } }
        }
    }

    /// Whether some server's interface may be meant.
    private func namesServers(_ pattern: String) -> Bool {
        let start = pattern.prefix { $0 != "*" }
        return start.hasPrefix(NetworkSlot.interfacePrefix) || pattern.hasSuffix("*") && NetworkSlot.interfacePrefix.hasPrefix(start)
    }

    private func isServersOwn(_ pattern: String) -> Bool { pattern.hasPrefix(NetworkSlot.interfacePrefix) }

    private static func matches(_ name: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }
}

private struct ChainName: Hashable, Comparable, CustomStringConvertible {
    let family: String
    let table: String
    let chain: String

    init(_ family: String, _ table: String, _ chain: String) { (self.family, self.table, self.chain) = (family, table, chain) }

    var description: String { "\(family) \(table) \(chain)" }

    static func < (one: ChainName, other: ChainName) -> Bool { one.description < other.description }
}
