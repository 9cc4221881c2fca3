internal import ForgeModel
package import ForgeStore
internal import ForgeSystem
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// The HTTP server of this machine's active releases: looks up each request's host in the route table and serves its files, or
/// hands the request to the release's server.
package actor Gateway {
    package struct Configuration: Sendable {
        package var listen: ListenAddress
        /// Where the running gateway says who it is (`GatewayState`).
        package var statePath: String
        package var limits = GatewayLimits()
        /// What keeps servers behind the routes; nil for a gateway of static sites only.
        package var companion: Companion?
        /// Where the requests of app releases go.
        package var upstreams = Upstreams()
        package var traffic = ReleaseTraffic()
        /// Called once a request, on the connection's thread: must not block for long.
        package var log: @Sendable (AccessRecord) -> Void

        package init(listen: ListenAddress, statePath: String, log: @escaping @Sendable (AccessRecord) -> Void) {
            self.listen = listen
            self.statePath = statePath
            self.log = log
        }
    }

    /// Whoever lives and works along with a gateway, as its supervisor of servers does.
    package struct Companion: Sendable {
        /// The gateway is bound to this port.
        let begin: @Sendable (_ port: Int, RouteWatch) async throws -> Void
        /// The routes are these now.
        let follow: @Sendable (RouteSnapshot) async -> Void
        /// It accepts no more; requests under way still need their servers.
        let close: @Sendable () async -> Void
        /// The last request has been answered.
        let end: @Sendable () async -> Void

        package init(
            begin: @escaping @Sendable (_ port: Int, RouteWatch) async throws -> Void,
            follow: @escaping @Sendable (RouteSnapshot) async -> Void, close: @escaping @Sendable () async -> Void,
            end: @escaping @Sendable () async -> Void
        ) {
            self.begin = begin
            self.follow = follow
            self.close = close
            self.end = end
        }
    }

    private struct Running {
        let lock: FileLock
        let listener: any Channel
        let connections: OpenConnections
        let pool: NIOThreadPool
        let recheck: Task<Void, Never>
    }

    private enum State {
        case idle, starting
        case running(Running)
        case draining(OpenConnections)
        case stopped
    }

    private let routes: RouteTable
    private let configuration: Configuration
    private var state = State.idle

    package init(routes: RouteTable, configuration: Configuration) {
        self.routes = routes
        self.configuration = configuration
    }

    /// Binds, writes the state file and serves from then on.
    /// - Throws: `ForgeError` `gateway.already-running`, `gateway.cannot-listen`
    package func start() async throws -> GatewayState {
        guard case .idle = state else { throw ForgeError(.bug, "gateway.started-twice", "this gateway was already started") }
        state = .starting
        do {
            let (running, bound) = try await open()
            state = .running(running)
            return bound
        } catch {
            state = .stopped
            throw error
        }
    }

    /// Accepts no more, lets the open requests finish for at most `grace`, and gives the state file up.
    package func stop(grace: Duration = .seconds(30)) async {
        guard case .running(let running) = state else { return }
        state = .draining(running.connections)
        running.recheck.cancel()
        try? await running.listener.close()
        await configuration.companion?.close()
        await running.connections.drain(grace: grace)
        await configuration.companion?.end()
        try? await running.pool.shutdownGracefully()
        unlink(configuration.statePath)
        state = .stopped
        withExtendedLifetime(running.lock) {}
    }

    /// Ends a `stop` that is under way without waiting for the open requests.
    package func cutShort() {
        if case .draining(let connections) = state { connections.closeAll() }
    }

    /// Serves until SIGTERM or SIGINT, then drains; a second signal ends that at once. `started` is told where.
    package static func run(
        routes: RouteTable, configuration: Configuration, started: @Sendable (GatewayState) async -> Void
    ) async throws {
        let signals = Signals.stream([SIGTERM, SIGINT])
        let gateway = Gateway(routes: routes, configuration: configuration)
        await started(try await gateway.start())
        for await _ in signals { break }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await gateway.stop() }
            group.addTask { for await _ in signals { await gateway.cutShort() } }
            await group.next()
            group.cancelAll()
        }
    }

    private func open() async throws -> (Running, GatewayState) {
        let path = configuration.statePath
        guard let lock = try await GatewayState.claim(path) else { throw alreadyRunning(path) }
        let watch = try await BlockingPool.run { [routes] in try RouteWatch(routes) }
        let sites = OpenSites()
        let pool = NIOThreadPool(numberOfThreads: 8)
        pool.start()
        let connections = OpenConnections()
        let services = GatewayServices(
            watch: watch, responder: StaticResponder(sites: sites), pool: pool, limits: configuration.limits,
            upstreams: configuration.upstreams, traffic: configuration.traffic,
            connections: UpstreamPools(MultiThreadedEventLoopGroup.singleton), log: configuration.log)
        configuration.traffic.use(services.connections)
        do {
            let listener = try await bind(services, connections)
            let port = listener.localAddress?.port ?? configuration.listen.port
            let bound = GatewayState(pid: getpid(), address: configuration.listen.host, port: port)
            try await configuration.companion?.begin(port, watch)
            try await BlockingPool.run { try bound.write(to: path) }
            let recheck = Task { [companion = configuration.companion] in await Self.recheck(watch, sites, companion) }
            return (Running(lock: lock, listener: listener, connections: connections, pool: pool, recheck: recheck), bound)
        } catch {
            try? await pool.shutdownGracefully()
            throw error
        }
    }

    private func alreadyRunning(_ path: String) -> ForgeError {
        let other = (try? GatewayState.read(path)).flatMap { $0 }
        let place = other.map { " as process \($0.pid) on port \($0.port)" } ?? ""
        return ForgeError(
            .deploy, "gateway.already-running", "a gateway already runs\(place)",
            hint: other.map { "stop it with `kill \($0.pid)`, or use it: it serves every release of this machine" })
    }

    private func bind(_ services: GatewayServices, _ connections: OpenConnections) async throws -> any Channel {
        let listen = configuration.listen
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: 1024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard connections.admit(channel, services.limits) else { throw ChannelError.ioOnClosedChannel }
                        try channel.pipeline.syncOperations.addHandler(GatewayHandler(services, channel))
                    }
                }
                .bind(host: listen.host, port: listen.port).get()
        } catch {
            throw ForgeError(
                .deploy, "gateway.cannot-listen", "cannot listen on `\(listen)`", hint: "choose another address with `--listen`",
                cause: error)
        }
    }

    /// Finds changes whose announcement was lost, lets go of directories no route names any more and tells the companion.
    private static func recheck(_ watch: RouteWatch, _ sites: OpenSites, _ companion: Companion?) async {
        var version: Int64 = -1
        while !Task.isCancelled {
            // A table that cannot be read now is read at the next turn.
            _ = try? await BlockingPool.run { try watch.recheck() }
            let snapshot = watch.last
            if snapshot.version != version {
                sites.keep(only: snapshot)
                await companion?.follow(snapshot)
            }
            version = snapshot.version
            try? await Task.sleep(for: RouteWatch.recheckInterval)
        }
    }
}
