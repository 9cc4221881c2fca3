import ForgeGateway
import ForgeSystem
import Foundation
import Glibc
import Synchronization

/// A server that treats each connection as its script says, on a thread each.
final class StubApp: Sendable {
    typealias Script = @Sendable (RawClient, StubApp) throws -> Void

    let port: Int
    private let listener: Descriptor
    private let kept = Mutex<(heads: [String], connections: Int)>(([], 0))

    /// The heads of all requests, as they came.
    var heads: [String] { kept.withLock { $0.heads } }
    var connections: Int { kept.withLock { $0.connections } }

    init(_ script: @escaping Script = StubApp.echo) throws {
        let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError.last("socket", "stub") }
        listener = Descriptor(owning: raw)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, size) == 0 && listen(raw, 128) == 0 && getsockname(raw, $0, &size) == 0
            }
        }
        guard isBound else { throw SystemError.last("listen", "stub") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [weak self, listener] in
            while true {
                let accepted = accept(listener.raw, nil, nil)
                guard accepted >= 0 else { return }
                _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
                let connection = RawClient(Descriptor(owning: accepted))
                guard let self else { return }
                self.kept.withLock { $0.connections += 1 }
                Thread.detachNewThread {
                    // What a broken-off connection throws is the end of it.
                    try? script(connection, self)
                    connection.close()
                }
            }
        }
    }

    deinit { stop() }

    /// Takes no more connections.
    func stop() { shutdown(listener.raw, Int32(SHUT_RDWR)) }

    func upstream(_ release: String) -> Upstream {
        Upstream(release: release) { [port] in
            let raw = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard raw >= 0 else { throw SystemError.last("socket", "app") }
            let socket = Descriptor(owning: raw)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            guard result == 0 else { throw SystemError.last("connect", "app") }
            _ = fcntl(raw, F_SETFL, fcntl(raw, F_GETFL) | O_NONBLOCK)
            return socket
        }
    }

    /// The next request's head with its empty line.
    func head(_ connection: RawClient) throws -> String {
        let head = try connection.text(to: "\r\n\r\n")
        kept.withLock { $0.heads.append(head) }
        return head
    }

    /// The body that belongs to `head`.
    func body(_ connection: RawClient, of head: String) throws -> [UInt8] {
        let lines = head.lowercased().components(separatedBy: "\r\n")
        if lines.contains("transfer-encoding: chunked") { return try connection.chunkedBody() }
        guard let line = lines.first(where: { $0.hasPrefix("content-length: ") }), let count = Int(line.dropFirst(16)) else { return [] }
        return try connection.bytes(count)
    }

    /// Answers each request with its head and body.
    static let echo: Script = { connection, app in
        while true {
            let head = try app.head(connection)
            let body = try app.body(connection, of: head)
            let text = head + String(decoding: body, as: UTF8.self)
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: \(text.utf8.count)\r\n\r\n")
            if !head.hasPrefix("HEAD") { try connection.send(text) }
        }
    }

    /// Answers each request with `bytes`, whatever it is.
    static func answering(_ bytes: String) -> Script {
        { connection, app in
            while true {
                _ = try app.body(connection, of: app.head(connection))
                try connection.send(bytes)
            }
        }
    }
}
