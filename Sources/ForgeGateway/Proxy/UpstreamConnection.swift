internal import ForgeHTTP
internal import ForgeSystem
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// One connection to an app: takes requests one after the other and reads their answers. Runs on its event loop only.
final class UpstreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case idle
        case head(HeadScanner)
        case body(BodyReader)
        case tunnel
        case closed
    }

    private static let interimLimit = 20

    let release: String
    private let limits: GatewayLimits
    private let pool: UpstreamPool
    /// A second hold on the socket: what the app said before a write failed can still be read from it.
    private var socket: Descriptor?
    private var context: ChannelHandlerContext?
    private var state = State.idle
    private var input = ByteBuffer()
    private var interims = 0
    private var failed = false
    private(set) var exchange: ProxyExchange?
    /// Whether it served a request before the current one.
    private(set) var isUsed = false
    /// Whether a byte of the current answer arrived.
    private(set) var isAnswered = false
    private(set) var idleSince = NIODeadline.now()
    /// How long the app itself keeps it.
    private var keepTime = TimeAmount.seconds(4)

    init(_ release: String, _ socket: Descriptor, _ pool: UpstreamPool, _ limits: GatewayLimits) {
        self.release = release
        self.socket = socket
        self.pool = pool
        self.limits = limits
    }

    /// Puts the socket on `eventLoop`, on which this is called.
    func open(on eventLoop: any EventLoop) -> EventLoopFuture<any Channel> {
        guard let socket else { return eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        let copy = fcntl(socket.raw, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { return eventLoop.makeFailedFuture(SystemError.last("fcntl", "socket to the app")) }
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        return ClientBootstrap(group: eventLoop)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // At its end a connection is read empty whatever the client's pace: this bounds what is held then.
            .channelOption(.socketOption(.so_rcvbuf), value: 256 << 10)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler.value) }
            }
            .withConnectedSocket(copy)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// How old it may be for a request that cannot be sent twice, or that can.
    func isFresh(forRepeatable isRepeatable: Bool, at now: NIODeadline) -> Bool {
        now - idleSince < (isRepeatable ? keepTime : min(.milliseconds(1500), keepTime))
    }

    /// Whether the app has neither closed it nor sent anything since its last answer.
    var isQuiet: Bool {
        guard let socket, context?.channel.isActive == true else { return false }
        var byte: UInt8 = 0
        return recv(socket.raw, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0 && errno == EAGAIN
    }

    func begin(_ exchange: ProxyExchange) {
        self.exchange = exchange
        state = .head(HeadScanner())
        isAnswered = false
        interims = 0
        readIfWanted()
    }

    func write(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }
    func flush() { context?.flush() }
    /// Nothing more will be sent.
    func finishSending() { context?.close(mode: .output, promise: nil) }

    func close() {
        state = .closed
        exchange = nil
        context?.close(promise: nil)
    }

    /// The exchange is over and complete: waits for the next one.
    func keep(idleSeconds: Int?) {
        exchange = nil
        guard case .idle = state, input.readableBytes == 0, context?.channel.isActive == true else { return close() }
        isUsed = true
        idleSince = .now()
        if let idleSeconds { keepTime = min(keepTime, .milliseconds(max(0, Int64(idleSeconds) * 1000 - 500))) }
        pool.put(self)
        readIfWanted()
    }

    func readIfWanted() {
        if exchange?.takesAnswer ?? true { context?.read() }
    }

    // MARK: - events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        isAnswered = true
        if input.readableBytes == 0 { input = buffer } else { input.writeBuffer(&buffer) }
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flush()
        readIfWanted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.appTakesMore() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failed = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if failed || isBusy { salvage() }
        socket = nil
        pool.remove(self)
        let before = state
        state = .closed
        guard let exchange else { return }
        self.exchange = nil
        switch before {
        case .body(let body) where body.framing == .untilClose && !failed: exchange.receivedEnd(canKeep: false)
        case .tunnel where !failed: exchange.receivedEnd(canKeep: false)
        default: exchange.appFailed()
        }
    }

    private var isBusy: Bool {
        switch state {
        case .head, .body, .tunnel: true
        case .idle, .closed: false
        }
    }

    /// Reads what the app said before a failed write closed the connection: an early answer mostly.
    private func salvage() {
        guard let socket else { return }
        var pieces = 0
        while pieces < 64, isBusy {
            var buffer = ByteBufferAllocator().buffer(capacity: 16 << 10)
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { space in
                max(0, recv(socket.raw, space.baseAddress, space.count, Int32(MSG_DONTWAIT)))
            }
            guard count > 0 else { return }
            pieces += 1
            isAnswered = true
            input.writeBuffer(&buffer)
            process()
        }
    }

    private func process() {
        do {
            while try step() {}
        } catch {
            let exchange = self.exchange
            close()
            exchange?.appSpokeNonsense()
        }
    }

    /// Reads one part of the answer; false when there is nothing more to read now.
    private func step() throws(WireFault) -> Bool {
        switch state {
        case .closed:
            input.clear()
            return false
        case .idle:
            // Nobody asked: what follows could be taken for the answer to the next request.
            if input.readableBytes > 0 { close() }
            return false
        case .tunnel:
            guard input.readableBytes > 0, let bytes = input.readSlice(length: input.readableBytes) else { return false }
            exchange?.received(bytes)
            return false
        case .head(var scanner):
            guard let head = try nextHead(&scanner) else {
                state = .head(scanner)
                return false
            }
            take(head)
            return true
        case .body(var reader):
            let piece = try reader.next(&input)
            state = .body(reader)
            switch piece {
            case .more: return false
            case .bytes(let bytes): exchange?.received(bytes)
            case .end: finish()
            }
            return true
        }
    }

    private func nextHead(_ scanner: inout HeadScanner) throws(WireFault) -> ResponseHead? {
        let limits = self.limits
        let found = try input.withUnsafeReadableBytesTyped { bytes throws(WireFault) in
            try scanner.end(in: bytes, limit: limits.answerHeaderBytes, fields: limits.answerHeaderFields)
        }
        guard let end = found, let bytes = input.readSlice(length: end) else { return nil }
        return try ResponseHead(parsing: bytes, toHead: exchange?.head.isHead ?? false)
    }

    private func take(_ head: ResponseHead) {
        if head.isInterim {
            interims += 1
            // The gateway said 100 to the client itself; others are hints that nothing depends on.
            state = .head(HeadScanner())
            if interims > Self.interimLimit { refuse() }
        } else if head.status == 101 {
            guard exchange?.head.upgrade != nil else { return refuse() }
            state = .tunnel
            exchange?.received(head)
        } else {
            state = .body(BodyReader(head.framing))
            exchange?.received(head)
        }
    }

    private func refuse() {
        let exchange = self.exchange
        close()
        exchange?.appSpokeNonsense()
    }

    private func finish() {
        state = .idle
        exchange?.receivedEnd(canKeep: input.readableBytes == 0)
    }
}
