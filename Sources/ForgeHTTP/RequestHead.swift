package import NIOCore

/// A request's head of which there is one reading only.
package struct RequestHead {
    package enum Method: Hashable {
        case get, head, options, put, delete, post, patch, connect, trace, other
    }

    package let wire: MessageHead
    package let method: Method
    /// As sent.
    package let methodEnd: Int
    /// Origin form (or `*`), as positions; empty for the root of an absolute target without a path.
    package let target: Range<Int>
    /// HTTP/1.0
    package let isOld: Bool
    package let framing: BodyFraming
    package let host: MessageHead.Field
    /// Whether the client means to send another request on this connection.
    package let keepsAlive: Bool
    /// Whether it waits for a word before it sends the body.
    package let expectsContinue: Bool
    /// Protocols it offers to change to, when the gateway would pass such a change on.
    package let upgrade: MessageHead.Field?
    /// Fields that its `Connection` names, lower case; the usual options aside.
    package let connectionFields: [String]

    /// - Throws: a fault; the request is answered 400 (431 when too large) and the connection closed.
    package init(parsing bytes: ByteBuffer) throws(WireFault) {
        let wire = try MessageHead(parsing: bytes)
        let line = bytes.withUnsafeReadableBytes { RequestLine(UnsafeRawBufferPointer(rebasing: $0[..<wire.startLineEnd])) }
        guard let line else { throw .malformed }
        guard let host = wire.only(.host) else { throw .ambiguous("A request names exactly one host.") }
        self.wire = wire
        self.host = host
        method = line.method
        methodEnd = line.methodEnd
        isOld = line.isOld
        target = try Self.target(wire, line.target, method, host)
        framing = try wire.framing(isOld: line.isOld) ?? .none
        var options: [String] = []
        var upgrade: MessageHead.Field?
        var expects = false
        for field in wire.fields {
            switch field.name {
            case .connection: options = options.isEmpty ? wire.tokens(.connection) : options
            case .upgrade: upgrade = field
            case .expect:
                guard wire.text(field).lowercased() == "100-continue" else { throw .ambiguous("This expectation is not known.") }
                expects = !line.isOld
            default: break
            }
        }
        keepsAlive = line.isOld ? options.contains("keep-alive") : !options.contains("close")
        expectsContinue = expects
        connectionFields = options.filter { !["close", "keep-alive", "upgrade"].contains($0) }
        let offers = !line.isOld && line.method == .get && framing == .none && options.contains("upgrade")
        self.upgrade = offers ? upgrade.flatMap { Self.isPassed(wire.text($0)) ? $0 : nil } : nil
    }

    /// Another version of HTTP, or TLS, would be spoken past the gateway.
    private static func isPassed(_ protocols: String) -> Bool {
        let name = protocols.lowercased()
        return !name.contains("h2c") && !name.contains("http/") && !name.contains("tls/")
    }

    private static func target(_ wire: MessageHead, _ range: Range<Int>, _ method: Method, _ host: MessageHead.Field) throws(WireFault)
        -> Range<Int>
    {
        // For CONNECT it is an authority; it is refused by its method.
        if method == .connect { return range }
        let first: UInt8? = wire.bytes.getInteger(at: wire.bytes.readerIndex + range.lowerBound)
        if first == UInt8(ascii: "/") { return range }
        let text = wire.text(range)
        if text == "*" && method == .options { return range }
        guard text.count == text.utf8.count, text.lowercased().hasPrefix("http://") else {
            throw .ambiguous("The target of this request is neither a path nor an address of this server.")
        }
        let rest = text.utf8.dropFirst(7)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        guard let named = HostName.canonical(String(Substring(authority))), named == HostName.canonical(wire.text(host)) else {
            throw .ambiguous("The target of this request names another host than its Host field.")
        }
        let start = range.lowerBound + 7 + authority.count
        guard start == range.upperBound || rest.dropFirst(authority.count).first == UInt8(ascii: "/") else {
            throw .ambiguous("The target of this request has no path.")
        }
        return start..<range.upperBound
    }

    package var isHead: Bool { method == .head }
    package var hasBody: Bool { framing != .none && framing != .length(0) }
    /// May be sent a second time when nobody knows what became of the first.
    package var isRepeatable: Bool {
        switch method {
        case .get, .head, .options, .put, .delete: !hasBody && upgrade == nil
        default: false
        }
    }

    package var methodText: String { wire.text(0..<methodEnd) }
    package var targetText: String { target.isEmpty ? "/" : wire.text(target) }
    package var hostText: String { wire.text(host) }
}

/// `GET /path HTTP/1.1`, nothing more and nothing less.
private struct RequestLine {
    let method: RequestHead.Method
    let methodEnd: Int
    let target: Range<Int>
    let isOld: Bool

    init?(_ line: UnsafeRawBufferPointer) {
        var index = 0
        while index < line.count, FieldName.isToken(line[index]) { index += 1 }
        guard (1...32).contains(index), index < line.count, line[index] == 0x20 else { return nil }
        methodEnd = index
        let start = index + 1
        index = start
        while index < line.count, line[index] > 0x20, line[index] != 0x7F { index += 1 }
        guard index > start, line.count - index == 9, line[index] == 0x20 else { return nil }
        target = start..<index
        let version = UnsafeRawBufferPointer(rebasing: line[(index + 1)...])
        guard version.starts(with: "HTTP/1.".utf8), version[7] == UInt8(ascii: "1") || version[7] == UInt8(ascii: "0") else { return nil }
        isOld = version[7] == UInt8(ascii: "0")
        method = Self.method(UnsafeRawBufferPointer(rebasing: line[..<methodEnd]))
    }

    private static let methods: [(StaticString, RequestHead.Method)] = [
        ("GET", .get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("PATCH", .patch), ("OPTIONS", .options),
        ("CONNECT", .connect), ("TRACE", .trace),
    ]

    private static func method(_ name: UnsafeRawBufferPointer) -> RequestHead.Method {
        for (text, method) in methods
        where name.count == text.utf8CodeUnitCount
            && name.elementsEqual(
                UnsafeRawBufferPointer(
                    start: text.utf8Start, count: text.utf8CodeUnitCount))
        {
            return method
        }
        return .other
    }
}
