internal import CForgeSystem
internal import Glibc

/// A network namespace other than this process's own. It lives at least as long as this value and the sockets made in it.
package struct NetworkNamespace: Sendable {
    private let descriptor: Descriptor
    private let home: Descriptor

    /// `descriptor` is open on the namespace's `ns/net`.
    package init(_ descriptor: Descriptor) throws {
        self.descriptor = descriptor
        home = try Self.own.get()
    }

    /// This process's own, opened once: the way back.
    private static let own = Result { try Descriptor.open("/proc/self/ns/net", O_RDONLY) }

    /// A TCP socket made in the namespace, non-blocking, connected to 127.0.0.1:`port` there. A few microseconds on the calling
    /// thread. `isConnected` is false when the listener's queue is full, and the kernel will try again.
    /// - Throws: `SystemError`; `ECONNREFUSED` when nothing listens.
    package func connect(port: Int) throws -> (socket: Descriptor, isConnected: Bool) {
        guard let number = UInt16(exactly: port) else { throw SystemError("connect", "127.0.0.1:\(port)", errno: EINVAL) }
        var pending: Int32 = 0
        let result = forge_connect_in_namespace(home.raw, descriptor.raw, number, &pending)
        return (Descriptor(owning: try checked(result, "connect", "127.0.0.1:\(port)")), pending == 0)
    }

    /// The TCP ports on which something in the namespace listens, at whatever address; sorted.
    package func listeningPorts() throws -> [Int] {
        try Set(["tcp", "tcp6"].flatMap(listeningPorts(in:))).sorted()
    }

    private func listeningPorts(in table: String) throws -> [Int] {
        let path = "/proc/thread-self/net/\(table)"
        let result = forge_open_in_namespace(home.raw, descriptor.raw, path)
        if result == -ENOENT { return [] }
        let file = Descriptor(owning: try checked(result, "open", path))
        // sl local_address rem_address st …, in hexadecimal; 0A is LISTEN.
        return String(decoding: try file.readAll(), as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 3, fields[3] == "0A", let port = fields[1].split(separator: ":").last else { return nil }
            return Int(port, radix: 16)
        }
    }
}

extension Descriptor {
    /// Blocks until this connecting socket is connected.
    /// - Throws: `SystemError`; `ETIMEDOUT` when it still is not after `milliseconds`.
    package func finishConnecting(milliseconds: Int) throws {
        try checked(forge_finish_connecting(raw, Int32(clamping: milliseconds)), "connect", "descriptor \(raw)")
    }
}
