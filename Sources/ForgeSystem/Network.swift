internal import CForgeSystem
internal import Glibc

extension Descriptor {
    /// A connected TCP socket. Blocks, at most `milliseconds` for each address of the host.
    /// - Throws: `SystemError`; `EADDRNOTAVAIL` when the name is not known.
    package static func connect(host: String, port: Int, milliseconds: Int) throws -> Descriptor {
        let result = forge_connect_tcp(host, String(port), Int32(clamping: milliseconds))
        return Descriptor(owning: try checked(result, "connect", "\(host):\(port)"))
    }

    /// A TCP socket that listens on a free port of this machine's loopback, and the port.
    package static func listenOnLoopback() throws -> (Descriptor, port: Int) {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError.last("socket", "loopback") }
        let listener = Descriptor(owning: raw)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(raw, address, length) == 0 && listen(raw, 256) == 0 && getsockname(raw, address, &length) == 0
            }
        }
        guard status else { throw SystemError.last("listen", "loopback") }
        return (listener, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Whether bytes (or the end) arrive within `milliseconds`. Blocks.
    package func waitReadable(milliseconds: Int) throws -> Bool {
        try checked(forge_wait_readable(raw, Int32(clamping: milliseconds)), "poll", "descriptor \(raw)") > 0
    }

    /// Whether there is room to write within `milliseconds`. Blocks.
    package func waitWritable(milliseconds: Int) throws -> Bool {
        try checked(forge_wait_writable(raw, Int32(clamping: milliseconds)), "poll", "descriptor \(raw)") > 0
    }
}
