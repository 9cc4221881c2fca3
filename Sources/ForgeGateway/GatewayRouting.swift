internal import ForgeHTTP
internal import ForgeModel
internal import ForgeStore
internal import NIOCore
internal import NIOPosix

/// From a request's head to what answers it.
extension GatewayHandler {
    /// Routes as they are now decide. Read on the event loop but for the first request after a change.
    func route(_ head: RequestHead, attempt: Int = 0) {
        guard head.method != .connect else { return refuse(.methodRefused, head) }
        guard let host = canonicalHost(head) else { return refuse(.badRequest("A request names exactly one host."), head) }
        // When the table changes again and again, or cannot be read, the newest one that could be is in force.
        guard let routes = services.watch.snapshotInHand() ?? (attempt < 5 ? nil : services.watch.last) else {
            state = .routing(head)
            if attempt == 0 { setDeadline(services.limits.writeTimeout, .close) }
            services.pool.runIfActive(eventLoop: eventLoop) { [services] in _ = try? services.watch.current() }
                .assumeIsolated().whenComplete { _ in
                    guard case .routing = self.state else { return }
                    self.route(head, attempt: attempt + 1)
                    self.resume()
                }
            return
        }
        decide(head, host, routes)
    }

    /// After a detour: goes on with what the client sent meanwhile.
    func resume() {
        process()
        readIfWanted()
    }

    private func decide(_ head: RequestHead, _ host: String, _ routes: RouteSnapshot) {
        guard let entry = routes.entries[host] else { return discard(head, .page(.unknownHost(host))) }
        switch entry.kind {
        case .static: discard(head, .files(entry, routes))
        case .app: proxy(head, entry)
        }
    }

    /// Reads the body of a request that needs none.
    private func discard(_ head: RequestHead, _ answer: Answer) {
        let reader = BodyReader(head.framing)
        if case .length(let count) = head.framing, count > services.limits.bodyBytes { return refuse(.bodyTooLarge, head) }
        // The client waits for a word before it sends a body nobody wants.
        if head.expectsContinue, head.method != .get, head.method != .head { return refuse(.methodNotAllowed, head) }
        if reader.isDone { return respond(head, answer) }
        state = .discarding(head, reader, count: 0, answer)
        setDeadline(services.limits.bodyTimeout, .body)
    }

    private func proxy(_ head: RequestHead, _ entry: RouteEntry) {
        guard head.method != .trace else { return refuse(.methodRefused, head) }
        if case .length(let count) = head.framing, count > services.limits.uploadBytes { return refuse(.bodyTooLarge, head) }
        switch services.upstreams.state(of: entry.release) {
        case .ready(let upstream)?: begin(head, upstream)
        case .down(let reason)?: answer(head, .appIsDown(project(head), reason))
        case .starting?, nil: awaitStart(head, entry)
        }
    }

    private func begin(_ head: RequestHead, _ upstream: Upstream) {
        waitingFor = nil
        let exchange = ProxyExchange(head, upstream.release, self)
        services.traffic.begin(upstream.release, channel)
        state = .proxying(exchange)
        exchange.send(to: upstream)
    }

    private func awaitStart(_ head: RequestHead, _ entry: RouteEntry) {
        if waitingFor == nil { setDeadline(services.limits.startTimeout, .start) }
        waitingFor = entry.release
        state = .routing(head)
        services.upstreams.notify(channel, of: entry.release)
        switch services.upstreams.state(of: entry.release) {
        case .starting?, nil: break
        // It changed between the look and the word.
        case .ready(let upstream)?: begin(head, upstream)
        case .down(let reason)?: answer(head, .appIsDown(project(head), reason))
        }
    }

    /// A page in the place of an app that has not seen the request.
    func answer(_ head: RequestHead, _ page: GatewayResponse) {
        waitingFor = nil
        state = .responding
        write(page, Exchange(head: head, start: .now, closes: head.hasBody || closes(after: head)))
    }

    /// Whether this connection ends with the answer to `head`.
    func closes(after head: RequestHead) -> Bool { !head.keepsAlive || isQuiescing || isAtEnd }

    private func canonicalHost(_ head: RequestHead) -> String? {
        let text = head.hostText
        if let knownHost, knownHost.text == text { return knownHost.canonical }
        let canonical = HostName.canonical(text)
        knownHost = (text, canonical)
        return canonical
    }

    /// What a person types after `--project`, for hints: the slug, and the environment where it is not production.
    func project(_ head: RequestHead) -> String {
        guard let host = canonicalHost(head) else { return "my-site" }
        guard let app = services.watch.last.entries[host]?.app else { return host.split(separator: ".").first.map(String.init) ?? host }
        let environment = app.environment == .production ? "" : " --env \(app.environment.rawValue)"
        return app.project + environment + (app.preview.map { " --pr \($0)" } ?? "")
    }

    // MARK: - how exchanges with apps end

    func encode(_ head: RequestHead) -> ByteBuffer {
        var bytes = ByteBufferAllocator().buffer(capacity: head.wire.bytes.readableBytes + 256)
        encoding.encode(head, to: &bytes)
        return bytes
    }

    /// The answer was passed on whole.
    func exchangeEnded(_ exchange: ProxyExchange, closes: Bool) {
        log(exchange)
        conclude(closes: closes)
    }

    /// A part of the answer was passed on and the rest will never come.
    func exchangeBroke(_ exchange: ProxyExchange) {
        log(exchange)
        state = .lingering
        context?.close(promise: nil)
    }

    /// Nothing of an answer was passed on, and nothing will be.
    func answerInstead(_ exchange: ProxyExchange, _ page: GatewayResponse, closes: Bool) {
        state = .responding
        var page = page
        page.release = nil
        write(
            page,
            Exchange(head: exchange.head, start: exchange.start, closes: closes || self.closes(after: exchange.head), app: exchange.release)
        )
    }

    /// The app went away before it saw the request: it is routed like a new one.
    func routeAgain(_ exchange: ProxyExchange) {
        services.traffic.end(exchange.release, channel, failed: false)
        exchange.forget()
        route(exchange.head)
        resume()
    }

    /// The client's connection is closed.
    func leave() {
        if let waitingFor { services.upstreams.forget(channel, waitingFor) }
        guard case .proxying(let exchange) = state else { return }
        exchange.clientLeft()
        log(exchange)
    }

    private func log(_ exchange: ProxyExchange) {
        services.log(
            AccessRecord(exchange.head, status: exchange.status, bytes: exchange.sent, since: exchange.start, release: exchange.release))
    }
}
