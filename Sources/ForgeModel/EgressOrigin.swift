internal import Glibc

/// A server that a step may talk to: `https://registry.example`, `http://127.0.0.1:4873`.
///
/// A value that exists is canonical, so that two names of one server are equal and nothing is decided on another reading of a
/// host than the one connected to: no user, no trailing dot, no decimal, octal or hexadecimal address, no zone, no escape.
/// Source: RFC 3986 section 3.2; RFC 1123 section 2.1; the WHATWG URL Standard's "ends in a number" for what is no name.
package struct EgressOrigin: Hashable, Sendable {
    package enum Scheme: String, Sendable, Codable, CaseIterable {
        case http, https

        package var defaultPort: Int { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    /// Lower case; an IPv6 address without brackets, in its shortest form.
    package let host: String
    package let port: Int

    /// nil unless `host` (an IPv6 address without brackets) is well formed and `port` exists.
    package init?(scheme: Scheme, host: String, port: Int) {
        guard let canonical = Self.canonicalAddress(host) ?? Self.canonicalName(host), (1...65535).contains(port) else { return nil }
        self.scheme = scheme
        self.host = canonical
        self.port = port
    }

    /// `host:port`, an IPv6 address in brackets, as in a `Host` header or after `CONNECT`; the port may be missing.
    package init?(scheme: Scheme, authority: some StringProtocol) {
        var host = Substring(authority)
        var port = scheme.defaultPort
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard let number = Self.port(host[host.index(after: colon)...]) else { return nil }
            port = number
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), host.contains(":") else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        self.init(scheme: scheme, host: String(host), port: port)
    }

    /// An operator's entry: exactly `scheme://host` or `scheme://host:port`.
    /// - Throws: `ForgeError` `config.egress-entry`
    package init(parsing text: String) throws {
        guard let (scheme, rest) = Self.splitScheme(text), let origin = EgressOrigin(scheme: scheme, authority: rest) else {
            throw ForgeError(
                .configuration, "config.egress-entry", "`\(text)` is not a server's exact address",
                hint: "write `scheme://host` or `scheme://host:port`, http or https, without wildcard, user or path: "
                    + "`https://mirror.example:8443`")
        }
        self = origin
    }

    /// The server of any http(s) URL; user, path, query and fragment are dropped. nil for everything else.
    package init?(url: String) {
        guard let (scheme, rest) = Self.splitScheme(url) else { return nil }
        let authority = rest.prefix { !"/?#".contains($0) }
        let parts = authority.split(separator: "@", omittingEmptySubsequences: false)
        // Some readers of URLs take a backslash for a slash.
        guard parts.count <= 2, let last = parts.last, !authority.contains("\\") else { return nil }
        self.init(scheme: scheme, authority: last)
    }

    /// True for an IPv4 or IPv6 address, for which TLS names no server.
    package var isAddress: Bool { host.contains(":") || Self.isIPv4(host) }

    /// As in a `Host` header: the port only where it is not the scheme's own.
    package var authority: String {
        (host.contains(":") ? "[\(host)]" : host) + (port == scheme.defaultPort ? "" : ":\(port)")
    }
}

extension EgressOrigin {
    private static func splitScheme(_ text: String) -> (Scheme, Substring)? {
        guard let mark = text.firstRange(of: "://"), let scheme = Scheme(rawValue: text[..<mark.lowerBound].lowercased()) else {
            return nil
        }
        return (scheme, text[mark.upperBound...])
    }

    private static func port(_ digits: Substring) -> Int? {
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), digits.first != "0" else {
            return nil
        }
        return Int(digits)
    }

    private static func isIPv4(_ host: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1
    }

    /// Four decimal numbers without leading zeros, or an IPv6 address without a zone.
    private static func canonicalAddress(_ host: String) -> String? {
        guard host.utf8.count <= 45, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else { return nil }
        if isIPv4(host) { return host }
        var address = in6_addr()
        guard inet_pton(AF_INET6, host, &address) == 1 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// A DNS name. Names whose last label is a number are how inet_aton's addresses look, and are refused.
    private static func canonicalName(_ host: String) -> String? {
        guard (1...253).contains(host.utf8.count), host.utf8.allSatisfy({ $0 < 128 }) else { return nil }
        let labels = host.lowercased().split(separator: ".", omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel), let last = labels.last, !isNumber(last) else { return nil }
        return labels.joined(separator: ".")
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        guard (1...63).contains(bytes.count), bytes.first != 45, bytes.last != 45 else { return false }
        return bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    private static func isNumber(_ label: Substring) -> Bool {
        if label.utf8.allSatisfy({ (48...57).contains($0) }) { return true }
        return label.hasPrefix("0x") && label.utf8.dropFirst(2).allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

extension EgressOrigin: CustomStringConvertible {
    package var description: String { "\(scheme.rawValue)://\(authority)" }
}

extension EgressOrigin: Comparable {
    package static func < (left: EgressOrigin, right: EgressOrigin) -> Bool {
        (left.host, left.port, left.scheme.rawValue) < (right.host, right.port, right.scheme.rawValue)
    }
}

/// Saved as its text.
extension EgressOrigin: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(parsing: decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
