internal import ForgeModel
internal import NIOCore
internal import NIOPosix

/// Makes connections to servers: resolves once, judges every address, connects to exactly those.
struct EgressConnector: Sendable {
    let policy: EgressPolicy
    let resolver: EgressResolver
    let ledger: EgressLedger
    let channels: OpenChannels
    let timeout: TimeAmount
    /// Answers for some of the servers.
    let responder: (any EgressResponder)?
    let group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    /// Addresses tried one after the other.
    private static let mostAttempts = 4

    /// The responder that answers in the place of `origin`, if one does.
    func responder(for origin: EgressOrigin) -> (any EgressResponder)? {
        responder.flatMap { $0.origins.contains(origin) ? $0 : nil }
    }

    /// A connection on `loop`, set up by `configure`. Fails with `EgressFailure`.
    func connect(
        to target: EgressPolicy.Target, on loop: any EventLoop, configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        if policy.isOffline { return loop.makeFailedFuture(EgressFailure.offline(target.origin)) }
        return resolve(target, on: loop).flatMapThrowing { addresses in
            try policy.check(addresses, for: target)
            return addresses.prefix(Self.mostAttempts)
        }.flatMap { attempt($0, target, on: loop, configure) }
    }

    private func resolve(_ target: EgressPolicy.Target, on loop: any EventLoop) -> EventLoopFuture<[IPAddress]> {
        let host = target.origin.host
        if let literal = IPAddress(host) { return loop.makeSucceededFuture([literal]) }
        let promise = loop.makePromise(of: [IPAddress].self)
        // Whichever comes second is ignored; the resolver's thread ends by itself.
        let limit = loop.scheduleTask(in: timeout) { promise.fail(EgressFailure.timedOut(target.origin)) }
        promise.completeWithTask { await resolver(host) }
        promise.futureResult.whenComplete { _ in limit.cancel() }
        return promise.futureResult
    }

    private func attempt(
        _ addresses: ArraySlice<IPAddress>, _ target: EgressPolicy.Target, on loop: any EventLoop,
        _ configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard let first = addresses.first else { return loop.makeFailedFuture(EgressFailure.unreachable(target.origin)) }
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channels.add(channel)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(UpstreamTraffic(target.origin, ledger))
                    try configure(channel)
                }
            }
        let connected = Result { try SocketAddress(ipAddress: first.description, port: target.origin.port) }
            .map { bootstrap.connect(to: $0) }
        switch connected {
        case .failure(let error): return loop.makeFailedFuture(error)
        case .success(let future):
            return future.flatMapError { error in
                if addresses.count > 1 { return attempt(addresses.dropFirst(), target, on: loop, configure) }
                let isTimeout = if case .connectTimeout? = error as? ChannelError { true } else { false }
                return loop.makeFailedFuture(
                    isTimeout ? EgressFailure.timedOut(target.origin) : EgressFailure.unreachable(target.origin))
            }
        }
    }
}
