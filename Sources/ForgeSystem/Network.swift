internal import CForgeSystem
internal import Glibc

extension Descriptor {
    /// A connected TCP socket. Blocks, at most `milliseconds` for each address of the host.
    /// - Throws: `SystemError`; `EADDRNOTAVAIL` when the name is not known.
    package static func connect(host: String, port: Int, milliseconds: Int) throws -> Descriptor {
        let result = forge_connect_tcp(host, String(port), Int32(clamping: milliseconds))
        return Descriptor(owning: try checked(result, "connect", "\(host):\(port)"))
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
