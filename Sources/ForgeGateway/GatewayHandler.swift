internal import ForgeHTTP
internal import ForgeStore
internal import NIOCore

/// One client's connection: reads a request, has it answered from files or by an app, waits for the next. Runs on its event
/// loop only.
final class GatewayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        /// Between requests.
        case idle
        /// A head was read; the routes have to be read, or its app is starting.
        case routing(RequestHead)
        /// The body of a request that needs none is thrown away; then it is answered.
        case discarding(RequestHead, BodyReader, count: Int, Answer)
        /// The gateway's own answer is being written.
        case responding
        case proxying(ProxyExchange)
        /// The last answer is out; what the client still sends is dropped.
        case lingering
        case closed
    }

    /// What answers a request that goes to no app.
    enum Answer {
        case files(RouteEntry, RouteSnapshot)
        case page(GatewayResponse)
    }

    /// What the connection is waiting for, at most until its deadline.
    enum Timeout {
        case idle, head, body, answer, stream, start, close
    }

    /// Bytes of following requests that are held while one is answered.
    private static let aheadLimit = 16 << 10

    let services: GatewayServices
    let eventLoop: any EventLoop
    let pool: UpstreamPool
    let channel: any Channel
    let encoding: RequestEncoding
    var context: ChannelHandlerContext?
    var state = State.idle
    var input = ByteBuffer()
    var inputIsClosed = false
    /// The gateway stops: this request is the last.
    private(set) var isQuiescing = false
    /// The release whose start the request in hand waits for.
    var waitingFor: String?
    var knownHost: (text: String, canonical: String?)?
    private var scanner = HeadScanner()
    private var blankLines = 0
    private var isProcessing = false
    private var deadline = NIODeadline.distantFuture
    private var timeout = Timeout.idle
    private var timer: (at: NIODeadline, task: Scheduled<Void>)?

    init(_ services: GatewayServices, _ channel: any Channel) {
        self.services = services
        self.channel = channel
        eventLoop = channel.eventLoop
        pool = services.connections.pool(of: channel.eventLoop)
        encoding = RequestEncoding(address: channel.remoteAddress?.ipAddress ?? "unknown", port: channel.localAddress?.port ?? 0)
    }

    /// Whether the client has sent its last request.
    var isAtEnd: Bool { inputIsClosed && input.readableBytes == 0 }
    var isWritable: Bool { channel.isWritable }

    // MARK: - events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        setDeadline(min(services.limits.headTimeout, services.limits.idleTimeout), .idle)
        context.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        inputIsClosed = true
        timer?.task.cancel()
        timer = nil
        leave()
        state = .closed
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) { readIfWanted() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .proxying(let exchange) = state, context.channel.isWritable { exchange.connection?.readIfWanted() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputEnded()
        case is UpstreamChange: if case .routing(let head) = state { route(head) }
        case let event as ReleaseMustEnd:
            if case .proxying(let exchange) = state, event.release == nil || event.release == exchange.release { exchange.end() }
        case is ChannelShouldQuiesceEvent: quiesce()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// A client that has finished sending still gets the answers from files; an app is told that nobody waits for its own.
    private func inputEnded() {
        inputIsClosed = true
        switch state {
        case .responding: return
        case .routing where waitingFor == nil: return
        case .proxying(let exchange):
            if exchange.phase == .tunnel { return exchange.clientFinishedSending() }
        default: break
        }
        context?.close(promise: nil)
    }

    private func quiesce() {
        isQuiescing = true
        switch state {
        case .idle where input.readableBytes == 0: context?.close(promise: nil)
        case .proxying(let exchange): exchange.leave()
        default: break
        }
    }

    // MARK: - input

    func readIfWanted() { if wantsInput { context?.read() } }

    private var wantsInput: Bool {
        if inputIsClosed { return false }
        switch state {
        case .idle, .discarding, .lingering: return true
        case .proxying(let exchange):
            if exchange.phase == .tunnel || !exchange.requestIsRead { return exchange.takesRequest }
            return input.readableBytes < Self.aheadLimit
        case .routing, .responding: return input.readableBytes < Self.aheadLimit
        case .closed: return false
        }
    }

    /// Does with the bytes in hand whatever the state allows.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while input.readableBytes > 0, step() {}
        if case .proxying(let exchange) = state { exchange.flushRequest() }
    }

    /// Whether there may be more to do.
    private func step() -> Bool {
        switch state {
        case .idle: return takeHead()
        case .discarding(let head, var reader, let count, let answer):
            do {
                switch try reader.next(&input) {
                case .more: state = .discarding(head, reader, count: count, answer)
                case .end: respond(head, answer)
                case .bytes(let bytes):
                    let count = count + bytes.readableBytes
                    state = .discarding(head, reader, count: count, answer)
                    if count > services.limits.bodyBytes { refuse(.bodyTooLarge, head) } else if reader.isDone { respond(head, answer) }
                    return true
                }
            } catch { refuse(.refusal(of: error, inBody: true), head) }
            return false
        case .proxying(let exchange):
            do { try exchange.take(&input) } catch { exchange.answerInstead(.refusal(of: error, inBody: true), failed: false) }
            return false
        case .lingering, .closed:
            input.clear()
            return false
        case .routing, .responding: return false
        }
    }

    private func takeHead() -> Bool {
        let limits = services.limits
        do {
            guard skipBlankLines() else { return false }
            let found = try input.withUnsafeReadableBytesTyped { bytes throws(WireFault) in
                guard FieldName.isToken(bytes[0]) else { throw .malformed }
                return try scanner.end(in: bytes, limit: limits.headerBytes, fields: limits.headerFields)
            }
            guard let end = found, let bytes = input.readSlice(length: end) else {
                if timeout == .idle { setDeadline(min(limits.headTimeout, limits.idleTimeout), .head) }
                return false
            }
            scanner = HeadScanner()
            blankLines = 0
            route(try RequestHead(parsing: bytes))
        } catch {
            refuse(.refusal(of: error), nil)
        }
        return true
    }

    /// Some clients end a body with a line end that is none of it (RFC 9112, 2.2). False when there is nothing else yet.
    private func skipBlankLines() -> Bool {
        while blankLines < 2, input.getInteger(at: input.readerIndex, as: UInt16.self) == 0x0D0A {
            input.moveReaderIndex(forwardBy: 2)
            blankLines += 1
        }
        return input.readableBytes > 1 || (input.readableBytes == 1 && input.getInteger(at: input.readerIndex, as: UInt8.self) != 0x0D)
    }

    // MARK: - output and time

    func write(_ bytes: ByteBuffer) { context?.write(wrapOutboundOut(bytes), promise: nil) }
    func flush() { context?.flush() }

    /// `deadlineReached` is called after `delay` unless another deadline is set before. Costs no timer where one runs already.
    func setDeadline(_ delay: Duration, _ timeout: Timeout) {
        self.timeout = timeout
        deadline = .now() + TimeAmount(delay)
        if let timer {
            if timer.at <= deadline { return }
            timer.task.cancel()
        }
        arm()
    }

    private func arm() {
        let at = deadline
        timer = (at, eventLoop.assumeIsolated().scheduleTask(deadline: at) { self.timerFired() })
    }

    private func timerFired() {
        timer = nil
        if case .closed = state { return }
        if NIODeadline.now() < deadline { return arm() }
        deadlineReached(timeout)
    }
}
