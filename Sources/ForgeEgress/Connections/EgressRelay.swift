internal import NIOCore

/// What the other end of a relay needs of this one.
protocol RelayEnd: AnyObject {
    /// Whether more can be written without piling up.
    var isWritable: Bool { get }
    func flush()
    /// The peer became writable: reading may go on.
    func resume()
}

/// One end of a pair of channels on one event loop that pass on what they receive. An end reads only while its peer can
/// write, so no more than a read's worth waits in memory.
final class EgressRelay<Received, Sent>: ChannelDuplexHandler, RelayEnd {
    typealias InboundIn = Received
    typealias InboundOut = Never
    typealias OutboundIn = Sent
    typealias OutboundOut = Sent

    /// What to do with a received part; set before the relay is joined.
    var receive: (Received) -> Void = { _ in }
    /// The other side sends no more.
    var inputEnded: () -> Void = {}
    /// The channel is gone or broke.
    var ended: () -> Void = {}

    private weak var peer: (any RelayEnd)?
    private var context: ChannelHandlerContext?
    private var wantsRead = false

    /// Starts reading. Until then this end holds back.
    func join(_ peer: any RelayEnd) {
        self.peer = peer
        resume()
    }

    func send(_ part: Sent) { context?.write(wrapOutboundOut(part), promise: nil) }

    /// Sends `last` and then nothing more; the other side still may.
    func finish(with last: Sent) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: nil) }
    }

    /// Sends `last` and closes.
    func close(with last: Sent) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(last)).assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    /// Closes now; what was not sent is lost.
    func abandon() { context?.close(promise: nil) }

    var isWritable: Bool { context?.channel.isWritable ?? true }

    func flush() { context?.flush() }

    func resume() {
        guard wantsRead, let context, peer?.isWritable == true else { return }
        wantsRead = false
        context.read()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        (receive, inputEnded, ended) = ({ _ in }, {}, {})
    }

    func read(context: ChannelHandlerContext) {
        if peer?.isWritable == true { context.read() } else { wantsRead = true }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { receive(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) { peer?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { peer?.resume() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputEnded()
        case is IdleStateHandler.IdleStateEvent: context.close(promise: nil)
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) { ended() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
