internal import ForgeHTTP
internal import NIOCore

/// The head of an app's answer as the client gets it.
struct AnswerEncoding {
    let head: ResponseHead
    let request: RequestHead
    /// Of the body as it will be sent.
    let framing: BodyFraming
    let closes: Bool

    func write(to buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(String(head.status))
        buffer.writeStaticString(" ")
        buffer.write(head.wire, head.reason)
        buffer.writeLineEnd()
        for field in head.wire.fields where isPassed(field) { buffer.write(field, of: head.wire) }
        switch framing {
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .length, .none, .untilClose: break
        }
        if head.status == 101 {
            buffer.writeStaticString("Connection: Upgrade\r\n")
        } else if closes {
            buffer.writeStaticString("Connection: close\r\n")
        } else if request.isOld {
            buffer.writeStaticString("Connection: keep-alive\r\n")
        }
        buffer.writeLineEnd()
    }

    private func isPassed(_ field: MessageHead.Field) -> Bool {
        switch field.name {
        case .connection, .keepAlive, .transferEncoding: false
        case .hopByHop, .expect: false
        case .upgrade: head.status == 101
        // The length of an answer without a body tells what GET would get.
        case .contentLength: hasLength
        default: head.connectionFields.isEmpty || !head.connectionFields.contains(head.wire.text(field.start..<field.nameEnd).lowercased())
        }
    }

    private var hasLength: Bool {
        switch framing {
        case .length: true
        case .none: request.isHead || head.status == 304
        case .chunked, .untilClose: false
        }
    }
}

/// What every request of one client's connection is told of the client.
struct RequestEncoding {
    private let origin: String

    /// `address` is the client's; `port` the one it connected to.
    init(address: String, port: Int) {
        origin =
            "X-Forwarded-For: \(address)\r\nX-Real-IP: \(address)\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: \(port)\r\n"
    }

    /// The head as the app gets it: nothing but what was understood.
    func encode(_ head: RequestHead, to buffer: inout ByteBuffer) {
        let wire = head.wire
        buffer.write(wire, 0..<head.methodEnd)
        buffer.writeStaticString(" ")
        if head.target.isEmpty { buffer.writeStaticString("/") } else { buffer.write(wire, head.target) }
        buffer.writeStaticString(" HTTP/1.1\r\n")
        for field in wire.fields where isPassed(field, head) { buffer.write(field, of: wire) }
        buffer.writeStaticString("X-Forwarded-Host: ")
        buffer.write(wire, head.host.valueStart..<head.host.valueEnd)
        buffer.writeLineEnd()
        buffer.writeString(origin)
        switch head.framing {
        case .length(let count): buffer.writeString("Content-Length: \(count)\r\n")
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .none, .untilClose: break
        }
        if let upgrade = head.upgrade {
            buffer.writeStaticString("Connection: Upgrade\r\n")
            buffer.write(upgrade, of: wire)
        } else if head.endsAppConnection {
            buffer.writeStaticString("Connection: close\r\n")
        }
        buffer.writeLineEnd()
    }

    private func isPassed(_ field: MessageHead.Field, _ head: RequestHead) -> Bool {
        switch field.name {
        case .connection, .keepAlive, .transferEncoding, .contentLength, .hopByHop, .upgrade, .expect, .reserved: false
        case .host: true
        default: head.connectionFields.isEmpty || !head.connectionFields.contains(head.wire.text(field.start..<field.nameEnd).lowercased())
        }
    }
}
