internal import ForgeHTTP
internal import NIOCore

/// One request to an app and its answer, between a client's connection and one to the app. Runs on their event loop only.
///
/// Neither body is held: a piece is read from one side when the other takes it. Exactly one of `client.exchangeEnded`,
/// `client.exchangeBroke` and `client.answerInstead` ends it.
final class ProxyExchange {
    enum Phase {
        /// On the way to a connection, or to its answer's head.
        case waiting
        case answering
        /// Bytes go both ways as they come.
        case tunnel
        case over
    }

    /// Pieces up to this size are copied together with what is written beside them.
    private static let copyLimit = 8 << 10

    let head: RequestHead
    let release: String
    let start = ContinuousClock.now
    private let client: GatewayHandler
    private(set) var connection: UpstreamConnection?
    private(set) var phase = Phase.waiting
    private(set) var status = 0
    /// Bytes of the answer's body that were passed on.
    private(set) var sent: Int64 = 0
    private(set) var requestIsRead: Bool

    private var body: BodyReader
    private var bodyBytes = 0
    private var didContinue = false
    private var wasRepeated = false
    private var refusals = 0
    private var answer: ResponseHead?
    private var framing = BodyFraming.none
    private var closesClient = false
    /// What is to be written to the client at the next `flush`.
    private var out = ByteBuffer()
    private var frames: WebSocketFrames?
    private var isLeaving = false

    init(_ head: RequestHead, _ release: String, _ client: GatewayHandler) {
        self.head = head
        self.release = release
        self.client = client
        body = BodyReader(head.framing)
        requestIsRead = body.isDone
    }

    // MARK: - the way to the app

    /// Sends the request by a connection that idles, if one is fresh enough, else by a new one.
    func send(to upstream: Upstream, isFresh: Bool = false) {
        if !isFresh, let idle = client.pool.take(release, isRepeatable: head.isRepeatable) { return attach(idle) }
        do {
            let connection = UpstreamConnection(release, try upstream.connect(), client.pool, client.services.limits)
            connection.open(on: client.eventLoop).assumeIsolated().whenComplete { result in
                guard case .success = result, case .waiting = self.phase else {
                    connection.close()
                    return self.appRefused()
                }
                self.attach(connection)
            }
        } catch {
            appRefused()
        }
    }

    private func attach(_ connection: UpstreamConnection) {
        self.connection = connection
        connection.begin(self)
        connection.write(client.encode(head))
        awaitMore()
        client.process()
        if !requestIsRead, head.expectsContinue, !didContinue, case .waiting = phase {
            didContinue = true
            client.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
            client.flush()
        }
        client.readIfWanted()
    }

    /// Nothing listens, so nothing was sent: the supervisor will know more in a moment.
    private func appRefused() {
        guard case .waiting = phase, connection == nil else { return }
        refusals += 1
        guard refusals <= 7 else { return answerInstead(.appRefuses(client.project(head))) }
        client.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10 << Int64(refusals - 1))) {
            guard case .waiting = self.phase, self.connection == nil else { return }
            switch self.client.services.upstreams.state(of: self.release) {
            case .ready(let upstream)?: self.send(to: upstream, isFresh: true)
            default: self.client.routeAgain(self)
            }
        }
    }

    /// Gives the request up before anything was sent.
    func forget() { phase = .over }

    // MARK: - request body

    /// Whether bytes of the client can be passed on now.
    var takesRequest: Bool {
        guard let connection, connection.isWritable else { return false }
        if case .tunnel = phase { return true }
        return !requestIsRead
    }

    func appTakesMore() {
        client.process()
        client.readIfWanted()
    }

    func flushRequest() { connection?.flush() }

    /// Passes on what of `input` belongs to this exchange.
    /// - Throws: a fault of the client's framing; the exchange is over then.
    func take(_ input: inout ByteBuffer) throws(WireFault) {
        guard let connection else { return }
        if case .tunnel = phase {
            if let bytes = input.readSlice(length: input.readableBytes), bytes.readableBytes > 0 { connection.write(bytes) }
            return client.setDeadline(client.services.limits.streamTimeout, .stream)
        }
        while !requestIsRead, connection.isWritable {
            switch try body.next(&input) {
            case .more: return
            case .end: endRequest(connection)
            case .bytes(let bytes):
                bodyBytes += bytes.readableBytes
                if bodyBytes > client.services.limits.uploadBytes { throw .tooLarge }
                write(bytes, to: connection)
                if body.isDone { endRequest(connection) }
            }
            awaitMore()
        }
    }

    private func awaitMore() {
        let limits = client.services.limits
        switch phase {
        case .waiting where requestIsRead: client.setDeadline(limits.answerTimeout, .answer)
        case .waiting: client.setDeadline(limits.bodyTimeout, .body)
        default: client.setDeadline(limits.streamTimeout, .stream)
        }
    }

    private func write(_ bytes: ByteBuffer, to connection: UpstreamConnection) {
        guard head.framing == .chunked else { return connection.write(bytes) }
        var chunk = ByteBuffer()
        chunk.writeChunkHead(bytes.readableBytes)
        connection.write(chunk)
        connection.write(bytes)
        connection.write(ByteBuffer(string: "\r\n"))
    }

    private func endRequest(_ connection: UpstreamConnection) {
        requestIsRead = true
        if head.framing == .chunked { connection.write(ByteBuffer(string: "0\r\n\r\n")) }
    }

    // MARK: - answer

    /// Whether the client takes more of the answer.
    var takesAnswer: Bool { client.isWritable }

    func received(_ head: ResponseHead) {
        answer = head
        status = head.status
        let isTunnel = head.status == 101
        phase = isTunnel ? .tunnel : .answering
        // HTTP/1.0 knows no chunks.
        framing = head.framing == .untilClose || head.framing == .chunked ? (self.head.isOld ? .untilClose : .chunked) : head.framing
        closesClient = !isTunnel && (client.closes(after: self.head) || !requestIsRead || framing == .untilClose)
        out.clear(minimumCapacity: 2 << 10)
        AnswerEncoding(head: head, request: self.head, framing: framing, closes: closesClient).write(to: &out)
        client.setDeadline(client.services.limits.streamTimeout, .stream)
        guard isTunnel else { return }
        if self.head.upgrade.map({ self.head.wire.text($0).lowercased() }) == "websocket" { frames = WebSocketFrames() }
        client.process()
        client.readIfWanted()
    }

    func received(_ bytes: ByteBuffer) {
        client.setDeadline(client.services.limits.streamTimeout, .stream)
        if frames != nil { return receivedFrames(bytes) }
        sent += Int64(bytes.readableBytes)
        if framing == .chunked, phase == .answering { out.writeChunkHead(bytes.readableBytes) }
        if bytes.readableBytes <= Self.copyLimit {
            out.writeImmutableBuffer(bytes)
        } else {
            writeOut()
            client.write(bytes)
        }
        if framing == .chunked, phase == .answering { out.writeLineEnd() }
    }

    private func receivedFrames(_ bytes: ByteBuffer) {
        let length = bytes.withUnsafeReadableBytes { frames?.follow($0, toBoundary: isLeaving) ?? 0 }
        if let whole = bytes.getSlice(at: bytes.readerIndex, length: length) {
            sent += Int64(length)
            out.writeImmutableBuffer(whole)
        }
        if isLeaving { leaveBetweenFrames() }
    }

    /// Everything that was received is on its way to the client after this.
    func flush() {
        writeOut()
        client.flush()
    }

    private func writeOut() {
        guard out.readableBytes > 0 else { return }
        client.write(out)
        out = ByteBuffer()
    }

    /// The answer is complete.
    func receivedEnd(canKeep: Bool) {
        let wasTunnel = phase == .tunnel
        if framing == .chunked, !wasTunnel, answer?.framing != BodyFraming.none { out.writeStaticString("0\r\n\r\n") }
        flush()
        finish(failed: false, canKeep: canKeep && !wasTunnel)
        client.exchangeEnded(self, closes: closesClient || wasTunnel || !requestIsRead)
    }

    private func finish(failed: Bool, canKeep: Bool) {
        guard phase != .over else { return }
        phase = .over
        let mayIdle = client.services.traffic.end(release, client.channel, failed: failed)
        if canKeep, mayIdle, requestIsRead, head.upgrade == nil, !head.endsAppConnection, let answer, answer.keepsAlive {
            connection?.keep(idleSeconds: answer.idleSeconds)
        } else {
            connection?.close()
        }
        connection = nil
    }

    // MARK: - what goes wrong

    /// The connection to the app ended before the answer did.
    func appFailed() {
        let wasUsed = connection.map { $0.isUsed && !$0.isAnswered } ?? false
        switch phase {
        case .waiting where wasUsed && head.isRepeatable && !wasRepeated:
            wasRepeated = true
            connection = nil
            guard case .ready(let upstream)? = client.services.upstreams.state(of: release) else { return client.routeAgain(self) }
            send(to: upstream, isFresh: true)
        case .waiting: answerInstead(.appBroke(client.project(head)))
        case .answering, .tunnel: breakOff(failed: true)
        case .over: break
        }
    }

    func appSpokeNonsense() {
        if case .waiting = phase { answerInstead(.appSpokeNonsense(client.project(head))) } else { breakOff(failed: true) }
    }

    /// The gateway answers in the app's place, if nothing of its answer was passed on.
    func answerInstead(_ page: GatewayResponse, failed: Bool = true) {
        guard phase != .over else { return }
        guard case .waiting = phase else { return breakOff(failed: failed) }
        finish(failed: failed, canKeep: false)
        client.answerInstead(self, page, closes: !requestIsRead)
    }

    /// An answer that cannot be completed must not look complete: the connection goes without its end.
    private func breakOff(failed: Bool) {
        guard phase != .over else { return }
        flush()
        finish(failed: failed, canKeep: false)
        client.exchangeBroke(self)
    }

    /// Tells the app at once.
    func clientLeft() {
        guard phase != .over else { return }
        // Leaving is how an event stream or a tunnel ends.
        if status != 101 && answer?.isEventStream != true { status = 499 }
        finish(failed: false, canKeep: false)
    }

    func clientFinishedSending() { connection?.finishSending() }

    func timedOut(_ page: GatewayResponse) {
        if case .waiting = phase { answerInstead(page) } else { breakOff(failed: phase == .answering) }
    }

    // MARK: - drain

    /// Ends what is under way as properly as can be.
    func end() {
        switch phase {
        case .waiting: answerInstead(.releaseLeft)
        case .answering:
            // Only of a stream of events is a part a whole.
            guard answer?.isEventStream == true, framing != .none, requestIsRead else { return breakOff(failed: true) }
            if case .length = framing { return breakOff(failed: false) }
            closesClient = true
            receivedEnd(canKeep: false)
        case .tunnel: leave()
        case .over: break
        }
    }

    /// Ends a WebSocket after the frame that is on its way now; any other tunnel at once.
    func leave() {
        guard case .tunnel = phase else { return }
        guard frames != nil else { return breakOff(failed: false) }
        isLeaving = true
        leaveBetweenFrames()
    }

    private func leaveBetweenFrames() {
        guard let frames, frames.isAtBoundary, phase == .tunnel else { return }
        if !frames.isClosing { out.writeBytes(WebSocketFrames.goingAway) }
        receivedEnd(canKeep: false)
    }
}

extension RequestHead {
    /// A body where few expect one is not read by every server; it must not be taken for a further request.
    var endsAppConnection: Bool {
        switch method {
        case .get, .head, .options, .trace, .delete: hasBody
        default: false
        }
    }
}
