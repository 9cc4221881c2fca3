internal import ForgeModel
internal import NIOCore
internal import NIOHTTP1

/// Takes the one request of a client connection, asks the policy and the network, and hands the connection over to a relay.
final class EgressFrontend: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case waiting
        /// CONNECT is acted on once it is whole.
        case connectRead(HTTPRequestHead)
        case connecting
        case handedOver
        /// To a responder.
        case served
        case refused
    }

    private let form: ProxyRequest.Form
    private let connector: EgressConnector
    private let codec: HTTPCodec
    private var state = State.waiting
    /// Of the request's body, at most one read's worth.
    private var held: [HTTPServerRequestPart] = []
    private var wantsRead = false
    private var inputEnded = false
    private var isGone = false

    private init(_ form: ProxyRequest.Form, _ connector: EgressConnector, _ codec: HTTPCodec) {
        self.form = form
        self.connector = connector
        self.codec = codec
    }

    /// Puts the HTTP server's side at the end of `pipeline`.
    static func install(
        in pipeline: ChannelPipeline.SynchronousOperations, form: ProxyRequest.Form, connector: EgressConnector
    ) throws {
        let codec = HTTPCodec()
        try pipeline.addHandler(codec.encoder)
        try pipeline.addHandler(codec.decoder)
        try pipeline.addHandler(EgressFrontend(form, connector, codec))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .waiting:
            if case .head(let head) = unwrapInboundIn(data) { begin(head, context) }
        case .connectRead(let head):
            if case .end = unwrapInboundIn(data) { connect(head, context) }
        case .connecting: held.append(unwrapInboundIn(data))
        case .handedOver, .served: context.fireChannelRead(data)
        case .refused: break
        }
    }

    func read(context: ChannelHandlerContext) {
        if case .connecting = state { wantsRead = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch (state, event) {
        case (.served, is IdleStateHandler.IdleStateEvent): context.close(promise: nil)
        case (.handedOver, _), (.served, _): context.fireUserInboundEventTriggered(event)
        // A client may close its side after its request.
        case (.connecting, ChannelEvent.inputClosed): inputEnded = true
        case (_, ChannelEvent.inputClosed), (_, is IdleStateHandler.IdleStateEvent): context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch state {
        case .handedOver, .served: context.fireErrorCaught(error)
        case .waiting where error is HTTPParserError: refuse(.badRequest("the request is not well-formed HTTP/1.1"), context)
        default: context.close(promise: nil)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if case .proxy = form, head.method == .CONNECT {
            state = .connectRead(head)
            return
        }
        do {
            let request = try ProxyRequest(head, form: form, policy: connector.policy)
            guard case .forward(let onward) = request.kind else { return }
            if let responder = connector.responder(for: request.target.origin) { return serve(head, by: responder, context) }
            forward(head, onward, request, context)
        } catch {
            refuse(error, context)
        }
    }

    /// The responder's side judges this request too, and those that follow it.
    private func serve(_ head: HTTPRequestHead, by responder: any EgressResponder, _ context: ChannelHandlerContext) {
        do {
            try InterceptedConnection.install(
                InterceptedConnection(connector: connector, responder: responder, form: form), on: context.channel)
        } catch {
            return context.close(promise: nil)
        }
        state = .served
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private func forward(_ head: HTTPRequestHead, _ onward: HTTPRequestHead, _ request: ProxyRequest, _ context: ChannelHandlerContext) {
        state = .connecting
        let server = NIOLoopBound(HTTPExchange.Server(), eventLoop: context.eventLoop)
        connector.connect(to: request.target, on: context.eventLoop) { channel in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(HTTPRequestEncoder())
            try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
            try pipeline.addHandler(server.value)
        }.assumeIsolated().whenComplete { result in
            guard self.isStillHere(result, context) else { return }
            let client = HTTPExchange.Client()
            do { try context.pipeline.syncOperations.addHandler(client) } catch { return context.close(promise: nil) }
            if request.expectsContinue { client.send(.head(HTTPResponseHead(version: .http1_1, status: .continue))) }
            client.flush()
            HTTPExchange(head, to: request.target.origin, client: client, server: server.value, ledger: self.connector.ledger)
                .start(onward)
            self.handOver(context)
        }
    }

    private func connect(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do {
            let request = try ProxyRequest(head, form: form, policy: connector.policy)
            switch request.kind {
            case .secureTunnel:
                if let responder = connector.responder(for: request.target.origin) {
                    try EgressFrontend.openTunnel(context, codec) {
                        try $0.addHandler(
                            HelloGate(
                                request.target.origin, ledger: connector.ledger,
                                inside: .responder(responder, for: request.target, connector)))
                    }
                    return handOver(context)
                }
                secureTunnel(to: request.target, context)
            default:
                // Its server is connected to once its first request has shown the right Host.
                try EgressFrontend.openTunnel(context, codec) {
                    try EgressFrontend.install(in: $0, form: .inside(request.target), connector: self.connector)
                }
                handOver(context)
            }
        } catch let failure as EgressFailure {
            refuse(failure, context)
        } catch {
            context.close(promise: nil)
        }
    }

    private func secureTunnel(to target: EgressPolicy.Target, _ context: ChannelHandlerContext) {
        state = .connecting
        let server = NIOLoopBound(HelloGate.Relay(), eventLoop: context.eventLoop)
        connector.connect(to: target, on: context.eventLoop) { channel in
            try channel.pipeline.syncOperations.addHandler(server.value)
        }.assumeIsolated().whenComplete { result in
            guard self.isStillHere(result, context) else { return }
            // The server's side may go before anything was decided.
            server.value.ended = { context.close(promise: nil) }
            do {
                try EgressFrontend.openTunnel(context, self.codec) {
                    try $0.addHandler(
                        HelloGate(
                            target.origin, ledger: self.connector.ledger,
                            inside: .tunnel(to: server.value, target.origin, self.connector.ledger)))
                }
                self.handOver(context)
            } catch {
                context.close(promise: nil)
            }
        }
    }

    /// Answers 200 and replaces HTTP by what `install` puts at the end; bytes that came early go there.
    private static func openTunnel(
        _ context: ChannelHandlerContext, _ codec: HTTPCodec, install: (ChannelPipeline.SynchronousOperations) throws -> Void
    ) throws {
        let pipeline = context.pipeline.syncOperations
        pipeline.removeHandler(codec.encoder, promise: nil)
        codec.isReplaced = true
        context.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n")), promise: nil)
        try install(pipeline)
    }

    private func isStillHere(_ result: Result<any Channel, any Error>, _ context: ChannelHandlerContext) -> Bool {
        switch result {
        case .failure(let error):
            if !isGone { refuse(error as? EgressFailure, context) }
            return false
        case .success(let server):
            if isGone { server.close(promise: nil) }
            return !isGone
        }
    }

    /// From here on this handler only lets things through.
    private func handOver(_ context: ChannelHandlerContext) {
        state = .handedOver
        for part in held { context.fireChannelRead(wrapInboundOut(part)) }
        held = []
        context.fireChannelReadComplete()
        if codec.isReplaced { context.pipeline.syncOperations.removeHandler(codec.decoder, promise: nil) }
        if inputEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        if wantsRead { context.channel.read() }
    }

    private func refuse(_ failure: EgressFailure?, _ context: ChannelHandlerContext) {
        state = .refused
        held = []
        guard let failure else { return context.close(promise: nil) }
        connector.ledger.note(failure)
        context.write(wrapOutboundOut(.head(failure.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(failure.body))), promise: nil)
        // Half-closed first: a full close while a body still arrives would take the answer away.
        context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: nil) }
        if wantsRead { context.read() }
    }
}
