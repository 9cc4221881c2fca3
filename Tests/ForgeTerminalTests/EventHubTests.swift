import ForgeEvents
import Synchronization
import Testing

private func collect(_ stream: AsyncStream<ForgeEvent>) async -> [ForgeEvent] {
    var events: [ForgeEvent] = []
    for await event in stream { events.append(event) }
    return events
}

/// A hub whose clock counts the events.
private func countingHub() -> EventHub {
    let count = Atomic<Int64>(0)
    return EventHub { count.add(1, ordering: .relaxed).newValue }
}

@Test func everySubscriberGetsEveryEventInOneOrder() async {
    let hub = countingHub()
    let first = hub.subscribe()
    hub.emit(.progress(span: 1, "a"))
    let second = hub.subscribe()
    hub.emit(.progress(span: 1, "b"))
    hub.finish()
    hub.emit(.progress(span: 1, "too late"))
    #expect(
        await collect(first) == [ForgeEvent(time: 1, .progress(span: 1, "a")), ForgeEvent(time: 2, .progress(span: 1, "b"))])
    #expect(await collect(second) == [ForgeEvent(time: 2, .progress(span: 1, "b"))])
    #expect(await collect(hub.subscribe()).isEmpty)
}

@Test func timesFollowTheOrderOfTheStreamUnderManySenders() async {
    let hub = countingHub()
    let (one, other) = (hub.subscribe(), hub.subscribe())
    await withTaskGroup(of: Void.self) { group in
        for task in 0..<8 {
            group.addTask {
                for number in 0..<100 { hub.emit(.progress(span: task, "\(number)")) }
            }
        }
    }
    hub.finish()
    let events = await collect(one)
    #expect(events.map(\.time) == Array(1...800))
    #expect(await collect(other) == events)
}

@Test func spansGetIdsOfTheirOwn() {
    let hub = EventHub()
    #expect(hub.newSpan(.source, "source") == Span(id: 1, kind: .source, name: "source"))
    #expect(hub.newSpan(.step, "install") == Span(id: 2, kind: .step, name: "install"))
}

@Test func aLargeOutputIsPassedOnInPieces() async {
    let hub = countingHub()
    let stream = hub.subscribe()
    let bytes = (0..<EventHub.maximumOutputBytes + 5).map { UInt8(truncatingIfNeeded: $0) }
    hub.emit(.output(span: 1, bytes))
    hub.finish()
    #expect(
        await collect(stream) == [
            ForgeEvent(time: 1, .output(span: 1, Array(bytes.prefix(65536)))),
            ForgeEvent(time: 2, .output(span: 1, Array(bytes.suffix(5)))),
        ])
}

@Test func aSubscriberThatLeavesIsForgotten() async {
    let hub = countingHub()
    let stay = hub.subscribe()
    await Task { [stream = hub.subscribe()] in
        for await _ in stream { break }
    }.cancelAndWait()
    hub.emit(.progress(span: 1, "a"))
    hub.finish()
    #expect(await collect(stay).count == 1)
}

extension Task where Failure == Never {
    fileprivate func cancelAndWait() async {
        cancel()
        _ = await value
    }
}
