import ForgeEgress
import ForgeModel
import Testing

/// The pure part of the proxy: which server a request names, and which addresses are a server's.
@Suite struct EgressPolicyTests {
    private static let policy: EgressPolicy = {
        func origins(_ texts: String...) -> Set<EgressOrigin> { Set(texts.compactMap { try? EgressOrigin(parsing: $0) }) }
        return EgressPolicy(
            registries: origins("https://registry.example", "http://plain.example", "https://odd-port.example:8443", "https://10.0.0.9"),
            operatorEntries: origins(
                "http://mirror.example:8080", "https://mirror.example:8443", "https://127.0.0.1:9443", "https://[::1]:9443"))
    }()

    private func outcome(_ authority: String) -> String {
        do { return try Self.policy.target(connectingTo: authority).origin.description } catch { return error.reason }
    }

    @Test(arguments: [
        ("registry.example:443", "https://registry.example"), ("REGISTRY.example:443", "https://registry.example"),
        ("plain.example:80", "http://plain.example"), ("mirror.example:8080", "http://mirror.example:8080"),
        ("mirror.example:8443", "https://mirror.example:8443"), ("127.0.0.1:9443", "https://127.0.0.1:9443"),
        ("[::1]:9443", "https://[::1]:9443"), ("[0:0:0:0:0:0:0:1]:9443", "https://[::1]:9443"),
    ])
    func aListedServerIsFound(authority: String, origin: String) {
        #expect(outcome(authority) == origin)
    }

    @Test(arguments: [
        "evil.example:443", "registry.example:80", "registry.example:8443", "registry.example:22", "registry.example:25",
        "registry.example:444",
        "plain.example:443", "odd-port.example:8443", "odd-port.example:443", "mirror.example:443", "mirror.example:80",
        "mirror.example:8081",
        "127.0.0.1:443", "127.0.0.1:80", "127.0.0.1:9444", "127.0.0.2:9443", "localhost:9443", "[::1]:443", "[::ffff:127.0.0.1]:9443",
        "169.254.169.254:80", "169.254.169.254:443", "metadata.google.internal:80", "10.0.0.1:443", "192.168.0.1:443", "0.0.0.0:9443",
        "[::]:9443",
        "sub.registry.example:443", "registry.example.evil.example:443", "xregistry.example:443", "registry.exampl:443",
        "registry-example:443",
        "example:443", "xn--rgistry-cya.example:443",
    ])
    func anUnlistedServerIsRefused(authority: String) {
        #expect(outcome(authority) == "not an allowed server")
    }

    @Test(arguments: [
        "", ":", ":443", "registry.example", "registry.example:", "registry.example:0", "registry.example:65979", "registry.example:-443",
        "registry.example:+443", "registry.example:0443", "registry.example:443 ", " registry.example:443", "registry.example.:443",
        "registry.example..:443", "user@registry.example:443", "evil.example@registry.example:443", "registry.example:443@evil.example:443",
        "registry.example:443:443", "https://registry.example:443", "registry.example:443/", "registry.example:443?x",
        "registry.example#:443",
        "registry.example\\evil.example:443", "registry.example%00.evil.example:443", "registry%2eexample:443", "registry.example\0:443",
        "registry.example\t:443", "2130706433:9443", "017700000001:9443", "0x7f000001:9443", "0x7f.0.0.1:9443", "0177.0.0.1:9443",
        "127.1:9443", "127.0.1:9443", "127.0.0.1.:9443", "127.0.0.01:9443", "0:9443", "00000000:9443", "4294967295:9443",
        "127.0.0.0x1:9443",
        "::1:9443", "[::1]", "[::1]:", "[::1:9443", "::1]:9443", "[[::1]]:9443", "[::1%lo]:9443", "[::1%25lo]:9443", "[fe80::1%1]:9443",
        "[127.0.0.1]:9443", "[registry.example]:443", "[]:443", "*:443", "*.example:443", "régistry.example:443", "ｒegistry.example:443",
        "registry。example:443", "１２７.0.0.1:9443", "①27.0.0.1:9443", "reg istry.example:443", "registry_x.example:443",
        "-registry.example:443",
        "registry-.example:443", ".registry.example:443", "registry.1:443", "registry.0x1:443",
    ])
    func aHostThatIsNoPlainNameOrAddressIsRefused(authority: String) {
        #expect(outcome(authority) == "not a plain host name or address")
    }

    @Test(arguments: [
        ("0.0.0.0", "an unspecified"), ("0.1.2.3", "an unspecified"), ("10.0.0.1", "a private"), ("10.255.255.255", "a private"),
        ("100.64.0.1", "a carrier's private"), ("100.127.255.255", "a carrier's private"), ("127.0.0.1", "a loopback"),
        ("127.255.255.254", "a loopback"), ("169.254.169.254", "a link-local"), ("169.254.0.1", "a link-local"),
        ("172.16.0.1", "a private"),
        ("172.31.255.255", "a private"), ("192.0.0.1", "a reserved"), ("192.0.0.170", "a reserved"), ("192.168.1.1", "a private"),
        ("198.18.0.1", "a benchmarking"), ("198.19.255.255", "a benchmarking"), ("224.0.0.1", "a multicast"),
        ("239.255.255.250", "a multicast"),
        ("240.0.0.1", "a reserved"), ("255.255.255.255", "a reserved"), ("::", "an unspecified"), ("::1", "a loopback"),
        ("::127.0.0.1", "a loopback"), ("::10.0.0.1", "a private"), ("::2", "an unspecified"), ("::ffff:127.0.0.1", "a loopback"),
        ("::ffff:10.0.0.1", "a private"), ("::ffff:169.254.169.254", "a link-local"), ("::ffff:0.0.0.0", "an unspecified"),
        ("::ffff:0:127.0.0.1", "a loopback"), ("64:ff9b::127.0.0.1", "a loopback"), ("64:ff9b::a9fe:a9fe", "a link-local"),
        ("64:ff9b:1::1", "a private"), ("2002:7f00:1::", "a loopback"), ("2002:a00:1::1", "a private"),
        ("2002:a9fe:a9fe::", "a link-local"),
        ("2001:0:a00:1::", "a private"), ("2001:0:5db8:d822:0:0:80ff:fffe", "a loopback"), ("2001:0:5db8:d822:0:0:f5ff:fffe", "a private"),
        ("2606:4700::5efe:7f00:1", "a loopback"), ("2606:4700::200:5efe:a00:1", "a private"), ("fc00::1", "a private"),
        ("fd12:3456::1", "a private"), ("fd00:ec2::254", "a private"), ("fe80::1", "a link-local"), ("febf::1", "a link-local"),
        ("fec0::1", "a private"), ("ff02::1", "a multicast"), ("ff0e::1", "a multicast"), ("100::1", "a reserved"),
        ("2001:2::1", "a benchmarking"),
        ("4000::1", "a reserved"), ("5f00::1", "a reserved"), ("8000::1", "a reserved"), ("1::1", "a reserved"),
    ])
    func anAddressThatIsNoPublicServersIsKnown(text: String, use: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.specialUse == use)
        let target = try Self.policy.target(EgressOrigin(parsing: "https://registry.example"))
        #expect(throws: EgressFailure.specialAddress(target.origin, address, use)) { try Self.policy.check([address], for: target) }
        let mirror = try Self.policy.target(EgressOrigin(parsing: "http://mirror.example:8080"))
        try Self.policy.check([address], for: mirror)
    }

    @Test(arguments: [
        "1.1.1.1", "9.255.255.255", "11.0.0.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
        "169.253.255.255", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.0.2.1", "192.167.255.255", "192.169.0.1",
        "198.17.255.255", "198.20.0.1", "198.51.100.1", "203.0.113.9", "223.255.255.255", "2001:db8::1", "2606:4700::1111", "2a00:1450::1",
        "3fff::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "2002:5db8:d822::1", "2001:0:5db8:d822:0:0:a247:27dd",
    ])
    func aPublicAddressIsNot(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.specialUse == nil)
    }

    @Test func oneBadAddressAmongGoodOnesIsEnough() throws {
        let target = try Self.policy.target(EgressOrigin(parsing: "https://registry.example"))
        let addresses = ["93.184.216.34", "2606:4700::1111", "10.0.0.1"].compactMap(IPAddress.init)
        #expect(throws: EgressFailure.self) { try Self.policy.check(addresses, for: target) }
        try Self.policy.check(Array(addresses.dropLast()), for: target)
        #expect(throws: EgressFailure.unresolvable(target.origin)) { try Self.policy.check([], for: target) }
    }

    @Test func aRegistryThatIsAPrivateAddressIsListedAndStillRefused() throws {
        let target = try Self.policy.target(connectingTo: "10.0.0.9:443")
        let address = try #require(IPAddress("10.0.0.9"))
        #expect(throws: EgressFailure.specialAddress(target.origin, address, "a private")) { try Self.policy.check([address], for: target) }
    }
}
