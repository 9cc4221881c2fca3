internal import ForgeModel
internal import NIOHTTP1

/// One request as the proxy understands it, checked against the policy; what is ambiguous is refused, not repaired.
/// Source: RFC 9110 sections 7.6.1 and 9.3.6; RFC 9112 sections 3.2, 6.1 and 6.3.
struct ProxyRequest {
    enum Kind {
        /// Bytes both ways, to a server that must be named in a TLS handshake first.
        case secureTunnel
        /// Requests in origin-form for one plain server.
        case plainTunnel
        /// This request alone, as it is to be sent on.
        case forward(HTTPRequestHead)
    }

    /// What a client connection speaks to the proxy.
    enum Form {
        case proxy
        /// After a CONNECT to a plain server.
        case inside(EgressPolicy.Target)
    }

    let kind: Kind
    let target: EgressPolicy.Target
    /// The client waits for word before it sends the body.
    let expectsContinue: Bool

    /// - Throws: `EgressFailure`
    init(_ head: HTTPRequestHead, form: Form, policy: EgressPolicy) throws(EgressFailure) {
        guard head.version == .http1_1 || head.version == .http1_0 else { throw .badRequest("only HTTP/1.0 and HTTP/1.1 are spoken here") }
        if case .proxy = form, head.method == .CONNECT {
            try self.init(connect: head, policy)
        } else {
            try self.init(forward: head, form, policy)
        }
    }

    private init(connect head: HTTPRequestHead, _ policy: EgressPolicy) throws(EgressFailure) {
        target = try policy.target(connectingTo: head.uri)
        let hosts = head.headers["host"]
        guard hosts.count <= 1 else { throw .badRequest("more than one Host header", to: target.origin) }
        // Some clients leave the port out.
        for host in hosts where EgressOrigin(scheme: target.origin.scheme, authority: host) != target.origin {
            guard EgressOrigin(scheme: target.origin.scheme, authority: "\(host):\(target.origin.port)") == target.origin else {
                throw .otherHost(target.origin)
            }
        }
        guard !head.headers.contains(name: "content-length"), !head.headers.contains(name: "transfer-encoding") else {
            throw .badRequest("CONNECT has no body", to: target.origin)
        }
        kind = target.origin.scheme == .https ? .secureTunnel : .plainTunnel
        expectsContinue = false
    }

    private init(forward head: HTTPRequestHead, _ form: Form, _ policy: EgressPolicy) throws(EgressFailure) {
        let path: String
        switch form {
        case .proxy: (target, path) = try Self.split(head.uri, policy)
        case .inside(let fixed):
            guard head.uri.hasPrefix("/") else { throw .badRequest("expected a path as the request's target", to: fixed.origin) }
            (target, path) = (fixed, head.uri)
        }
        let origin = target.origin
        guard head.method != .CONNECT, head.method != .TRACE else { throw .badRequest("\(head.method) is not possible here", to: origin) }
        guard path.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else { throw .badRequest("the path holds odd characters", to: origin) }
        try Self.checkHost(head, origin)
        try Self.checkFraming(head, origin)
        expectsContinue = head.headers.contains(name: "expect") && head.version == .http1_1
        var onward = HTTPRequestHead(version: .http1_1, method: head.method, uri: path, headers: head.headers.endToEnd)
        onward.headers.remove(name: "expect")
        onward.headers.replaceOrAdd(name: "host", value: origin.authority)
        if head.headers.contains(name: "transfer-encoding") { onward.headers.add(name: "transfer-encoding", value: "chunked") }
        onward.headers.add(name: "connection", value: "close")
        kind = .forward(onward)
    }

    /// The server and the path of `http://server/path`.
    private static func split(_ uri: String, _ policy: EgressPolicy) throws(EgressFailure) -> (EgressPolicy.Target, String) {
        guard uri.lowercased().hasPrefix("http://") else {
            throw .badRequest("this is a proxy: expected `CONNECT host:port` or `http://host/path`")
        }
        let rest = uri.dropFirst("http://".count)
        let authority = rest.prefix { !"/?#".contains($0) }
        guard let origin = EgressOrigin(scheme: .http, authority: authority) else { throw .noServer }
        let path = rest.dropFirst(authority.count).prefix { $0 != "#" }
        return (try policy.target(origin), path.hasPrefix("/") ? String(path) : "/" + path)
    }

    private static func checkHost(_ head: HTTPRequestHead, _ origin: EgressOrigin) throws(EgressFailure) {
        let hosts = head.headers["host"]
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http1_0 else {
            throw .badRequest("expected exactly one Host header", to: origin)
        }
        for host in hosts where EgressOrigin(scheme: origin.scheme, authority: host) != origin { throw .otherHost(origin) }
    }

    /// One way to find the body's end, or none.
    private static func checkFraming(_ head: HTTPRequestHead, _ origin: EgressOrigin) throws(EgressFailure) {
        let lengths = head.headers["content-length"]
        let codings = head.headers["transfer-encoding"]
        let isPlainLength = lengths.allSatisfy { !$0.isEmpty && $0.utf8.count < 19 && $0.utf8.allSatisfy { (48...57).contains($0) } }
        let isChunked = codings.isEmpty || codings.map { $0.lowercased() } == ["chunked"] && head.version == .http1_1
        guard lengths.count + codings.count <= 1, isPlainLength, isChunked else {
            throw .badRequest("ambiguous length of the request's body", to: origin)
        }
    }
}

extension HTTPHeaders {
    private static let hopByHop = [
        "connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "proxy-authentication-info", "te",
        "trailer", "transfer-encoding", "upgrade", "http2-settings",
    ]

    /// Without what concerns only the connection it came over.
    var endToEnd: HTTPHeaders {
        var headers = self
        // "content-length" and "host" named in Connection would take the framing away.
        let named = self[canonicalForm: "connection"].map { $0.lowercased() }.filter { !["host", "content-length"].contains($0) }
        for name in Self.hopByHop + named { headers.remove(name: name) }
        return headers
    }
}
