internal import NIOCore
internal import Synchronization

/// What became of the requests that were under way when a release lost its route.
package struct DrainOutcome: Hashable, Sendable {
    /// Requests under way when the drain began.
    package let crossed: Int
    /// Those of them that ended by an error of the app or were cut.
    package let failed: Int
    package let duration: Duration
}

/// Fired in the pipeline of a connection whose exchange with this release has to end now; nil means any.
struct ReleaseMustEnd: Sendable {
    let release: String?
}

/// Requests under way, by release, static ones too.
package final class ReleaseTraffic: Sendable {
    private struct Drain {
        var crossed: Int
        var failed = 0
        /// Whether requests that saw the old route are all counted.
        var isComplete = false
        var emptied: AsyncStream<Void>.Continuation
    }

    private struct Release {
        /// The client connections with a request for this release.
        var clients: [ObjectIdentifier: any Channel] = [:]
        var drains: [Int: Drain] = [:]
    }

    private struct Content {
        var releases: [String: Release] = [:]
        var drains = 0
        var pools: UpstreamPools?
    }

    /// How long exchanges that were told to end may take for it.
    private static let endTimeout = Duration.seconds(5)

    private let content = Mutex(Content())

    package init() {}

    package func inFlight(_ release: String) -> Int { content.withLock { $0.releases[release]?.clients.count ?? 0 } }

    /// Called once the route has left `release`: closes its idle upstream connections, lets requests under way end, and after
    /// `grace` ends what is left: a WebSocket by a close frame (1001) between two frames, an event stream by its end, the rest by
    /// closing. Returns when none is left. A cancelled call (the release got its route back) returns early and ends nothing.
    package func drain(_ release: String, grace: Duration) async -> DrainOutcome {
        let start = ContinuousClock.now
        let (emptied, signal) = AsyncStream<Void>.makeStream()
        let (id, pools) = open(release, signal)
        // After a turn of every event loop no request is left that saw the old route but is not counted yet.
        await pools?.closeIdle(release)
        complete(release, id)
        await Self.wait(for: emptied, atMost: grace)
        if !Task.isCancelled {
            let left = clients(release)
            for channel in left { channel.pipeline.fireUserInboundEventTriggered(ReleaseMustEnd(release: release)) }
            if !left.isEmpty { await Self.wait(for: renewed(release, id), atMost: Self.endTimeout) }
            let cut = clients(release)
            for channel in cut { channel.close(promise: nil) }
            // So that they are counted.
            if !cut.isEmpty { await Self.wait(for: renewed(release, id), atMost: Self.endTimeout) }
        }
        let drain = close(release, id)
        return DrainOutcome(crossed: drain?.crossed ?? 0, failed: drain?.failed ?? 0, duration: .now - start)
    }

    /// The end of the last request once more: a stream is over for good when waiting for it was given up.
    private func renewed(_ release: String, _ id: Int) -> AsyncStream<Void> {
        let (emptied, signal) = AsyncStream<Void>.makeStream()
        content.withLock { content in
            content.releases[release]?.drains[id]?.emptied = signal
            if content.releases[release]?.clients.isEmpty ?? true { signal.finish() }
        }
        return emptied
    }

    private static func wait(for emptied: AsyncStream<Void>, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in emptied {} }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func open(_ release: String, _ signal: AsyncStream<Void>.Continuation) -> (Int, UpstreamPools?) {
        content.withLock { content in
            content.drains += 1
            let crossed = content.releases[release]?.clients.count ?? 0
            content.releases[release, default: Release()].drains[content.drains] = Drain(crossed: crossed, emptied: signal)
            return (content.drains, content.pools)
        }
    }

    private func close(_ release: String, _ id: Int) -> Drain? {
        content.withLock { content in
            let drain = content.releases[release]?.drains.removeValue(forKey: id)
            if let rest = content.releases[release], rest.clients.isEmpty, rest.drains.isEmpty { content.releases[release] = nil }
            return drain
        }
    }

    private func clients(_ release: String) -> [any Channel] {
        content.withLock { $0.releases[release].map { Array($0.clients.values) } ?? [] }
    }

    private func complete(_ release: String, _ id: Int) {
        content.withLock { content in
            content.releases[release]?.drains[id]?.isComplete = true
            guard let counted = content.releases[release], counted.clients.isEmpty else { return }
            counted.drains[id]?.emptied.finish()
        }
    }

    // MARK: - for connections

    func use(_ pools: UpstreamPools) { content.withLock { $0.pools = pools } }

    /// A request for `release` came on `channel`, which has no other under way.
    func begin(_ release: String, _ channel: any Channel) {
        content.withLock { content in
            content.releases[release, default: Release()].clients[ObjectIdentifier(channel)] = channel
            // It saw the route just before it changed.
            for id in (content.releases[release]?.drains ?? [:]).keys { content.releases[release]?.drains[id]?.crossed += 1 }
        }
    }

    /// The exchange that `begin` announced is over. Returns whether the release may keep idle connections.
    @discardableResult
    func end(_ release: String, _ channel: any Channel, failed: Bool) -> Bool {
        content.withLock { content in
            guard content.releases[release]?.clients.removeValue(forKey: ObjectIdentifier(channel)) != nil else { return true }
            guard let counted = content.releases[release], !counted.drains.isEmpty else { return true }
            for (id, drain) in counted.drains {
                if failed { content.releases[release]?.drains[id]?.failed += 1 }
                if drain.isComplete && counted.clients.isEmpty { drain.emptied.finish() }
            }
            return false
        }
    }
}
