package import ForgeModel
package import NIOCore
package import NIOHTTP1
package import NIOSSL

/// Answers what one step asks some of its servers, in their place: its TLS ends here, and each request is seen.
///
/// Whatever it needs of the servers themselves it gets through `EgressUpstream`, under the step's policy.
package protocol EgressResponder: Sendable {
    /// The servers it answers for. They must be allowed besides.
    var origins: Set<EgressOrigin> { get }
    /// The CA certificate that the step must trust for that; PEM.
    var authority: String { get }

    /// What TLS presents for a server.
    func context(for origin: EgressOrigin) throws -> NIOSSLContext

    /// Answers one request. An error cuts an answer that has begun: the client never takes a part for the whole.
    func respond(to query: EgressQuery, upstream: EgressUpstream, answer: EgressAnswer) async throws

    /// Called once, after the step and its last connection have ended.
    func conclude() async throws -> EgressConclusion
}

/// A request as a responder gets it: its server is judged, its framing undone, and it has no body.
package struct EgressQuery: Sendable {
    package let origin: EgressOrigin
    package let method: HTTPMethod
    /// Path and query.
    package let path: String
    package let headers: HTTPHeaders
}

/// What a responder has to tell of a whole step.
package struct EgressConclusion: Sendable {
    /// Why the step failed, whatever its command says.
    package struct Failure: Sendable, Hashable {
        package let code: String
        /// The end of the sentence "step `install` …".
        package let message: String
        package let hint: String?

        package init(code: String, message: String, hint: String?) {
            self.code = code
            self.message = message
            self.hint = hint
        }
    }

    package let packages: [PackageRecord]
    package let failure: Failure?
    /// Why the command failed, if it did.
    package let excuse: Failure?

    package init(packages: [PackageRecord], failure: Failure? = nil, excuse: Failure? = nil) {
        self.packages = packages
        self.failure = failure
        self.excuse = excuse
    }
}

/// Makes a step's connections to servers: each is judged by the step's policy, recorded, and ends with the step.
package struct EgressUpstream: Sendable {
    let connector: EgressConnector

    /// Records that an exchange over such a connection failed.
    package func note(_ failure: EgressFailure) { connector.ledger.note(failure) }

    /// A new connection to `origin`. Its bytes are counted, and it is closed with the step if not before.
    /// - Parameter configure: sets the channel up before it is connected.
    /// - Throws: `EgressFailure`, which is in the record then
    package func connect(to origin: EgressOrigin, configure: @escaping @Sendable (any Channel) throws -> Void) async throws -> any Channel {
        do {
            let target = try connector.policy.target(origin)
            let channel = try await connector.connect(to: target, on: connector.group.any(), configure: configure).get()
            connector.ledger.allowed(origin)
            return channel
        } catch let failure as EgressFailure {
            connector.ledger.note(failure)
            throw failure
        }
    }
}

/// Takes one answer, with back-pressure.
package struct EgressAnswer: Sendable {
    let writer: NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>
    let request: HTTPRequestHead
    let keepsAlive: Bool
    let progress: AnswerProgress

    /// Whether the client has been told something already.
    package var hasBegun: Bool { progress.hasBegun }

    /// Sent once. A length in `headers` is a promise.
    package func begin(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) async throws {
        var headers = headers
        headers.replaceOrAdd(name: "connection", value: keepsAlive ? "keep-alive" : "close")
        progress.begin()
        // HTTP/1.0 where the answer must not be chunked.
        let version: HTTPVersion = request.version == .http1_0 || request.method == .HEAD ? .http1_0 : .http1_1
        try await writer.write(.head(HTTPResponseHead(version: version, status: status, headers: headers)))
    }

    /// Nothing is sent for a HEAD.
    package func send(_ bytes: ByteBuffer) async throws {
        guard request.method != .HEAD, bytes.readableBytes > 0 else { return }
        try await writer.write(.body(.byteBuffer(bytes)))
    }

    /// A whole answer that says why there is none.
    package func refuse(_ status: HTTPResponseStatus, _ message: String) async throws {
        let body = ByteBuffer(string: "forge: \(message)\n")
        try await begin(status, ["content-type": "text/plain; charset=utf-8", "content-length": "\(body.readableBytes)"])
        try await send(body)
    }
}
