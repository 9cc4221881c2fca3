import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Testing

@testable import ForgeSandbox

/// Whom a server can call and who can call it, in the real sandbox, with the real firewall.
@Suite struct ServerNetworkTests {
    @Test(arguments: ["crun", "runc"]) func theInternetSeesThisMachinesAddressAndCannotCallBack(runtime: String) async throws {
        let outside = try await Outside()
        let workshop = try await ServerWorkshop(runtime)
        let started = try await workshop.start(network: .open, environment: ["ADDRESS": "0.0.0.0"])
        #expect(try await started.server.get("curl -sS -m 10 http://\(outside.address)/") == outside.gateway + "\n")
        let address = try await started.server.address()
        #expect(try await outside.calls(address, port: 8000) == EHOSTUNREACH)
        #expect(try await started.server.get() == "1 3\n")
        _ = await started.server.stop(grace: .zero)
        try await outside.remove()
    }

    @Test func nothingOnThisMachineCanCallAServerAndItCanCallNothingHere() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(network: .open, environment: ["ADDRESS": "0.0.0.0"])
        let address = try await started.server.address()
        let here = try HostListener()
        #expect(attempt(address, 8000) == EHOSTUNREACH)
        #expect(attempt(try #require(gateway(of: address)), here.port) == 0)
        let places = ["127.0.0.1", try #require(gateway(of: address))] + (try ownAddresses())
        for place in places { #expect(try await started.server.call(place, here.port) != 0, "\(place)") }
        _ = await started.server.stop(grace: .zero)
    }

    @Test func serversCannotCallEachOtherEvenOnTheSamePort() async throws {
        let workshop = try await ServerWorkshop()
        let first = try await workshop.start(network: .open, environment: ["ADDRESS": "0.0.0.0"])
        let second = try await workshop.start(network: .open, environment: ["ADDRESS": "0.0.0.0", "GRACEFUL": "1"])
        let (one, other) = (try await first.server.address(), try await second.server.address())
        #expect(one != other)
        #expect(try await first.server.call(other, 8000) == EHOSTUNREACH)
        #expect(try await second.server.call(one, 8000) == EHOSTUNREACH)
        #expect(try await second.server.call(try #require(gateway(of: one)), 8000) == EHOSTUNREACH)
        #expect(try await second.server.call(other, 8000) == 0)
        #expect(await second.server.stop(grace: .seconds(600)).ending == .exited(7))
        #expect(try await first.server.get() == "1 3\n")
        _ = await first.server.stop(grace: .zero)
    }

    @Test(arguments: ["169.254.169.254", "100.100.100.200", "192.0.0.192", "198.19.255.254", "168.63.129.16"])
    func metadataServicesAreRefusedAtOnce(address: String) async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(network: .open)
        #expect(try await started.server.call(address, 80) == EHOSTUNREACH)
        _ = await started.server.stop(grace: .zero)
    }

    @Test func thereIsNoIPv6ButLoopback() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(network: .open)
        #expect(try await started.server.get("awk '{ print $1, $6 }' /proc/net/if_inet6") == "00000000000000000000000000000001 lo\n")
        #expect(try await started.server.call("2001:db8::1", 80) == ENETUNREACH)
        _ = await started.server.stop(grace: .zero)
    }

    @Test func aClosedNetworkIsLoopbackAlone() async throws {
        let workshop = try await ServerWorkshop(network: .closed)
        let started = try await workshop.start(network: .closed)
        #expect(
            try await started.server.get("sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev; ls /etc/resolv.conf 2>&1") == """
                lo
                ls: cannot access '/etc/resolv.conf': No such file or directory

                """)
        #expect(try await started.server.call("203.0.113.9", 80) == ENETUNREACH)
        _ = await started.server.stop(grace: .zero)
        await #expect(throws: (any Error).self) { _ = try await workshop.start(network: .open) }
        #expect(try workshop.leftovers() == [])
    }

    @Test func theInterfaceIsGoneWithTheServerEvenWhileASocketOfItIsHeld() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(network: .open)
        let interface = try interface(of: try await started.server.address())
        let held = try started.server.connect(port: 8000)
        #expect(Files.exists("/sys/class/net/\(interface)"))
        _ = await started.server.stop(grace: .zero)
        #expect(!Files.exists("/sys/class/net/\(interface)"))
        withExtendedLifetime(held) {}
    }

    @Test func itAsksTheHostsOwnResolvers() async throws {
        let workshop = try await ServerWorkshop()
        let started = try await workshop.start(network: .open)
        #expect(try await started.server.get("cat /etc/resolv.conf") == NameServers.ofThisMachine().text)
        #expect(
            try await started.server.get("getent ahostsv4 localhost | head -1 | cut -d' ' -f1; grep hosts /etc/nsswitch.conf")
                == "127.0.0.1\nhosts: files dns\n")
        _ = await started.server.stop(grace: .zero)
    }

    @Test(arguments: [
        ("-P FORWARD ACCEPT\n", []),
        ("-P FORWARD ACCEPT\n-A FORWARD -i eth1 -j DROP\n", []),
        ("-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n", ["-A FORWARD -i fg+ -j ACCEPT", "-A FORWARD \(answers)"]),
        ("-P FORWARD DROP\n-A FORWARD -i fg+ -j ACCEPT\n", ["-A FORWARD \(answers)"]),
        ("-P FORWARD DROP\n-A FORWARD -i fg+ -j ACCEPT\n-A FORWARD \(answers)\n", []),
        (
            "-P FORWARD ACCEPT\n-A FORWARD -i lo -j ACCEPT\n-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n",
            ["-I FORWARD 2 -i fg+ -j ACCEPT", "-I FORWARD 2 \(answers)"]
        ),
        (
            "-P FORWARD DROP\n-A FORWARD -j DROP\n-A FORWARD -i fg+ -j ACCEPT\n-A FORWARD \(answers)\n",
            ["-I FORWARD 1 -i fg+ -j ACCEPT", "-I FORWARD 1 \(answers)"]
        ),
    ])
    func aChainThatDropsWhatNobodyAskedForLetsServersPass(listing: String, rules: [String]) {
        #expect(ForwardFilter.missing(from: listing).map { $0.joined(separator: " ") } == rules)
    }

    @Test func resolversThatAServerCannotReachAreLeftOut() {
        let servers = NameServers(
            parsing: "# here\nnameserver 127.0.0.53\nnameserver 10.1.2.3\nsearch a.example b.example\nnameserver ::1\noptions ndots:2\n")
        #expect(servers.text == "nameserver 10.1.2.3\nsearch a.example b.example\noptions ndots:2\n")
        #expect(NameServers(parsing: "nameserver 127.0.0.53\n").addresses == [])
    }
}

extension RunningServer {
    /// The IPv4 address of its own interface.
    fileprivate func address() async throws -> String {
        try await get("/usr/sbin/ip -4 -o address show dev eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'").filter { !$0.isNewline }
    }

    /// What it gets when it calls: an errno, 0 for a connection.
    fileprivate func call(_ address: String, _ port: Int) async throws -> Int32? {
        let family = address.contains(":") ? "AF_INET6" : "AF_INET"
        let program = "import socket as s; c = s.socket(s.\(family)); c.settimeout(5); print(c.connect_ex((\"\(address)\", \(port))))"
        return Int32(try await get("python3 -c '\(program)'").filter { !$0.isNewline })
    }
}

private let answers = "-o fg+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"

/// The host's end of the wire whose other end is `address`.
private func gateway(of address: String) -> String? {
    let parts = address.split(separator: ".").compactMap { Int($0) }
    return parts.count == 4 ? "\(parts[0]).\(parts[1]).\(parts[2]).\(parts[3] - 1)" : nil
}

private func interface(of address: String) throws -> String {
    let parts = address.split(separator: ".").compactMap { Int($0) }
    guard parts.count == 4 else { throw TestSupportError("no address: \(address)") }
    return "fg\(((parts[1] - 18) << 16 | parts[2] << 8 | parts[3]) / 4)"
}

/// What this process gets when it calls.
private func attempt(_ address: String, _ port: Int) -> Int32 {
    do { _ = try Descriptor.connect(host: address, port: port, milliseconds: 5000) } catch { return (error as? SystemError)?.errno ?? -1 }
    return 0
}

private func ownAddresses() throws -> [String] {
    let table = String(decoding: try Files.read("/proc/net/fib_trie") ?? [], as: UTF8.self)
    let lines = table.split(separator: "\n")
    let local = zip(lines, lines.dropFirst()).compactMap {
        $1.contains("/32 host LOCAL") ? $0.split(separator: " ").last.map(String.init) : nil
    }
    return Set(local).filter { !$0.hasPrefix("127.") && !$0.hasPrefix("198.18.") }.sorted()
}

/// Something that listens at every address of this machine.
private struct HostListener: ~Copyable {
    let descriptor: Int32
    let port: Int

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isBound else { throw TestSupportError("no listener: \(errno)") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
