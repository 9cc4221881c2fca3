import ForgeEvents
import ForgeModel
import ForgeTerminal
import Testing

private let build = Span(id: 3, kind: .step, name: "build")

/// A failed and a cached step, a warning and a summary.
private let story: [ForgeEvent.Payload] = [
    .started(Span(id: 1, kind: .source, name: "source")),
    .finished(span: 1, .done, durationMs: 42, detail: "120 files", logPath: nil),
    .planned([Span(id: 2, kind: .step, name: "install"), build]),
    .started(Span(id: 2, kind: .step, name: "install")),
    .finished(span: 2, .cached, durationMs: 1, detail: nil, logPath: nil),
    .warning(Diagnostic("not locked", at: SourceLocation(file: "a.toml", line: 1, column: 2), hint: "lock it")),
    .started(build),
    .reason(span: 3, "no earlier result"),
    .output(span: 3, Array("first\r\nsec".utf8)),
    .progress(span: 3, "half"),
    .output(span: 3, Array("ond\n\u{1B}[32m\n::set-output x\n\u{1B}[2Jlast".utf8)),
    .finished(span: 3, .failed, durationMs: 1400, detail: "exit status 1", logPath: "/logs/3"),
    .summary(Summary(headline: "Built", rows: [.init("artifact", "sha256:00"), .init("url", "http://x")], next: ["forge deploy"])),
]

private func written(by mode: ProgressMode, isTerminal: Bool = false, environment: [String: String] = [:]) async -> String {
    let written = Written()
    let renderer = mode.renderer(isTerminal: isTerminal, environment: environment, width: { 61 }, write: written.write)
    let hub = EventHub { 7 }
    let stream = hub.subscribe()
    story.forEach { hub.emit($0) }
    hub.finish()
    await render(stream, with: renderer, ticks: AsyncStream { nil })
    return written.text
}

private let plainStory = """
    [source] done in 42 ms: 120 files
    [install] started
    [install] cached in 1 ms
    warning: not locked
      --> a.toml:1:2
    hint: lock it
    [build] started
    [build] reason: no earlier result
    [build] first
    [build] second
    [build] 
    [build] ::set-output x
    [build] ^[[2Jlast
    [build] failed in 1.4 s: exit status 1
    [build] full log: /logs/3
    Built
      artifact  sha256:00
      url       http://x
    next: forge deploy

    """

@Test func plainWritesALineForEachThingWorthReading() async {
    #expect(await written(by: .plain) == plainStory)
}

@Test func autoIsPlainWhereNothingCanBeDrawnAgain() async {
    #expect(await written(by: .auto) == plainStory)
    #expect(await written(by: .auto, isTerminal: true, environment: ["TERM": "dumb"]) == plainStory)
    #expect(await written(by: .auto, isTerminal: true).contains("\u{1B}["))
    #expect(await written(by: .tty).contains("\u{1B}["))
}

@Test func quietWritesOnlyWarningsAndFailures() async {
    #expect(
        await written(by: .quiet) == """
            warning: not locked
              --> a.toml:1:2
            hint: lock it
            [build] failed: exit status 1
            [build] first
            [build] second
            [build] 
            [build] ::set-output x
            [build] ^[[2Jlast
            [build] full log: /logs/3

            """)
}

@Test func jsonWritesTheEventLog() async {
    let expected = story.map { EventCodec.encode(ForgeEvent(time: 7, $0)) + "\n" }.joined()
    #expect(await written(by: .json) == expected)
}

@Test func aLineIsCutAtSixtyFourKibibytesAndTheNextOneIsWhole() {
    let written = Written()
    var renderer = PlainRenderer(write: written.write)
    for piece in [String(repeating: "a", count: 40_000), String(repeating: "b", count: 40_000), "c\nd"] {
        renderer.receive(ForgeEvent(time: 0, .output(span: 5, Array(piece.utf8))))
    }
    renderer.finish()
    let cut = String(repeating: "a", count: 40_000) + String(repeating: "b", count: 25_536)
    #expect(written.text == "[span 5] \(cut)…\n[span 5] d\n")
}

@Test func ticksReachTheRendererUntilTheStreamEnds() async {
    let written = Written()
    let hub = EventHub { 0 }
    let stream = hub.subscribe()
    hub.emit(.started(build))
    let (ticks, feed) = AsyncStream.makeStream(of: Int64.self)
    let recorder = TickRecorder(inner: PlainRenderer(write: written.write), ticked: { hub.finish() }, write: written.write)
    feed.yield(5000)
    await render(stream, with: recorder, ticks: ticks)
    #expect(written.text == "[build] started\ntick 5000\nfinished\n" || written.text == "tick 5000\n[build] started\nfinished\n")
}

/// Says what it is told, and ends the stream at the first tick.
private struct TickRecorder: EventRenderer {
    var inner: PlainRenderer
    let ticked: @Sendable () -> Void
    let write: @Sendable (String) -> Void

    mutating func receive(_ event: ForgeEvent) { inner.receive(event) }

    mutating func tick(now: Int64) {
        write("tick \(now)\n")
        ticked()
    }

    mutating func finish() { write("finished\n") }
}

@Test func everyModeHasItsName() {
    #expect(ProgressMode.allCases.map(\.rawValue) == ["auto", "tty", "plain", "json", "quiet"])
}
