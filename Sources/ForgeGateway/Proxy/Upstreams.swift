package import ForgeSystem
internal import NIOCore
internal import Synchronization

/// Where the requests of one release go. Set by the supervisor, read on event loops.
package struct Upstream: Sendable {
    package let release: String
    /// A connected, non-blocking TCP socket to the app (one that is still connecting will do). It belongs to the caller. Called on
    /// an event loop: takes microseconds.
    /// - Throws: `SystemError` (`ECONNREFUSED` …)
    package let connect: @Sendable () throws -> Descriptor

    package init(release: String, connect: @escaping @Sendable () throws -> Descriptor) {
        self.release = release
        self.connect = connect
    }
}

/// What is known of the apps, by release.
package final class Upstreams: Sendable {
    package enum State: Sendable {
        case ready(Upstream)
        /// Requests wait for a change, up to `GatewayLimits.startTimeout`.
        case starting
        /// Why the app does not run, as half a sentence for its visitors: `it crashed three times in five minutes`.
        case down(String)
    }

    private struct Content {
        var states: [String: State] = [:]
        var waiting: [String: [ObjectIdentifier: any Channel]] = [:]
    }

    private let content = Mutex(Content())

    package init() {}

    /// From now on requests for `release` are treated as `state` says; nil forgets the release. Requests that wait for it look again,
    /// also at the routes.
    package func set(_ release: String, _ state: State?) {
        let woken = content.withLock { content in
            content.states[release] = state
            return content.waiting.removeValue(forKey: release) ?? [:]
        }
        for channel in woken.values { channel.pipeline.fireUserInboundEventTriggered(UpstreamChange()) }
    }

    /// Nil while nobody has said anything about `release`: requests wait as if it were starting.
    package func state(of release: String) -> State? { content.withLock { $0.states[release] } }

    /// Tells `channel` of the next change (`UpstreamChange`), once. The caller looks at the state after this call.
    func notify(_ channel: any Channel, of release: String) {
        content.withLock { $0.waiting[release, default: [:]][ObjectIdentifier(channel)] = channel }
    }

    func forget(_ channel: any Channel, _ release: String) {
        content.withLock { _ = $0.waiting[release]?.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}

/// Fired in the pipeline of a connection whose request waits for an app.
struct UpstreamChange: Sendable {}
