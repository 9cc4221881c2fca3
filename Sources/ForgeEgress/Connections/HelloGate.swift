internal import ForgeModel
internal import NIOCore
internal import NIOSSL

/// Holds a tunnel's first bytes back until they name the server that the tunnel was asked for; otherwise cuts it.
final class HelloGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias Relay = EgressRelay<ByteBuffer, ByteBuffer>

    /// What stands behind the gate.
    struct Inside {
        /// Puts what takes the connection over behind the gate, once it opens.
        let install: (ChannelHandlerContext, HelloGate) throws -> Void
        /// The client went before.
        var abandon: () -> Void = {}
    }

    private let origin: EgressOrigin
    private let ledger: EgressLedger
    private let inside: Inside
    private var held = ByteBuffer()
    private var isDecided = false
    private var isOpen = false

    init(_ origin: EgressOrigin, ledger: EgressLedger, inside: Inside) {
        self.origin = origin
        self.inside = inside
        self.ledger = ledger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided else { return context.fireChannelRead(data) }
        held.writeImmutableBuffer(unwrapInboundIn(data))
        switch ClientHello(held.readableBytesView) {
        case .incomplete: break
        case .names(let name) where isRight(name): open(context)
        case .names, .unacceptable: cut(context)
        }
    }

    /// TLS names no server that is an address (RFC 6066, section 3), but some clients do.
    private func isRight(_ name: String?) -> Bool {
        guard let name else { return origin.isAddress }
        return name.lowercased() == origin.host
    }

    private func open(_ context: ChannelHandlerContext) {
        isDecided = true
        do { try inside.install(context, self) } catch { return context.close(promise: nil) }
        isOpen = true
        context.fireChannelRead(wrapInboundOut(held))
        context.fireChannelReadComplete()
        held.clear()
    }

    private func cut(_ context: ChannelHandlerContext) {
        isDecided = true
        ledger.note(.otherServerName(origin))
        held.clear()
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if isDecided { return context.fireUserInboundEventTriggered(event) }
        // Idle, or at the end of its input before the hello was whole.
        if event is IdleStateHandler.IdleStateEvent { return context.close(promise: nil) }
        if case ChannelEvent.inputClosed = event {
            if held.readableBytes > 0 { cut(context) } else { context.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        context.fireChannelInactive()
        // Without a tunnel nothing else closes the server's side.
        if !isOpen { inside.abandon() }
    }
}

extension HelloGate.Inside {
    /// Bytes to and from `server`, which is connected already.
    static func tunnel(to server: HelloGate.Relay, _ origin: EgressOrigin, _ ledger: EgressLedger) -> HelloGate.Inside {
        HelloGate.Inside { context, gate in
            let client = HelloGate.Relay()
            Tunnel.join(client, server)
            try context.pipeline.syncOperations.addHandler(client, position: .after(gate))
            ledger.allowed(origin)
            client.join(server)
            server.join(client)
        } abandon: {
            server.abandon()
        }
    }

    /// The server's end of TLS, and HTTP in it.
    static func responder(_ responder: any EgressResponder, for target: EgressPolicy.Target, _ connector: EgressConnector)
        -> HelloGate.Inside
    {
        HelloGate.Inside { context, _ in
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLServerHandler(context: responder.context(for: target.origin)))
            try EgressFrontend.install(in: pipeline, form: .inside(target), connector: connector)
        }
    }
}

/// Bytes both ways, each way ending by itself.
enum Tunnel {
    static func join(_ client: HelloGate.Relay, _ server: HelloGate.Relay) {
        connect(from: client, to: server)
        connect(from: server, to: client)
    }

    private static func connect(from source: HelloGate.Relay, to sink: HelloGate.Relay) {
        source.receive = { sink.send($0) }
        source.inputEnded = { sink.finish(with: ByteBuffer()) }
        source.ended = { sink.close(with: ByteBuffer()) }
    }
}
