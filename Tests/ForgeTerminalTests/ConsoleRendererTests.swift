import ForgeEvents
import ForgeModel
import ForgeTerminal
import Testing

/// A console of 61 columns and what has been written on it.
private struct Console {
    let written = Written()
    private(set) var renderer: ConsoleRenderer

    init(width: Int? = 61, environment: [String: String] = ["NO_COLOR": "1"]) {
        renderer = ConsoleRenderer(environment: environment, width: { width }, write: written.write)
    }

    mutating func at(_ time: Int64, _ payloads: ForgeEvent.Payload...) {
        for payload in payloads { renderer.receive(ForgeEvent(time: time, payload)) }
    }

    mutating func tick(_ time: Int64) { renderer.tick(now: time) }
    mutating func finish() { renderer.finish() }

    var screen: String { Screen.shows(written.text) }
}

private let source = Span(id: 1, kind: .source, name: "source")
private let install = Span(id: 2, kind: .step, name: "install")
private let build = Span(id: 3, kind: .step, name: "build")

private func output(_ span: Span, _ text: String) -> ForgeEvent.Payload { .output(span: span.id, Array(text.utf8)) }

@Test func aWholeBuildLeavesOneLinePerSpanAndTheSummary() {
    var console = Console()
    console.at(0, .started(source))
    console.at(42, .finished(span: 1, .done, durationMs: 42, detail: "120 files, 1.2 MB", logPath: nil))
    console.at(43, .planned([install, build]), .started(install))
    console.at(44, .finished(span: 2, .cached, durationMs: 1, detail: nil, logPath: nil))
    console.at(45, .started(build), .reason(span: 3, "the source changed"), output(build, "one\ntwo\n"))
    console.tick(2045)
    console.at(3245, .finished(span: 3, .executed, durationMs: 3200, detail: nil, logPath: "/logs/3"))
    console.at(
        3250,
        .summary(
            Summary(headline: "Built my-site in 3.3 s", rows: [.init("artifact", "sha256:00"), .init("size", "1.2 MB")], next: ["a", "b"])))
    console.finish()
    #expect(
        console.screen == """
            ✓ source      done        120 files, 1.2 MB            42 ms
            ✓ install     cached                                    1 ms
            ✓ build       executed    the source changed           3.2 s

            Built my-site in 3.3 s

              artifact  sha256:00
              size      1.2 MB

            next: a
                  b

            """)
}

@Test func runningStepsShowTheirTimeAndTheLastLinesOfTheirLogs() {
    var console = Console()
    console.at(0, .planned([source, install, build]), .started(install), .reason(span: 2, "no earlier result"))
    console.at(100, output(install, "1\n2\n3\n4\n5\n6\nhalf a li"))
    console.tick(900)
    #expect(
        console.screen == """
            ▸ install     running     no earlier result
              │ 3
              │ 4
              │ 5
              │ 6
              │ half a li
            · source      waiting
            · build       waiting

            """)
    console.at(950, .started(build), .progress(span: 3, "1,204 of 6,445 files"), output(install, "ne\n"))
    console.tick(62_000)
    #expect(
        console.screen == """
            ▸ install     running     no earlier result       1 min 02 s
              │ 5
              │ 6
              │ half a line
            ▸ build       running     1,204 of 6,445 files    1 min 01 s
            · source      waiting

            """)
}

@Test func aFailedStepShowsItsLastTwentyLinesAndWhereTheRestIs() {
    var console = Console()
    console.at(0, .started(build), output(build, (1...25).map { "line \($0)\n" }.joined()))
    console.at(1400, .finished(span: 3, .failed, durationMs: 1400, detail: "exit status 1", logPath: "/logs/3"))
    console.finish()
    let tail = (6...25).map { "  │ line \($0)\n" }.joined()
    #expect(
        console.screen
            == "✗ build       failed      exit status 1                1.4 s\n  │ … 5 earlier lines\n" + tail + "    full log: /logs/3\n")
}

@Test func otherEndsSayTheirWord() {
    var console = Console()
    console.at(0, .planned([source, install, build]), .started(install), .started(build))
    console.at(10, .finished(span: 1, .skipped, durationMs: 0, detail: "needs `install`", logPath: nil))
    console.at(10, .finished(span: 2, .cancelled, durationMs: 10, detail: nil, logPath: nil))
    console.finish()
    #expect(
        console.screen == """
            - source      skipped     needs `install`
            - install     cancelled                                10 ms
            - build       unfinished

            """)
}

@Test func aWarningStandsAboveWhatRuns() {
    var console = Console()
    console.at(
        0, .started(build), .warning(Diagnostic("not locked", at: SourceLocation(file: "a.toml", line: 1, column: 2), hint: "lock it")))
    #expect(
        console.screen == """
            ! warning: not locked
                --> a.toml:1:2
              hint: lock it
            ▸ build       running

            """)
}

@Test func aStrangersNamesAndLogsCannotMoveTheCursor() {
    var console = Console()
    let span = Span(id: 9, kind: .step, name: "x\u{1B}[2Jy")
    console.at(0, .started(span), .progress(span: 9, "a\rb"), output(span, "50%\r100%\r\n\u{1B}]0;title\u{7}\u{1B}[5A\u{202E}\n"))
    console.tick(100)
    #expect(
        console.screen == """
            ▸ x^[[2Jy     running     a^Mb
              │ 50%
              │ 100%
              │ ^[]0;title^G^[[5A<U+202E>

            """)
}

@Test func linesAreCutByColumnsNotBytes() {
    var console = Console(width: 41)
    console.at(0, .started(Span(id: 1, kind: .step, name: "生成する長い長い名前")), .output(span: 1, Array(String(repeating: "型", count: 40).utf8)))
    console.tick(100)
    #expect(console.screen == "▸ 生成する長い…  running\n  │ " + String(repeating: "型", count: 17) + "…\n")
}

@Test func manySpansStayInABoundedRegion() {
    var console = Console()
    let spans = (1...40).map { Span(id: $0, kind: .step, name: "step-\($0)") }
    console.at(0, .planned(spans))
    for span in spans.prefix(20) { console.at(0, .started(span), output(span, "x\n")) }
    console.tick(10)
    let running = (1...14).map { "▸ step-\($0)".padded(to: 14) + "running\n" }.joined()
    #expect(console.screen == running + "  and 6 more running\n  and 20 more waiting\n")
}

@Test func aFloodOfOutputIsNotAFloodOfDrawings() {
    var console = Console()
    console.at(0, .started(build))
    let before = console.written.all.count
    for time in 0..<1000 { console.at(Int64(time), output(build, "line \(time)\n")) }
    #expect(console.written.all.count - before == 19)
    let settled = console.written.all.count
    console.tick(999)
    console.tick(999)
    #expect(console.written.all.count == settled + 1)
}

@Test func coloursNeverStandAlone() {
    var coloured = Console(environment: [:])
    var plain = Console()
    let payloads: [ForgeEvent.Payload] = [
        .started(build), .reason(span: 3, "why"), .finished(span: 3, .failed, durationMs: 5, detail: "exit status 1", logPath: nil),
    ]
    for payload in payloads {
        coloured.at(0, payload)
        plain.at(0, payload)
    }
    #expect(coloured.screen == plain.screen)
    #expect(
        coloured.written.all.last
            == "\u{1B}[1A\r\u{1B}[J\u{1B}[31m✗\u{1B}[0m build       \u{1B}[31mfailed    \u{1B}[0m  \u{1B}[2mexit status 1\u{1B}[0m                 5 ms\n"
    )
    #expect(plain.written.all.last == "\u{1B}[1A\r\u{1B}[J✗ build       failed      exit status 1                 5 ms\n")
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: width - count) }
}
