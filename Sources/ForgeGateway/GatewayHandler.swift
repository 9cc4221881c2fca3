internal import ForgeStore
internal import ForgeSystem
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// What every connection of a gateway shares.
struct GatewayServices: Sendable {
    let watch: RouteWatch
    let responder: StaticResponder
    let pool: NIOThreadPool
    let limits: GatewayLimits
    let log: @Sendable (AccessRecord) -> Void

    /// The answer by the routes as they are at this moment. Blocks.
    func respond(to request: GatewayRequest) -> GatewayResponse {
        // A table that cannot be read now leaves the last one in force: sites stay up.
        responder.respond(to: request, routes: (try? watch.current()) ?? watch.last)
    }
}

/// One connection: reads a request to its end, answers it, waits for the next. Runs on its event loop only.
final class GatewayHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        /// Between requests.
        case idle
        case receiving(HTTPRequestHead, body: Int)
        case responding
        /// The last answer is out; what the client still sends is dropped.
        case lingering
        case closed
    }

    private static let pieceSize: Int64 = 256 << 10

    private let services: GatewayServices
    private var state = State.idle
    private var deadline: Scheduled<Void>?
    private var inputIsClosed = false

    init(_ services: GatewayServices) { self.services = services }

    func channelActive(context: ChannelHandlerContext) {
        setDeadline(context, services.limits.idleTimeout) { $1.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .idle): begin(context, head)
        case (.body(let bytes), .receiving(let head, let count)):
            state = .receiving(head, body: count + bytes.readableBytes)
            if count + bytes.readableBytes > services.limits.bodyBytes { refuse(context, .bodyTooLarge, head) }
        case (.end, .receiving(let head, _)): answer(context, head)
        default: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        inputIsClosed = true
        if case .responding = state { return }
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch (error, state) {
        case (let error as HTTPParserError, .idle):
            refuse(context, error == .headerOverflow ? .headersTooLarge : .notHTTP, nil)
        case (let error as HTTPParserError, .receiving(let head, _)):
            refuse(context, error == .headerOverflow ? .headersTooLarge : .notHTTP, head)
        case (_, .lingering) where !(error is IOError): break
        default: context.close(promise: nil)
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
        state = .receiving(head, body: 0)
        if let refusal = RequestFraming.refusal(of: head, bodyLimit: services.limits.bodyBytes) {
            return refuse(context, refusal, head)
        }
        setDeadline(context, services.limits.bodyTimeout) { $0.refuse($1, .requestTimeout, nil) }
    }

    private func answer(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
        state = .responding
        deadline?.cancel()
        let start = ContinuousClock.now
        let request = GatewayRequest(head)
        services.pool.runIfActive(eventLoop: context.eventLoop) { [services] in services.respond(to: request) }
            .assumeIsolated().whenComplete { result in
                guard case .responding = self.state else { return }
                guard case .success(let response) = result else { return context.close(promise: nil) }
                self.write(context, response, Exchange(head: head, start: start, closes: !head.allowsAnother))
            }
    }

    /// Answers without the routes and ends the connection: what follows on it cannot be trusted to be a request.
    private func refuse(_ context: ChannelHandlerContext, _ response: GatewayResponse, _ head: HTTPRequestHead?) {
        state = .responding
        deadline?.cancel()
        write(context, response, Exchange(head: head, start: .now, closes: true))
    }

    private func write(_ context: ChannelHandlerContext, _ response: GatewayResponse, _ exchange: Exchange) {
        var exchange = exchange
        exchange.response = response
        exchange.closes = exchange.closes || inputIsClosed
        context.write(wrapOutboundOut(.head(exchange.responseHead)), promise: nil)
        switch exchange.sendsBody ? response.body : nil {
        case nil: finish(context, exchange)
        case .bytes(let bytes)?:
            exchange.sent = Int64(bytes.count)
            context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))), promise: nil)
            finish(context, exchange)
        case .file(let file, let range)?: writePiece(context, file, range, exchange)
        }
    }

    /// Sends the next piece of a file once the one before is on its way, so that a slow client holds one piece in memory.
    private func writePiece(_ context: ChannelHandlerContext, _ file: Descriptor, _ range: Range<Int64>, _ exchange: Exchange) {
        guard !range.isEmpty else { return finish(context, exchange) }
        let end = min(range.upperBound, range.lowerBound + Self.pieceSize)
        services.pool.runIfActive(eventLoop: context.eventLoop) { try file.piece(range.lowerBound..<end) }
            .assumeIsolated().whenComplete { result in
                guard case .responding = self.state else { return }
                guard case .success(let bytes) = result else { return context.close(promise: nil) }
                self.setDeadline(context, self.services.limits.writeTimeout) { $1.close(promise: nil) }
                let buffer = context.channel.allocator.buffer(bytes: bytes)
                context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer(buffer)))).assumeIsolated().whenSuccess {
                    var exchange = exchange
                    exchange.sent += Int64(bytes.count)
                    self.writePiece(context, file, end..<range.upperBound, exchange)
                }
            }
    }

    private func finish(_ context: ChannelHandlerContext, _ exchange: Exchange) {
        guard case .responding = state else { return }
        deadline?.cancel()
        state = exchange.closes ? .lingering : .idle
        let limits = services.limits
        setDeadline(context, exchange.closes ? limits.writeTimeout : limits.idleTimeout) { $1.close(promise: nil) }
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        services.log(exchange.record)
        guard exchange.closes else { return }
        // A full close with unread input would reset the connection and take the answer with it.
        written.assumeIsolated().whenSuccess {
            guard case .lingering = self.state else { return }
            if self.inputIsClosed { return context.close(promise: nil) }
            self.setDeadline(context, limits.lingerTimeout) { $1.close(promise: nil) }
            context.close(mode: .output, promise: nil)
        }
    }

    private func setDeadline(
        _ context: ChannelHandlerContext, _ delay: Duration, _ action: @escaping (GatewayHandler, ChannelHandlerContext) -> Void
    ) {
        deadline?.cancel()
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { action(self, context) }
    }
}
