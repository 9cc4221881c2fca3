import ForgeSystem
import Foundation
import Glibc
import Synchronization

/// An answer as it came over the wire.
struct RawResponse: Equatable, Sendable {
    var status: Int
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A client that sends exactly the bytes it is told to. Blocks; waits at most ten seconds for anything.
final class RawClient: Sendable {
    private let socket: Descriptor
    /// Bytes read past the last answer.
    private let rest = Mutex<[UInt8]>([])

    struct Timeout: Error {}
    struct Malformed: Error { let text: String }

    init(port: Int) throws {
        let raw = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard raw >= 0 else { throw SystemError.last("socket", "client") }
        socket = Descriptor(owning: raw)
        Self.limitWaiting(raw)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0 else { throw SystemError.last("connect", "client") }
    }

    /// The other end of an accepted connection.
    init(_ socket: Descriptor) {
        self.socket = socket
        Self.limitWaiting(socket.raw)
    }

    private static func limitWaiting(_ raw: Int32) {
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw SystemError.last("send", "client") }
            sent += count
        }
    }

    /// Sends until nobody takes more for half a second; how many bytes that were.
    func sendUntilFull(_ piece: [UInt8], atMost limit: Int) throws -> Int {
        var sent = 0
        while try sent < limit && socket.waitWritable(milliseconds: 500) {
            let count = Glibc.send(socket.raw, piece, piece.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            guard count > 0 || errno == EAGAIN || errno == EINTR else { throw SystemError.last("send", "client") }
            sent += max(0, count)
        }
        return sent
    }

    /// Closes so that the other side gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket.raw, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Ends both directions; the descriptor itself lives as long as the value.
    func close() { shutdown(socket.raw, Int32(SHUT_RDWR)) }

    /// Nothing more will be sent.
    func finishSending() { shutdown(socket.raw, Int32(SHUT_WR)) }

    /// At least one more byte; false at the end of the connection.
    private func fill(_ rest: inout [UInt8]) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket.raw, &buffer, buffer.count, 0)
        if count < 0 && errno == ECONNRESET { return false }
        guard count >= 0 else { throw Timeout() }
        rest += buffer[..<count]
        return count > 0
    }

    /// Waits for the beginning of an answer.
    func waitForBytes() throws { if try isClosed() { throw Malformed(text: "") } }

    /// Whether the gateway closes the connection without another byte.
    func isClosed() throws -> Bool { try rest.withLock { rest in try rest.isEmpty && !fill(&rest) } }

    /// The next answer; `toHead` ones have no body whatever their length says.
    func response(toHead: Bool = false) throws -> RawResponse {
        try rest.withLock { rest in
            var response = try head(&rest)
            let hasBody = !toHead && response.status != 304
            if hasBody, response.headers["transfer-encoding"] == "chunked" {
                response.body = try chunks(&rest)
                return response
            }
            if hasBody, response.status == 200, response.headers["content-length"] == nil, response.headers["connection"] == "close" {
                while try fill(&rest) {}
                (response.body, rest) = (rest, [])
                return response
            }
            let length = hasBody ? response.headers["content-length"].flatMap { Int($0) } ?? 0 : 0
            while rest.count < length {
                guard try fill(&rest) else { throw Malformed(text: "the body ended after \(rest.count) of \(length) bytes") }
            }
            response.body = Array(rest[..<length])
            rest.removeSubrange(..<length)
            return response
        }
    }

    /// Exactly `count` bytes.
    func bytes(_ count: Int) throws -> [UInt8] {
        try rest.withLock { rest in
            while rest.count < count { guard try fill(&rest) else { throw Malformed(text: String(decoding: rest, as: UTF8.self)) } }
            defer { rest.removeFirst(count) }
            return Array(rest[..<count])
        }
    }

    /// Bytes up to and with `end`.
    func text(to end: String) throws -> String { try rest.withLock { try text(&$0, to: end) } }

    /// Reads nothing until the other side has gone.
    func waitForHangUp() {
        // POLLRDHUP, which Glibc does not show.
        var descriptor = pollfd(fd: socket.raw, events: Int16(0x2000), revents: 0)
        poll(&descriptor, 1, 120_000)
    }

    /// Everything to the end of the connection, as bytes.
    func allBytes() throws -> [UInt8] {
        try rest.withLock { rest in
            while try fill(&rest) {}
            defer { rest = [] }
            return rest
        }
    }

    /// Everything to the end of the connection.
    func everything() throws -> String {
        try rest.withLock { rest in
            while try fill(&rest) {}
            defer { rest = [] }
            return String(decoding: rest, as: UTF8.self)
        }
    }

    private func text(_ rest: inout [UInt8], to end: String) throws -> String {
        let end = Array(end.utf8)
        while true {
            if let cut = rest.indices.first(where: { rest[$0...].starts(with: end) }) {
                defer { rest.removeFirst(cut + end.count) }
                return String(decoding: rest[..<(cut + end.count)], as: UTF8.self)
            }
            guard try fill(&rest) else { throw Malformed(text: String(decoding: rest, as: UTF8.self)) }
        }
    }

    func chunkedBody() throws -> [UInt8] { try rest.withLock { try chunks(&$0) } }

    private func chunks(_ rest: inout [UInt8]) throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try text(&rest, to: "\r\n")
            guard let size = Int(line.dropLast(1), radix: 16) else { throw Malformed(text: line) }
            while rest.count < size + 2 { guard try fill(&rest) else { throw Malformed(text: "a chunk ended early") } }
            body += rest[..<size]
            rest.removeFirst(size + 2)
            if size == 0 { return body }
        }
    }

    private func head(_ rest: inout [UInt8]) throws -> RawResponse {
        let end = Array("\r\n\r\n".utf8)
        var cut: Int?
        while cut == nil {
            cut = rest.indices.first { rest[$0...].starts(with: end) }
            if cut == nil, try !fill(&rest) { throw Malformed(text: String(decoding: rest, as: UTF8.self)) }
        }
        let text = String(decoding: rest[..<(cut ?? 0)], as: UTF8.self)
        rest.removeSubrange(..<((cut ?? 0) + 4))
        let lines = text.components(separatedBy: "\r\n")
        guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { throw Malformed(text: text) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        return RawResponse(status: status, headers: headers, body: [])
    }
}
