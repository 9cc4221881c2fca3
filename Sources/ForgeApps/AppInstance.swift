internal import ForgeControl
internal import ForgeModel
internal import ForgeSandbox
internal import ForgeSystem
internal import Synchronization

/// One server of a release, through all the processes it takes to keep it up.
///
/// As a candidate it is started once; what becomes of it is the deploy's affair. Live, it is started again whenever it ends by
/// itself, until it has crashed too often. Kept, it is frozen until it is wanted again.
actor AppInstance {
    enum State: Hashable {
        case idle, starting, running, freezing, frozen, restarting, stopping
        /// For good; the reason follows the server's name.
        case ended(String)
    }

    enum Role: Hashable { case candidate, live, kept }

    nonisolated let app: AppSpecification
    nonisolated let log: AppLogWriter
    private let start: @Sendable (AppSpecification, AppLogWriter) async throws -> RunningServer
    /// Told of every change that matters to requests.
    private let changed: @Sendable (Change) -> Void
    /// The process that answers now, for event loops.
    private nonisolated let current = Mutex<RunningServer?>(nil)

    private(set) var state = State.idle
    private(set) var role = Role.candidate
    private(set) var restarts = 0
    private var policy = CrashPolicy()
    /// Why the process that is being ended had to be.
    private var verdict: String?
    /// Those who wait for the end of a freeze.
    private var waiting: [CheckedContinuation<Void, Never>] = []

    enum Change: Hashable {
        /// No process answers; one may be on its way.
        case away
        /// A new process runs; whether it listens is to be found out.
        case restarted
        /// It crashed too often; why it ended the last time.
        case givenUp(String)
    }

    init(
        _ app: AppSpecification, log: AppLogWriter,
        start: @escaping @Sendable (AppSpecification, AppLogWriter) async throws -> RunningServer,
        changed: @escaping @Sendable (Change) -> Void
    ) {
        self.app = app
        self.log = log
        self.start = start
        self.changed = changed
    }

    /// A socket to the process that answers now.
    nonisolated func connect() throws -> ServerConnection {
        guard let server = current.withLock({ $0 }) else { throw SystemError("connect", app.release, errno: 111) }
        return try server.connect(port: app.launch.port)
    }

    nonisolated func listeningPorts() -> [Int] { current.withLock { $0 }.flatMap { try? $0.listeningPorts() } ?? [] }

    nonisolated var memory: Int64? { current.withLock { $0 }.flatMap { try? $0.memoryBytes() } }

    /// Why it is over; nil while it is not.
    var ending: String? { if case .ended(let reason) = state { reason } else { nil } }

    /// Starts the first process. Returns the work of watching it, which the caller runs for as long as the instance lives.
    func launch(as role: Role) async throws -> @Sendable () async -> Void {
        self.role = role
        let server = try await begin()
        return { await self.watch(server) }
    }

    /// The same for an instance that must be up whatever it takes: tries again as after a crash.
    func keepUp() async {
        role = .live
        do { await watch(try await begin()) } catch {
            if let server = await recover(after: "could not be started: \(error)") { await watch(server) }
        }
    }

    private func begin() async throws -> RunningServer {
        state = .starting
        do {
            let server = try await start(app, log)
            guard state == .starting else {
                // Stopped meanwhile.
                _ = await server.stop(grace: .zero)
                throw CancellationError()
            }
            current.withLock { $0 = server }
            state = .running
            log.remark("started")
            return server
        } catch {
            if state == .starting { state = .ended("could not be started: \(error)") }
            throw error
        }
    }

    private func watch(_ first: RunningServer) async {
        var server = first
        while true {
            let exit = await server.exit()
            current.withLock { $0 = nil }
            guard state != .stopping else { return }
            changed(.away)
            let end = verdict ?? exit.message
            verdict = nil
            guard let next = await recover(after: end) else { return }
            server = next
        }
    }

    /// After an end that nobody asked for: the next process, or nil when there is none.
    private func recover(after end: String) async -> RunningServer? {
        var reason = end
        while role == .live, case .restart(let pause) = policy.noteCrash(at: .now) {
            state = .restarting
            log.remark("\(reason); starting it again in \(Int(pause / .milliseconds(1))) ms")
            try? await Task.sleep(for: pause)
            guard state == .restarting, !Task.isCancelled else { return nil }
            restarts += 1
            do {
                let server = try await begin()
                changed(.restarted)
                return server
            } catch {
                guard case .ended = state else { return nil }
                reason = "could not be started: \(error)"
            }
        }
        giveUp(reason)
        return nil
    }

    /// Ends the process that was started by restart number `number` as if it had crashed, for it is of no use.
    func condemn(_ number: Int, _ reason: String) async {
        guard restarts == number, state == .running, let server = current.withLock({ $0 }) else { return }
        verdict = reason
        _ = await server.stop(grace: .zero)
    }

    private func giveUp(_ reason: String) {
        state = .ended(reason)
        guard role == .live else { return log.remark(reason) }
        let whole = "\(CrashPolicy.words), the last time it \(reason)"
        log.remark(whole)
        changed(.givenUp(whole))
    }

    /// From now on it is brought up again when it ends. One that ended just before is brought up at once; the call then lasts as
    /// long as it lives.
    func becomeLive() async {
        role = .live
        guard case .ended(let reason) = state else { return }
        changed(.away)
        if let server = await recover(after: reason) { await watch(server) }
    }

    func becomeCandidate() { role = .candidate }

    /// Stops its processes where they stand. False when it cannot be kept.
    func keep() async -> Bool {
        guard state == .running, let server = current.withLock({ $0 }) else { return false }
        role = .kept
        state = .freezing
        let isFrozen = (try? await server.freeze()) != nil
        defer { endFreezing() }
        guard state == .freezing else { return false }
        state = isFrozen ? .frozen : .running
        return isFrozen
    }

    /// Lets a kept instance run on, also one that is just being frozen. False when it is gone.
    func wake() async -> Bool {
        role = .candidate
        await frozenOrNot()
        guard state == .frozen else { return state == .running }
        guard let server = current.withLock({ $0 }), (try? await server.thaw()) != nil, state == .frozen else { return false }
        state = .running
        return true
    }

    /// Returns when no freeze is under way: to thaw or end it in the middle of one would leave it frozen.
    private func frozenOrNot() async {
        guard state == .freezing else { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func endFreezing() {
        waiting.forEach { $0.resume() }
        waiting = []
    }

    /// Ends it for good. Returns when nothing of it is left.
    func stop(grace: Duration) async {
        if case .ended = state { return }
        await halt(grace: grace)
        state = .ended("was stopped")
    }

    private func halt(grace: Duration) async {
        await frozenOrNot()
        state = .stopping
        guard let server = current.withLock({ $0 }) else { return }
        _ = await server.stop(grace: grace)
        current.withLock { $0 = nil }
    }
}
