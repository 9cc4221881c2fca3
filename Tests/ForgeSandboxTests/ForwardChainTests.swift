import ForgeSystem
import ForgeTestSupport
import Foundation
import Testing

@testable import ForgeSandbox

/// Whether rules that others made let packets of servers pass. The listings are nft's own, of rules in a network that is this test's alone.
@Suite struct ForwardChainTests {
    private static let calling = "'iifname \"fg*\" accept'"
    private static let answers = "'oifname \"fg*\" ct state established,related accept'"

    private static func closed(_ rules: String, ours: Bool = true) async throws -> [ForwardChains.Closed] {
        let result = try await ChildProcess.output(
            .init(
                "/usr/bin/unshare", ["-n", "/bin/sh", "-c", "printf '%s' \"$0\" | nft -f - && nft -j -t list ruleset", rules],
                environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]))
        guard result.status.isSuccess else { throw TestSupportError(String(decoding: result.error, as: UTF8.self)) }
        return try ForwardChains(parsing: String(decoding: result.output, as: UTF8.self), uplinks: ["eth0"]).closed(iptablesIsOpened: ours)
    }

    /// One chain with the hook `forward` of a table `inet filter`.
    private static func chain(_ policy: String, _ rules: [String]) -> String {
        """
        table inet filter {
            chain none { ct state invalid drop; return; }
            chain ours { iifname "fg*" accept; ct state established,related counter accept; }
            chain rest { jump none; log prefix "no " reject; }
            chain forward { type filter hook forward priority 0; policy \(policy); \(rules.map { "\($0); " }.joined()) }
        }
        """
    }

    @Test(arguments: [
        ("accept", []),
        ("accept", ["iifname \"eth1\" drop", "ct state invalid drop", "ip saddr 10.0.0.0/8 drop"]),
        ("drop", ["accept"]),
        ("drop", ["iifname \"fg*\" accept", "oifname \"fg*\" ct state established,related accept"]),
        (
            "drop",
            ["ct state vmap { established : accept, related : accept, invalid : drop }", "iifname \"fg*\" ct state new counter accept"]
        ),
        ("drop", ["ct state { established, related } accept", "iifname { \"lan0\", \"fg*\" } oifname \"eth*\" accept"]),
        ("drop", ["iifname != \"eth0\" accept", "ct state != { new, invalid } accept"]),
        ("drop", ["jump none", "meta nfproto ipv4 meta mark set 1 jump ours", "goto rest"]),
        ("accept", ["goto ours", "drop"]),
    ])
    func rulesThatLetServersPassAreFoundWhateverTheyAreWrittenLike(policy: String, rules: [String]) async throws {
        #expect(try await Self.closed(Self.chain(policy, rules)) == [])
    }

    @Test(arguments: [
        ("drop", [], ["add rule inet filter forward \(calling)", "add rule inet filter forward \(answers)"]),
        ("drop", ["ct state established,related accept"], ["add rule inet filter forward \(calling)"]),
        ("drop", ["iifname \"fg7\" accept", "oifname \"fg*\" accept"], ["add rule inet filter forward \(calling)"]),
        ("drop", ["iifname \"f*\" accept", "ip daddr 198.18.0.0/15 accept"], ["add rule inet filter forward \(answers)"]),
        ("drop", ["iifname != \"fg*\" accept", "iifname \"fg*\" tcp dport 443 accept"], ["add rule inet filter forward \(calling)"]),
        ("drop", ["goto none", "accept"], ["add rule inet filter forward \(calling)", "add rule inet filter forward \(answers)"]),
        ("accept", ["ct state established accept", "drop"], ["insert rule inet filter forward handle HANDLE \(calling)"]),
        (
            "accept", ["jump none", "jump rest"],
            ["insert rule inet filter forward handle HANDLE \(calling)", "insert rule inet filter forward handle HANDLE \(answers)"]
        ),
    ])
    func aChainThatDropsThemIsToldWithWhatIsMissing(policy: String, rules: [String], remedy: [String]) async throws {
        let found = try await Self.closed(Self.chain(policy, rules))
        #expect(found.map(\.table) == ["inet filter"])
        #expect(found.map(\.name) == ["forward"])
        let lines = found.flatMap(\.remedy).map { $0.replacing(/handle [0-9]+/, with: "handle HANDLE") }
        #expect(lines == remedy.map { "sudo nft \($0)" })
    }

    @Test func onlyChainsThatServersPacketsComeThroughCount() async throws {
        let rules = """
            table ip6 filter { chain FORWARD { type filter hook forward priority 0; policy drop; }
            }
            table bridge filter { chain forward { type filter hook forward priority 0; policy drop; }
            }
            table inet forge { chain forward { type filter hook forward priority 0; policy drop; }
            }
            table inet other { chain input { type filter hook input priority 0; policy drop; }
            }
            table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }
            }
            """
        #expect(try await Self.closed(rules) == [])
        #expect(try await Self.closed(rules, ours: false).map { "\($0.table) \($0.name)" } == ["ip filter FORWARD"])
    }
}
