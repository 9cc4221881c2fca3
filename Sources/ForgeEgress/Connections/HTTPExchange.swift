internal import ForgeModel
internal import NIOCore
internal import NIOHTTP1

/// One request sent on to a plain server, and its answer. Both connections end with it: nothing of one exchange can be taken
/// for part of another.
final class HTTPExchange {
    typealias Client = EgressRelay<HTTPServerRequestPart, HTTPServerResponsePart>
    typealias Server = EgressRelay<HTTPClientResponsePart, HTTPClientRequestPart>

    private let origin: EgressOrigin
    private let ledger: EgressLedger
    private let client: Client
    private let server: Server
    /// HTTP/1.0 where the answer must not be chunked.
    private let answerVersion: HTTPVersion
    private var requestEnded = false
    private var answerStarted = false
    private var answerEnded = false

    init(_ head: HTTPRequestHead, to origin: EgressOrigin, client: Client, server: Server, ledger: EgressLedger) {
        self.origin = origin
        self.ledger = ledger
        self.client = client
        self.server = server
        answerVersion = head.version == .http1_0 || head.method == .HEAD ? .http1_0 : .http1_1
    }

    /// Sends `head` and lets the rest flow. The relays hold this exchange until their channels are gone.
    func start(_ head: HTTPRequestHead) {
        ledger.allowed(origin)
        client.receive = { self.fromClient($0) }
        client.inputEnded = { if !self.requestEnded { self.client.abandon() } }
        client.ended = { self.server.abandon() }
        server.receive = { self.fromServer($0) }
        server.inputEnded = { self.serverEnded() }
        server.ended = { self.serverEnded() }
        server.send(.head(head))
        server.flush()
        client.join(server)
        server.join(client)
    }

    private func fromClient(_ part: HTTPServerRequestPart) {
        // Whatever follows the request is no part of it and goes nowhere.
        guard !requestEnded else { return }
        switch part {
        case .head: break
        case .body(let bytes): server.send(.body(.byteBuffer(bytes)))
        case .end:
            requestEnded = true
            server.send(.end(nil))
        }
    }

    private func fromServer(_ part: HTTPClientResponsePart) {
        guard !answerEnded else { return }
        switch part {
        case .head(let head):
            answerStarted = true
            var headers = head.headers.endToEnd
            headers.add(name: "connection", value: "close")
            client.send(.head(HTTPResponseHead(version: answerVersion, status: head.status, headers: headers)))
        case .body(let bytes): client.send(.body(.byteBuffer(bytes)))
        case .end:
            answerEnded = true
            client.finish(with: .end(nil))
            server.abandon()
        }
    }

    /// An answer cut short is cut short for the client too: never an end that was not the server's.
    private func serverEnded() {
        guard !answerEnded else { return }
        answerEnded = true
        let failure = EgressFailure.brokeOff(origin)
        ledger.note(failure)
        server.abandon()
        if answerStarted { return client.abandon() }
        client.send(.head(failure.head))
        client.send(.body(.byteBuffer(failure.body)))
        client.finish(with: .end(nil))
    }
}

extension EgressFailure {
    var body: ByteBuffer { ByteBuffer(string: "forge: \(message)\n") }

    /// Package managers show the status line, seldom the body.
    private var phrase: String {
        guard let origin, verdict == .refused, status == 403 else { return HTTPResponseStatus(statusCode: status).reasonPhrase }
        return "Forbidden by Forge (FORGE_EGRESS_ALLOW=\(origin) would allow it)"
    }

    var head: HTTPResponseHead {
        let headers: HTTPHeaders = [
            "content-type": "text/plain; charset=utf-8", "content-length": "\(body.readableBytes)", "connection": "close",
        ]
        return HTTPResponseHead(version: .http1_1, status: .custom(code: UInt(status), reasonPhrase: phrase), headers: headers)
    }
}
