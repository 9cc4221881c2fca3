package import NIOCore

/// The head of an app's answer of which there is one reading only.
package struct ResponseHead {
    package let wire: MessageHead
    package let status: Int
    /// May be empty.
    package let reason: Range<Int>
    package let framing: BodyFraming
    /// Whether the app takes another request on this connection.
    package let keepsAlive: Bool
    /// Seconds after which it closes an idle connection, where it says so.
    package let idleSeconds: Int?
    package let connectionFields: [String]
    package let isEventStream: Bool

    package var isInterim: Bool { (100..<200).contains(status) && status != 101 }

    /// - Throws: a fault; the request is answered 502 and the connection to the app closed.
    package init(parsing bytes: ByteBuffer, toHead: Bool) throws(WireFault) {
        let wire = try MessageHead(parsing: bytes)
        let line = bytes.withUnsafeReadableBytes { Self.statusLine(UnsafeRawBufferPointer(rebasing: $0[..<wire.startLineEnd])) }
        guard let (isOld, status) = line else { throw .malformed }
        self.wire = wire
        self.status = status
        reason = min(13, wire.startLineEnd)..<wire.startLineEnd
        let given = try wire.framing(isOld: isOld)
        let isBodiless = toHead || status < 200 || status == 204 || status == 304
        framing = isBodiless ? .none : given ?? .untilClose
        var options: [String] = []
        var isEventStream = false
        var idleSeconds: Int?
        for field in wire.fields {
            switch field.name {
            case .connection: options = options.isEmpty ? wire.tokens(.connection) : options
            case .contentType: isEventStream = wire.text(field).lowercased().hasPrefix("text/event-stream")
            case .keepAlive: idleSeconds = Self.timeout(wire.text(field))
            default: break
            }
        }
        let isClear = framing != .untilClose && (status != 204 || given == nil || given == .length(0))
        keepsAlive = isClear && (isOld ? options.contains("keep-alive") : !options.contains("close"))
        self.idleSeconds = idleSeconds
        connectionFields = options.filter { !["close", "keep-alive", "upgrade"].contains($0) }
        self.isEventStream = isEventStream
    }

    /// `HTTP/1.1 200 OK`; the reason may be missing, its blank too.
    private static func statusLine(_ line: UnsafeRawBufferPointer) -> (isOld: Bool, status: Int)? {
        guard line.count >= 12, line.starts(with: "HTTP/1.".utf8), line[8] == 0x20 else { return nil }
        guard line[7] == UInt8(ascii: "1") || line[7] == UInt8(ascii: "0") else { return nil }
        let digits = line[9..<12]
        guard digits.allSatisfy({ (48...57).contains($0) }), line.count == 12 || line[12] == 0x20 else { return nil }
        guard line.dropFirst(12).allSatisfy(FieldName.isValue) else { return nil }
        let status = digits.reduce(0) { $0 * 10 + Int($1) - 48 }
        return (100...999).contains(status) ? (line[7] == UInt8(ascii: "0"), status) : nil
    }

    /// The number of `timeout=5, max=100`.
    private static func timeout(_ value: String) -> Int? {
        guard let start = value.lowercased().range(ofPrefixed: "timeout=") else { return nil }
        return Int(start)
    }
}

extension String {
    /// The digits after `prefix`, wherever it stands.
    fileprivate func range(ofPrefixed prefix: String) -> String? {
        for piece in split(whereSeparator: { $0 == "," || $0 == " " }) where piece.hasPrefix(prefix) {
            return String(piece.dropFirst(prefix.count))
        }
        return nil
    }
}
