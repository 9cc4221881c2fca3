internal import ForgeHTTP
internal import NIOCore

/// A request that the gateway answers by itself, and its answer, as far as it has got.
struct Exchange {
    /// Nil when the request could not be read.
    let head: RequestHead?
    let start: ContinuousClock.Instant
    var closes: Bool
    /// The release in whose place the gateway answers.
    var app: String?
    var response = GatewayResponse.internalError
    var sent: Int64 = 0

    /// HEAD gets the head of what GET would get.
    var sendsBody: Bool { head?.isHead != true }

    func writeHead(to buffer: inout ByteBuffer) {
        buffer.writeString("HTTP/1.1 \(response.status) \(Self.reason(response.status))\r\n")
        for field in response.headers { buffer.writeString("\(field.name): \(field.value)\r\n") }
        if let length = response.contentLength { buffer.writeString("Content-Length: \(length)\r\n") }
        if closes {
            buffer.writeStaticString("Connection: close\r\n")
        } else if head?.isOld == true {
            buffer.writeStaticString("Connection: keep-alive\r\n")
        }
        buffer.writeLineEnd()
    }

    var record: AccessRecord {
        AccessRecord(head, status: response.status, bytes: sent, since: start, release: app ?? response.release)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 416: "Range Not Satisfiable"
        case 431: "Request Header Fields Too Large"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Error"
        }
    }
}

extension AccessRecord {
    init(_ head: RequestHead?, status: Int, bytes: Int64, since start: ContinuousClock.Instant, release: String?) {
        self.init(
            host: head?.hostText ?? "", method: head?.methodText ?? "", target: head?.targetText ?? "", status: status, bytes: bytes,
            durationMs: Int((.now - start) / .milliseconds(1)), release: release)
    }
}

extension GatewayRequest {
    /// - Parameter withFields: whether anybody looks at fields that the gateway has no use for.
    init(_ head: RequestHead, withFields: Bool) {
        self.init(
            method: head.methodText, target: head.targetText, hosts: [head.hostText], ifNoneMatch: head.wire.values(.ifNoneMatch),
            ifRange: head.wire.values(.ifRange).first, range: head.wire.values(.range))
        if withFields { fields = head.wire.fields.map { (name: head.wire.name($0), value: head.wire.text($0)) } }
    }
}
