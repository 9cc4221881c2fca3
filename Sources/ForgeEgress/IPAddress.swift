internal import Glibc

/// An IPv4 or IPv6 address as a resolver answered it.
package struct IPAddress: Hashable, Sendable {
    /// 4 of IPv4 or 16 of IPv6, the first on the wire first.
    package let bytes: [UInt8]

    init(bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16)
        self.bytes = bytes
    }

    /// nil unless `text` is four decimal numbers, or an IPv6 address without brackets and zone.
    package init?(_ text: String) {
        var four = [UInt8](repeating: 0, count: 4)
        var six = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = four
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            bytes = six
        } else {
            return nil
        }
    }

    /// What keeps this address from being an ordinary server on the internet; nil when nothing does. An address that carries
    /// another (mapped, NAT64, 6to4, Teredo …) is judged by the one it carries too.
    /// Source: the IANA special-purpose address registries (RFC 6890); the ranges for documentation are left reachable.
    package var specialUse: String? {
        bytes.count == 4 ? Self.specialUse(ofIPv4: bytes[...]) : specialUseOfIPv6
    }
}

extension IPAddress: CustomStringConvertible {
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let size = socklen_t(text.count)
        _ = bytes.withUnsafeBytes { inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, $0.baseAddress, &text, size) }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension IPAddress {
    private struct Block {
        let prefix: [UInt8]
        let bits: Int
        let use: String

        init(_ prefix: [UInt8], _ bits: Int, _ use: String) {
            (self.prefix, self.bits, self.use) = (prefix, bits, use)
        }

        func contains(_ bytes: ArraySlice<UInt8>) -> Bool {
            for (index, byte) in bytes.prefix((bits + 7) / 8).enumerated() {
                let kept = UInt8(truncatingIfNeeded: 0xFF00 >> min(8, bits - index * 8))
                guard byte & kept == (index < prefix.count ? prefix[index] : 0) & kept else { return false }
            }
            return true
        }
    }

    private static let blocksOfIPv4 = [
        Block([0], 8, "an unspecified"), Block([10], 8, "a private"), Block([100, 64], 10, "a carrier's private"),
        Block([127], 8, "a loopback"), Block([169, 254], 16, "a link-local"), Block([172, 16], 12, "a private"),
        Block([192, 0, 0], 24, "a reserved"), Block([192, 168], 16, "a private"), Block([198, 18], 15, "a benchmarking"),
        Block([224], 4, "a multicast"), Block([240], 4, "a reserved"),
    ]

    private static func specialUse(ofIPv4 bytes: ArraySlice<UInt8>) -> String? { blocksOfIPv4.first { $0.contains(bytes) }?.use }

    private static let blocksOfIPv6 = [
        Block([], 128, "an unspecified"), Block([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128, "a loopback"),
        Block([0xFC], 7, "a private"), Block([0xFE, 0x80], 10, "a link-local"), Block([0xFE, 0xC0], 10, "a private"),
        Block([0xFF], 8, "a multicast"), Block([0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01], 48, "a private"),
        Block([0x20, 0x01, 0x00, 0x02], 48, "a benchmarking"),
    ]

    private static let globalUnicast = Block([0x20], 3, "")
    private static let teredo = Block([0x20, 0x01, 0x00, 0x00], 32, "")
    private static let sixToFour = Block([0x20, 0x02], 16, "")

    /// Prefixes of 96 bits after which an IPv4 address follows: compatible, mapped, translated, NAT64.
    private static let carriersOfIPv4 = [
        Block([], 96, ""), Block([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96, ""), Block([0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96, ""),
        Block([0x00, 0x64, 0xFF, 0x9B], 96, ""),
    ]

    private var specialUseOfIPv6: String? {
        let whole = bytes[...]
        if let block = Self.blocksOfIPv6.first(where: { $0.contains(whole) }) { return block.use }
        let carried = carriedIPv4
        if let use = carried.lazy.compactMap(Self.specialUse(ofIPv4:)).first { return use }
        return carried.isEmpty && !Self.globalUnicast.contains(whole) ? "a reserved" : nil
    }

    private var carriedIPv4: [ArraySlice<UInt8>] {
        let whole = bytes[...]
        if Self.carriersOfIPv4.contains(where: { $0.contains(whole) }) { return [whole[12...]] }
        if Self.sixToFour.contains(whole) { return [whole[2..<6]] }
        if Self.teredo.contains(whole) { return [whole[4..<8], ArraySlice(whole[12...].map { ~$0 })] }
        // ISATAP: an interface id of 0:5efe or 200:5efe before the address.
        if whole[8] & 0xFD == 0, whole[9] == 0, whole[10] == 0x5E, whole[11] == 0xFE { return [whole[12...]] }
        return []
    }
}
