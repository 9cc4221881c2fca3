internal import ForgeHTTP
internal import ForgeStore
internal import ForgeSystem
internal import NIOCore
internal import NIOPosix

/// Answers of the gateway's own: files and pages.
extension GatewayHandler {
    private static let pieceSize: Int64 = 256 << 10

    /// The body was read; now the answer.
    func respond(_ head: RequestHead, _ answer: Answer) {
        state = .responding
        let start = ContinuousClock.now
        let exchange = Exchange(head: head, start: start, closes: closes(after: head))
        switch answer {
        case .page(let page): write(page, exchange)
        case .files(let entry, let routes):
            services.traffic.begin(entry.release, channel)
            let request = GatewayRequest(head, withFields: entry.site != nil)
            services.pool.runIfActive(eventLoop: eventLoop) { [services] in services.responder.respond(to: request, routes: routes) }
                .assumeIsolated().whenComplete { result in
                    guard case .responding = self.state, case .success(var response) = result else {
                        self.services.traffic.end(entry.release, self.channel, failed: false)
                        self.context?.close(promise: nil)
                        return
                    }
                    response.release = entry.release
                    self.write(response, exchange)
                }
        }
    }

    /// Answers without the routes and ends the connection: what follows on it cannot be trusted to be a request.
    func refuse(_ response: GatewayResponse, _ head: RequestHead?) {
        state = .responding
        write(response, Exchange(head: head, start: .now, closes: true))
    }

    func write(_ response: GatewayResponse, _ exchange: Exchange) {
        var exchange = exchange
        exchange.response = response
        exchange.closes = exchange.closes || isAtEnd || isQuiescing
        var bytes = ByteBuffer()
        exchange.writeHead(to: &bytes)
        switch exchange.sendsBody ? response.body : nil {
        case nil:
            write(bytes)
            finish(exchange)
        case .bytes(let body)?:
            exchange.sent = Int64(body.count)
            bytes.writeBytes(body)
            write(bytes)
            finish(exchange)
        case .file(let file, let range)?:
            write(bytes)
            writePiece(file, range, exchange)
        }
    }

    /// Sends the next piece of a file once the one before is on its way, so that a slow client holds one piece in memory.
    private func writePiece(_ file: Descriptor, _ range: Range<Int64>, _ exchange: Exchange) {
        guard !range.isEmpty else { return finish(exchange) }
        let end = min(range.upperBound, range.lowerBound + Self.pieceSize)
        services.pool.runIfActive(eventLoop: eventLoop) { try file.piece(range.lowerBound..<end) }
            .assumeIsolated().whenComplete { result in
                guard case .responding = self.state, let context = self.context else { return self.end(exchange) }
                guard case .success(let bytes) = result else {
                    context.close(promise: nil)
                    return self.end(exchange)
                }
                self.setDeadline(self.services.limits.writeTimeout, .close)
                context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: bytes))).assumeIsolated().whenComplete { result in
                    guard case .success = result else { return self.end(exchange) }
                    var exchange = exchange
                    exchange.sent += Int64(bytes.count)
                    self.writePiece(file, end..<range.upperBound, exchange)
                }
            }
    }

    private func end(_ exchange: Exchange) {
        if let release = exchange.response.release { services.traffic.end(release, channel, failed: false) }
    }

    private func finish(_ exchange: Exchange) {
        end(exchange)
        guard case .responding = state else { return }
        services.log(exchange.record)
        conclude(closes: exchange.closes)
    }

    /// The answer is written: on to the next request, or to the end.
    func conclude(closes: Bool) {
        let limits = services.limits
        state = closes || isQuiescing ? .lingering : .idle
        if case .idle = state {
            setDeadline(limits.idleTimeout, .idle)
            context?.flush()
            process()
            if case .idle = state, inputIsClosed { context?.close(promise: nil) }
            return readIfWanted()
        }
        setDeadline(limits.writeTimeout, .close)
        readIfWanted()
        // A full close with unread input would reset the connection and take the answer with it.
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().whenSuccess {
            guard case .lingering = self.state else { return }
            if self.inputIsClosed { self.context?.close(promise: nil); return }
            self.setDeadline(limits.lingerTimeout, .close)
            self.context?.close(mode: .output, promise: nil)
        }
    }

    func deadlineReached(_ timeout: Timeout) {
        switch (timeout, state) {
        case (.body, .discarding(let head, _, _, _)): refuse(.requestTimeout, head)
        case (.body, .proxying(let exchange)): exchange.answerInstead(.requestTimeout, failed: false)
        case (.answer, .proxying(let exchange)), (.stream, .proxying(let exchange)): exchange.timedOut(.appTimeout(project(exchange.head)))
        case (.start, .routing(let head)):
            services.upstreams.forget(channel, waitingFor ?? "")
            answer(head, .appStarts(project(head)))
        case (.idle, .idle), (.head, .idle), (.close, _): context?.close(promise: nil)
        // What it was set for is over; the next deadline counts.
        default: break
        }
    }
}

extension GatewayResponse {
    static func refusal(of fault: WireFault, inBody: Bool = false) -> GatewayResponse {
        switch fault {
        case .malformed: .notHTTP
        case .tooLarge: inBody ? .bodyTooLarge : .headersTooLarge
        case .ambiguous(let text): .badRequest(text)
        }
    }
}
