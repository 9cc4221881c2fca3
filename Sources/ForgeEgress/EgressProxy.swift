package import ForgeModel
package import ForgeSystem
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// The only way out of one step's network: an HTTP proxy on a listening socket inside the step's network namespace, while
/// its connections to servers are made out here.
///
/// It lives exactly as long as the step; without it the step reaches nothing.
package struct EgressProxy: Sendable {
    package struct Limits: Sendable {
        /// Seconds to find a name, and again to be connected.
        package var connectSeconds: Int64 = 10
        /// Seconds without a byte either way.
        package var idleSeconds: Int64 = 120
        /// Open connections, those to servers included; more wait to be accepted.
        package var connections = 256

        package init() {}
    }

    private let socket: Descriptor
    private let listener: any Channel
    private let channels: OpenChannels
    private let ledger: EgressLedger

    /// Accepts on `listener` from now on. `onHopeless` is called when the step asks for one server again and again in vain, `onDeath`
    /// when it accepts no more though nobody has stopped it.
    /// - Throws: `ForgeError` `egress.no-proxy`
    package static func start(
        on listener: Descriptor, policy: EgressPolicy, limits: Limits = Limits(), resolver: @escaping EgressResolver = resolveWithSystem,
        responder: (any EgressResponder)? = nil, onHopeless: @escaping @Sendable () -> Void = {},
        onDeath: @escaping @Sendable () -> Void = {}
    ) async throws -> EgressProxy {
        HTTPCodec.prepare()
        let channels = OpenChannels()
        let connector = EgressConnector(
            policy: policy, resolver: resolver, ledger: EgressLedger(onHopeless: onHopeless), channels: channels,
            timeout: .seconds(limits.connectSeconds), responder: responder)
        do {
            let own = fcntl(listener.raw, F_DUPFD_CLOEXEC, 3)
            guard own >= 0 else { throw SystemError.last("dup", "the proxy's socket") }
            let channel = try await bootstrap(connector, limits).withBoundSocket(own).get()
            channel.closeFuture.whenComplete { _ in if !channels.isClosed { onDeath() } }
            return EgressProxy(socket: listener, listener: channel, channels: channels, ledger: connector.ledger)
        } catch {
            throw ForgeError(.build, "egress.no-proxy", "the step's proxy could not be started", hint: "run the build again", cause: error)
        }
    }

    /// Closes every connection and gives the final records. Whoever connects from now on is refused by the kernel.
    package func stop() async -> [EgressRecord] {
        channels.beginClosing()
        try? await listener.close()
        // Closing is not enough while anyone holds a copy of the socket: connections would wait in its queue.
        shutdown(socket.raw, Int32(SHUT_RDWR))
        await channels.closeAll()
        return ledger.records
    }

    private static func bootstrap(_ connector: EgressConnector, _ limits: Limits) -> ServerBootstrap {
        ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptLimit(connector.channels, limits.connections))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                connector.channels.add(channel)
                channel.closeFuture.whenComplete { _ in channel.parent?.read() }
                return channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(limits.idleSeconds)))
                    try EgressFrontend.install(in: pipeline, form: .proxy, connector: connector)
                }
            }
    }
}

/// Lets a listener accept only while few enough connections are open; the others wait in the kernel's queue.
private final class AcceptLimit: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private let channels: OpenChannels
    private let limit: Int

    init(_ channels: OpenChannels, _ limit: Int) {
        self.channels = channels
        self.limit = limit
    }

    func read(context: ChannelHandlerContext) {
        if channels.count < limit { context.read() }
    }
}
