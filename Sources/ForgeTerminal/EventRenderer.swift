package import ForgeEvents

/// Turns events into text for one kind of reader. Fed by one task, in order; `finish` comes once and last.
package protocol EventRenderer: Sendable {
    mutating func receive(_ event: ForgeEvent)
    /// The time, in milliseconds since 1970, now and then: running clocks move.
    mutating func tick(now: Int64)
    mutating func finish()
}

/// Feeds `renderer` until `stream` ends, and finishes it. Ticks stop then too.
package func render(
    _ stream: AsyncStream<ForgeEvent>, with renderer: any EventRenderer, ticks: AsyncStream<Int64> = Ticks.wallClock()
) async {
    var renderer = renderer
    let (inputs, continuation) = AsyncStream.makeStream(of: RendererInput.self)
    await withTaskGroup(of: Void.self) { group in
        group.addTask {
            for await event in stream { continuation.yield(.event(event)) }
            continuation.finish()
        }
        group.addTask {
            for await now in ticks { continuation.yield(.tick(now)) }
        }
        for await input in inputs {
            switch input {
            case .event(let event): renderer.receive(event)
            case .tick(let now): renderer.tick(now: now)
            }
        }
        group.cancelAll()
    }
    renderer.finish()
}

private enum RendererInput { case event(ForgeEvent), tick(Int64) }

package enum Ticks {
    /// The machine's time every 200 milliseconds, until the consumer is cancelled.
    package static func wallClock() -> AsyncStream<Int64> {
        AsyncStream {
            do {
                try await Task.sleep(for: .milliseconds(200))
                return EventHub.wallClock()
            } catch {
                return nil
            }
        }
    }
}
