package import ForgeControl
package import ForgeModel
internal import ForgeSandbox
package import ForgeStore
internal import ForgeSystem

/// Told of a release whose server crashed too often, what the server was started as, and how it ended.
package typealias AppFailureHandler = @Sendable (_ release: String, AppSpecification, _ reason: String) async -> Void

/// Keeps the servers of this machine as the route table wants them: one running for every route that leads to one, the one
/// before it drained and then kept frozen for a rollback, nothing else.
///
/// Its background work runs inside `run`.
package actor AppSupervisor {
    package struct Settings: Sendable {
        /// How long requests under way may take once their release lost its route.
        package var drain = Duration.seconds(30)
        /// From SIGTERM to SIGKILL.
        package var grace = Duration.seconds(10)
        /// How long a release that lost its route is kept frozen.
        package var keep = Duration.seconds(900)

        package init() {}
    }

    /// Who launched a server; what no route leads to is given up with it.
    package struct Lease: Hashable, Sendable {
        private let number = UInt64.random(in: .min ... .max)
        package init() {}
    }

    private struct Candidate {
        let lease: Lease
        let instance: AppInstance
        /// Since when its health is being looked for.
        let since: ContinuousClock.Instant
    }

    private let housing: AppHousing
    private let settings: Settings
    private let carrier: AppCarrier
    private let swaps: SwapTable
    private let onFailure: AppFailureHandler

    private var gatewayPort = 0
    private var sandbox: ServerSandbox?
    private var candidates: [String: Candidate] = [:]
    private var live: [String: AppInstance] = [:]
    private var kept = KeptInstances()
    private var healthy: [String: Int] = [:]
    /// Host name → release, as the routes were when they were last looked at; nil before the first look.
    private var routed: [String: String]?
    private var version: Int64 = -1
    private var isStopping = false

    private typealias Job = @Sendable () async -> Void
    private let jobs: AsyncStream<Job>
    private let addJob: AsyncStream<Job>.Continuation

    package init(
        housing: AppHousing, settings: Settings = Settings(), carrier: AppCarrier, swaps: SwapTable,
        onFailure: @escaping AppFailureHandler
    ) {
        self.housing = housing
        self.settings = settings
        self.carrier = carrier
        self.swaps = swaps
        self.onFailure = onFailure
        (jobs, addJob) = AsyncStream.makeStream(of: Job.self)
    }

    /// Carries the background work until the calling task is cancelled or `stop` has ended.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
    }

    /// For addresses in the servers' variables; known once the gateway is bound.
    package func setGatewayPort(_ port: Int) { gatewayPort = port }

    // MARK: Deploys

    /// Starts a server that no route leads to yet, or wakes the kept one that can answer for it. Returns whether it was kept.
    /// - Throws: `ControlFailure`
    package func launch(_ app: AppSpecification, lease: Lease) async throws -> Bool {
        guard !isStopping else { throw Self.stopping }
        guard candidates[app.release] == nil, live[app.release] == nil else {
            throw ControlFailure(code: "app.launched-twice", message: "release `\(app.release)` was launched before", hint: nil)
        }
        if let instance = kept[app.host], instance.app.isInterchangeable(with: app) {
            kept.letGo(of: instance)
            candidates[app.release] = Candidate(lease: lease, instance: instance, since: .now)
            if await instance.wake() {
                await housing.takeLog(app.release, over: instance.app.release)
                instance.log.remark("woken for release \(app.release)")
                return true
            }
            candidates[app.release] = nil
            await instance.stop(grace: .zero)
        }
        let instance = try await make(app)
        candidates[app.release] = Candidate(lease: lease, instance: instance, since: .now)
        do { addJob.yield(try await instance.launch(as: .candidate)) } catch {
            candidates[app.release] = nil
            throw Self.notStarted(error)
        }
        return false
    }

    /// Waits until the launched server of `release` is healthy; returns the milliseconds that took. One that is not is stopped.
    /// - Throws: `ControlFailure`, `CancellationError`
    package func check(_ release: String, progress: @escaping @Sendable (String) -> Void) async throws -> Int {
        guard let candidate = candidates[release] else {
            throw ControlFailure(code: "app.unknown", message: "no server was launched for release `\(release)`", hint: nil)
        }
        let instance = candidate.instance
        do {
            try await HealthCheck(launch: instance.app.launch, host: instance.app.host, limits: housing.health).run(
                instance, progress: progress)
        } catch let fault as HealthCheck.Fault {
            candidates[release] = nil
            // Before its end adds lines about the end.
            let lines = instance.log.lastLines(20)
            await instance.stop(grace: settings.grace)
            throw ControlFailure(code: fault.code, message: fault.message, hint: fault.hint, lastLines: lines)
        }
        let milliseconds = Int((ContinuousClock.now - candidate.since) / .milliseconds(1))
        healthy[release] = milliseconds
        // Before the route changes, so that the first request finds it.
        carrier.send(release, .server { try instance.connect().socket })
        return milliseconds
    }

    /// Stops a launched server that no route leads to.
    package func retire(_ release: String) async {
        guard let candidate = candidates.removeValue(forKey: release) else { return }
        carrier.send(release, nil)
        healthy[release] = nil
        // What was kept until this deploy wanted it goes on being kept.
        if candidate.instance.app.release != release, await putAway(candidate.instance) { return }
        await candidate.instance.stop(grace: settings.grace)
    }

    /// Gives up what `lease` launched and `routes` do not lead to.
    package func end(_ lease: Lease, routes: RouteSnapshot) async {
        await reconcile(routes)
        for (release, candidate) in candidates where candidate.lease == lease { await retire(release) }
    }

    // MARK: Routes

    /// Makes what runs as `routes` want it; the slow part of it in the background.
    package func reconcile(_ routes: RouteSnapshot) async {
        guard !isStopping, routes.version >= version else { return }
        version = routes.version
        let before = routed
        let now = routes.entries.mapValues(\.release)
        routed = now
        var records: [(release: String, record: SwapRecord)] = []
        // No suspension in here: whoever looks next finds every server where its route wants it.
        for (host, entry) in routes.entries where before?[host] != entry.release {
            bringUp(entry)
            guard let before else { continue }
            records.append((entry.release, swapRecord(of: entry.release, replacing: before[host])))
        }
        for (host, release) in before ?? [:] where now[host] == nil { later { await self.drained(release, keep: false) } }
        for (release, record) in records {
            await save(record, release)
            if let old = record.replaced { later { await self.finishSwap(to: release, from: old, record) } }
        }
    }

    private func swapRecord(of release: String, replacing old: String?) -> SwapRecord {
        SwapRecord(
            healthyMs: healthy.removeValue(forKey: release), replaced: old, crossed: old.map(carrier.inFlight) ?? 0,
            failed: old == nil ? 0 : nil, drainMs: old == nil ? 0 : nil)
    }

    private func bringUp(_ entry: RouteEntry) {
        guard let app = entry.app else { return }
        if let candidate = candidates.removeValue(forKey: entry.release) {
            live[entry.release] = candidate.instance
            later { await candidate.instance.becomeLive() }
        } else if live[entry.release] == nil {
            carrier.send(entry.release, .starting)
            later { await self.startLive(app) }
        }
    }

    /// A route that was there before this gateway.
    private func startLive(_ app: AppSpecification) async {
        do {
            let instance = try await make(app)
            guard routed?[app.host] == app.release, live[app.release] == nil, !isStopping else { return }
            live[app.release] = instance
            later { await self.announceOnceUp(app.release, instance) }
            await instance.keepUp()
        } catch {
            carrier.send(app.release, .down("it could not be started"))
            await onFailure(app.release, app, "could not be started: \(Self.notStarted(error).message)")
        }
    }

    /// Sends requests to a server that was started without a deploy once it listens; one that never does has crashed.
    private func announceOnceUp(_ release: String, _ instance: AppInstance) async {
        let number = await instance.restarts
        do {
            try await HealthCheck(launch: instance.app.launch, host: instance.app.host, limits: housing.health).waitForPort(instance) { _ in
            }
            guard live[release] === instance else { return }
            carrier.send(release, .server { try instance.connect().socket })
        } catch let fault as HealthCheck.Fault {
            await instance.condemn(number, "was of no use: \(fault.message)")
        } catch {}
    }

    private func finishSwap(to release: String, from old: String, _ record: SwapRecord) async {
        let outcome = await drained(old, keep: true)
        var record = record
        record.crossed = max(record.crossed, outcome.crossed)
        record.failed = outcome.failed
        record.drainMs = Int(outcome.duration / .milliseconds(1))
        await save(record, release)
    }

    /// A record that cannot be written is missing in a list, and nothing else.
    private func save(_ record: SwapRecord, _ release: String) async {
        try? await BlockingPool.run { [swaps] in try swaps.save(record, of: release) }
    }

    /// Lets the requests of `release` end, then its server, which is kept for a while where `keep` says so.
    @discardableResult
    private func drained(_ release: String, keep: Bool) async -> AppCarrier.Drained {
        let instance = live.removeValue(forKey: release)
        if let instance {
            kept.beginDrain(of: instance)
            // From here on a rollback may want it back, also while it drains.
            if keep { setAside(instance) }
            await instance.becomeCandidate()
        }
        let outcome = await carrier.drain(release, settings.drain)
        carrier.send(release, nil)
        guard let instance, kept.endDrain(of: instance), !isInUse(instance) else { return outcome }
        if kept.holds(instance) { _ = await putAway(instance) } else { await instance.stop(grace: settings.grace) }
        return outcome
    }

    private func isInUse(_ instance: AppInstance) -> Bool {
        live.values.contains { $0 === instance } || candidates.values.contains { $0.instance === instance }
    }

    /// Makes `instance` the one its host keeps. The one before it ends, once its own requests have.
    private func setAside(_ instance: AppInstance) {
        guard let older = kept.keep(instance) else { return }
        later { await older.stop(grace: self.settings.grace) }
    }

    /// Freezes `instance` and keeps it for its time. False when it cannot be kept.
    private func putAway(_ instance: AppInstance) async -> Bool {
        setAside(instance)
        // Its last drain comes back here.
        if kept.isDraining(instance) { return true }
        let isFrozen = await instance.keep()
        // Somebody wanted it meanwhile: it is theirs.
        guard kept.holds(instance) else { return true }
        guard isFrozen, !isStopping else {
            kept.letGo(of: instance)
            await instance.stop(grace: settings.grace)
            return false
        }
        instance.log.remark("frozen, kept for a rollback")
        later { await self.expire(instance) }
        return true
    }

    private func expire(_ instance: AppInstance) async {
        try? await Task.sleep(for: settings.keep)
        guard !Task.isCancelled, await instance.state == .frozen, kept.holds(instance) else { return }
        kept.letGo(of: instance)
        await instance.stop(grace: settings.grace)
    }

    // MARK: Instances

    private func make(_ app: AppSpecification) async throws -> AppInstance {
        let log = try await housing.log(of: app)
        let sandbox = try await openSandbox()
        return AppInstance(app, log: log) { [housing, gatewayPort] app, log in
            try await housing.start(app, log, in: sandbox, gatewayPort: gatewayPort)
        } changed: { [weak self] change in
            guard let self else { return }
            self.later { await self.note(change, app) }
        }
    }

    private func openSandbox() async throws -> ServerSandbox {
        if let sandbox { return sandbox }
        let opened = try await housing.openSandbox()
        sandbox = opened
        return opened
    }

    private func note(_ change: AppInstance.Change, _ app: AppSpecification) async {
        // The instance may answer for a later release than the one it was started for.
        guard let (release, instance) = live.first(where: { $0.value.app.release == app.release }) else { return }
        switch change {
        case .restarted: await announceOnceUp(release, instance)
        case .away: carrier.send(release, .starting)
        case .givenUp(let reason):
            carrier.send(release, .down("it \(CrashPolicy.words)"))
            await onFailure(release, app, reason)
        }
    }

    private nonisolated func later(_ job: @escaping Job) { addJob.yield(job) }

    /// What runs, by release.
    package func list() async -> [AppStatus] {
        var list: [AppStatus] = []
        for (release, instance) in live {
            let state = await instance.state
            let isDown = if case .ended = state { true } else { false }
            list.append(await status(release, instance, state == .running ? .running : isDown ? .down : .starting))
        }
        for (release, candidate) in candidates { list.append(await status(release, candidate.instance, .starting)) }
        for instance in kept.all { list.append(await status(instance.app.release, instance, .frozen)) }
        return list.sorted { $0.release < $1.release }
    }

    private func status(_ release: String, _ instance: AppInstance, _ state: AppStatus.State) async -> AppStatus {
        AppStatus(release: release, host: instance.app.host, state: state, restarts: await instance.restarts, memory: instance.memory)
    }

    /// Ends every server and the background work. Returns when nothing of them is left.
    package func stop() async {
        isStopping = true
        let all = Array(live.values) + kept.all + candidates.values.map(\.instance)
        (live, candidates) = ([:], [:])
        kept.removeAll()
        await withDiscardingTaskGroup { group in
            for instance in all { group.addTask { await instance.stop(grace: self.settings.grace) } }
        }
        addJob.finish()
    }

    private static let stopping = ControlFailure(
        code: "gateway.stopping", message: "the gateway is about to end", hint: "start it again: `forge gateway`")

    private static func notStarted(_ error: any Error) -> ControlFailure {
        guard let error = error as? ForgeError else {
            return ControlFailure(code: "app.not-started", message: "the server could not be started: \(error)", hint: nil)
        }
        return ControlFailure(code: error.code, message: error.message, hint: error.hint)
    }
}
