internal import ForgeModel
internal import NIOCore

/// Counts the bytes of one connection to a server, TLS and all.
final class UpstreamTraffic: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let origin: EgressOrigin
    private let ledger: EgressLedger

    init(_ origin: EgressOrigin, _ ledger: EgressLedger) {
        self.origin = origin
        self.ledger = ledger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        ledger.passed(origin, received: unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let count = unwrapOutboundIn(data).readableBytes
        if count > 0 { ledger.passed(origin, sent: count) }
        context.write(data, promise: promise)
    }
}
