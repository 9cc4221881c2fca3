internal import NIOCore
internal import NIOHTTP1

/// One request and its answer, as far as it has got.
struct Exchange {
    /// Nil when the request could not be read.
    let head: HTTPRequestHead?
    let start: ContinuousClock.Instant
    var closes: Bool
    var response = GatewayResponse.internalError
    var sent: Int64 = 0

    /// HEAD gets the head of what GET would get.
    var sendsBody: Bool { head?.method != .HEAD }

    var responseHead: HTTPResponseHead {
        var fields = HTTPHeaders(response.headers.map { ($0.name, $0.value) })
        if let length = response.contentLength { fields.add(name: "Content-Length", value: String(length)) }
        if closes {
            fields.add(name: "Connection", value: "close")
        } else if head?.version == .http1_0 {
            fields.add(name: "Connection", value: "keep-alive")
        }
        return HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: response.status), headers: fields)
    }

    var record: AccessRecord {
        AccessRecord(
            host: head?.headers.first(name: "host") ?? "", method: head?.method.rawValue ?? "", target: head?.uri ?? "",
            status: response.status, bytes: sent, durationMs: Int((.now - start) / .milliseconds(1)), release: response.release)
    }
}

extension GatewayRequest {
    init(_ head: HTTPRequestHead) {
        self.init(
            method: head.method.rawValue, target: head.uri, hosts: head.headers["host"],
            ifNoneMatch: head.headers["if-none-match"], ifRange: head.headers.first(name: "if-range"), range: head.headers["range"])
    }
}

extension HTTPRequestHead {
    /// Whether a further request may follow on the connection. After an upgrade offer the parser takes no more.
    var allowsAnother: Bool {
        isKeepAlive && method != .CONNECT && !headers.contains(name: "upgrade")
    }
}

/// Heads whose end is not beyond doubt are refused: two readers of one byte stream must never see different requests.
enum RequestFraming {
    static func refusal(of head: HTTPRequestHead, bodyLimit: Int) -> GatewayResponse? {
        let lengths = head.headers["content-length"]
        let encodings = head.headers["transfer-encoding"]
        guard lengths.count <= 1, encodings.isEmpty || (lengths.isEmpty && encodings.map { $0.lowercased() } == ["chunked"]) else {
            return .badRequest("The length of this request is ambiguous.")
        }
        guard encodings.isEmpty || head.version != .http1_0 else {
            return .badRequest("An HTTP/1.0 request cannot be chunked.")
        }
        guard head.headers["host"].count == 1 else { return .badRequest("A request names exactly one host.") }
        if let length = lengths.first {
            guard let bytes = Int(length), bytes >= 0 else { return .badRequest("The length of this request is not a number.") }
            if bytes > bodyLimit { return .bodyTooLarge }
        }
        // The client waits for a word before it sends a body nobody wants.
        if head.headers.contains(name: "expect") { return head.method == .GET || head.method == .HEAD ? nil : .methodNotAllowed }
        return nil
    }
}
