internal import Glibc
internal import Synchronization

/// Gives each event its time and hands it to everyone who subscribed, in one order for all of them.
///
/// Emitting never waits for a consumer: a slow one has its events kept for it.
package final class EventHub: EventSink {
    /// More output in one payload is passed on as several events.
    package static let maximumOutputBytes = 64 << 10

    private struct State {
        var nextSpan = 1
        var nextSubscriber = 1
        var subscribers: [Int: AsyncStream<ForgeEvent>.Continuation] = [:]
        var isFinished = false
    }

    private let clock: @Sendable () -> Int64
    private let state = Mutex(State())

    /// `clock` gives milliseconds since 1970.
    package init(clock: @escaping @Sendable () -> Int64 = { EventHub.wallClock() }) { self.clock = clock }

    /// The machine's time, in milliseconds since 1970.
    package static func wallClock() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    /// All events emitted from now on, until `finish`; a finished hub's stream is empty.
    package func subscribe() -> AsyncStream<ForgeEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: ForgeEvent.self)
        let id: Int? = state.withLock { state in
            guard !state.isFinished else { return nil }
            defer { state.nextSubscriber += 1 }
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        if let id {
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { _ = $0.subscribers.removeValue(forKey: id) }
            }
        } else {
            continuation.finish()
        }
        return stream
    }

    /// A span with an id of its own. Says nothing to anyone: the caller emits `planned` or `started`.
    package func newSpan(_ kind: Span.Kind, _ name: String) -> Span {
        state.withLock { state in
            defer { state.nextSpan += 1 }
            return Span(id: state.nextSpan, kind: kind, name: name)
        }
    }

    package func emit(_ payload: ForgeEvent.Payload) {
        guard case .output(let span, let bytes) = payload, bytes.count > Self.maximumOutputBytes else { return send(payload) }
        for start in stride(from: 0, to: bytes.count, by: Self.maximumOutputBytes) {
            send(.output(span: span, Array(bytes[start..<min(start + Self.maximumOutputBytes, bytes.count)])))
        }
    }

    /// Ends every stream, once what was emitted is consumed. Later events go nowhere.
    package func finish() {
        let subscribers = state.withLock { state in
            state.isFinished = true
            defer { state.subscribers = [:] }
            return state.subscribers.values
        }
        // Outside the lock: ending a stream calls its `onTermination`, which takes the lock.
        for subscriber in subscribers { subscriber.finish() }
    }

    /// The time is read under the lock, so that times follow the order of the stream.
    private func send(_ payload: ForgeEvent.Payload) {
        state.withLock { state in
            guard !state.subscribers.isEmpty else { return }
            let event = ForgeEvent(time: clock(), payload)
            for subscriber in state.subscribers.values { subscriber.yield(event) }
        }
    }
}
