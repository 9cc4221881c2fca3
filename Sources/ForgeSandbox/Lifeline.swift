internal import ForgeSystem
internal import Synchronization

/// The pipe whose end `forge-sandbox` watches: once this side closes, by `cut` or by Forge's death, everything in the
/// sandbox is killed. The first reason to cut is the one that is told.
final class Lifeline: Sendable {
    enum Reason: Hashable, Sendable {
        case exceeded(SandboxResult.Limit)
        case cancelled
        /// The step's proxy could not be had.
        case withoutProxy
        /// It was had, and is no more.
        case proxyDied
        /// A server that was told to stop.
        case stopped
    }

    private struct State {
        var end: Descriptor?
        var reason: Reason?
    }

    private let state: Mutex<State>

    init(_ end: Descriptor) { state = Mutex(State(end: end, reason: nil)) }

    func cut(_ reason: Reason) {
        state.withLock {
            if $0.reason == nil { $0.reason = reason }
            $0.end = nil
        }
    }

    var reason: Reason? { state.withLock { $0.reason } }
}
