internal import ForgeEgress
internal import ForgeSystem

/// The host's resolvers as a server can use them.
struct NameServers {
    /// IPv4, not loopback: a server has its own loopback, and no IPv6.
    private(set) var addresses: [String] = []
    /// `search` and `options` lines.
    private var others: [Substring] = []

    /// The last two are where a local stub's own resolvers stand.
    private static let files = [
        "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf",
    ]

    /// Those of the first file that names one a server can reach; none when no file does.
    static func ofThisMachine() throws -> NameServers {
        for file in files {
            let servers = NameServers(parsing: String(decoding: try Files.read(file, limit: 1 << 16) ?? [], as: UTF8.self))
            if !servers.addresses.isEmpty { return servers }
        }
        return NameServers(parsing: "")
    }

    /// - Parameter text: in the form of resolv.conf(5).
    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            switch words.first {
            case "nameserver":
                if words.count > 1, let address = IPAddress(String(words[1])), address.bytes.count == 4, address.bytes[0] != 127 {
                    addresses.append(address.description)
                }
            case "search", "options", "domain": others.append(line)
            default: break
            }
        }
    }

    /// What stands in the server's own `/etc/resolv.conf`.
    var text: String { (addresses.map { "nameserver \($0)" } + others.map(String.init)).map { $0 + "\n" }.joined() }
}
