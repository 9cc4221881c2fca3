internal import ForgeSystem
internal import Glibc

/// Answers all addresses of a host name, in the order to be tried; empty when there is none.
package typealias EgressResolver = @Sendable (_ host: String) async -> [IPAddress]

/// The host's own resolver (`getaddrinfo`), on a thread that may block.
package func resolveWithSystem(_ host: String) async -> [IPAddress] {
    await BlockingPool.run {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = address(of: entry), !addresses.contains(address) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses
    }
}

private func address(of entry: addrinfo) -> IPAddress? {
    guard let socketAddress = entry.ai_addr else { return nil }
    // By offset: which module declares sockaddr_in depends on what else is imported.
    let raw = UnsafeRawBufferPointer(start: socketAddress, count: Int(entry.ai_addrlen))
    switch entry.ai_family {
    case AF_INET where raw.count >= 8: return IPAddress(bytes: Array(raw[4..<8]))
    case AF_INET6 where raw.count >= 24: return IPAddress(bytes: Array(raw[8..<24]))
    default: return nil
    }
}
