package import ForgeEvents
internal import ForgeModel

/// For a person at a terminal: one line per span that ended, and below them a live region that is drawn again in place
/// with what runs (elapsed time, last log lines) and what waits.
package struct ConsoleRenderer: EventRenderer {
    /// Output alone redraws at most this often.
    private static let redrawIntervalMs: Int64 = 50

    private let width: @Sendable () -> Int?
    private let write: @Sendable (String) -> Void
    private var lines: ConsoleLines
    private var board = SpanBoard()
    private var now: Int64 = 0
    private var lastDraw: Int64 = .min
    /// What stands on the screen below the finished lines.
    private var drawn: [String] = []

    package init(environment: [String: String], width: @escaping @Sendable () -> Int?, write: @escaping @Sendable (String) -> Void) {
        self.width = width
        self.write = write
        self.lines = ConsoleLines(style: Style(environment: environment))
    }

    package mutating func receive(_ event: ForgeEvent) {
        now = max(now, event.time)
        switch event.payload {
        case .planned(let spans):
            spans.forEach { lines.makeRoom(for: $0) }
            board.plan(spans)
            draw()
        case .started(let span):
            lines.makeRoom(for: span)
            board.start(span, at: event.time)
            draw()
        case .reason(let id, let text): board.update(id) { $0.reason = text }
        case .progress(let id, let text):
            board.update(id) { $0.progress = text }
            drawSoon()
        case .output(let id, let bytes):
            board.update(id) { $0.tail.append(bytes) }
            drawSoon()
        case .finished(let id, let outcome, let durationMs, let detail, let logPath):
            lines.fit(to: width())
            let end = SpanEnd(outcome: outcome, durationMs: durationMs, detail: detail, logPath: logPath)
            draw(after: board.remove(id).map { lines.finished($0, end) } ?? [])
        case .warning(let diagnostic): draw(after: lines.warning(diagnostic))
        case .summary(let summary): draw(after: lines.summary(summary))
        }
    }

    package mutating func tick(now: Int64) {
        self.now = max(self.now, now)
        draw()
    }

    /// Leaves only what has ended on the screen, and a word on what never did.
    package mutating func finish() {
        let left = board.running
        for entry in board.running + board.waiting { _ = board.remove(entry.span.id) }
        lines.fit(to: width())
        draw(after: left.map { lines.unfinished($0) })
    }

    private mutating func drawSoon() {
        if now - lastDraw >= Self.redrawIntervalMs { draw() }
    }

    /// Writes `permanent` above the live region, in one piece so that nothing flickers.
    private mutating func draw(after permanent: [String] = []) {
        lastDraw = now
        lines.fit(to: width())
        let live = lines.live(board, now: now)
        guard !permanent.isEmpty || live != drawn else { return }
        var frame = drawn.isEmpty ? "" : "\u{1B}[\(rowsDrawn)A\r"
        // Lines that stay may wrap, so all below is cleared for them; live lines never do and replace each other one by one.
        let clearLine = drawn.isEmpty || !permanent.isEmpty ? "" : "\u{1B}[K"
        if !drawn.isEmpty, !permanent.isEmpty { frame += "\u{1B}[J" }
        for line in permanent + live { frame += clearLine + line + "\n" }
        if permanent.isEmpty, live.count < drawn.count { frame += "\u{1B}[J" }
        drawn = live
        write(frame)
    }

    /// Rows that the live region takes now: a window that became narrower wraps what was drawn before.
    private var rowsDrawn: Int {
        guard let width = width(), width > 0 else { return drawn.count }
        return drawn.reduce(0) { $0 + max(1, (TerminalText.columns(TerminalText.escaped($1)) + width - 1) / width) }
    }
}
