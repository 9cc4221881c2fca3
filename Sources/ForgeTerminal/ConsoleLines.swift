internal import ForgeEvents
internal import ForgeModel

/// How a span ended, as its `finished` event says.
struct SpanEnd {
    let outcome: SpanOutcome
    let durationMs: Int
    let detail: String?
    let logPath: String?
}

/// Lays out the console's lines: `glyph name word detail … time`.
struct ConsoleLines {
    private static let maximumColumns = 100
    /// The live region stays this low, so that it fits a small window: what has scrolled away cannot be drawn again.
    private static let maximumLiveLines = 16
    private static let nameColumns = 10...28
    private static let wordColumns = 10
    private static let timeColumns = 11

    let style: Style
    private var name = ConsoleLines.nameColumns.lowerBound
    private var columns = 80

    init(style: Style) { self.style = style }

    /// One column is left free: a full line makes some terminals wrap.
    mutating func fit(to width: Int?) { columns = max(20, min((width ?? 80) - 1, Self.maximumColumns)) }

    /// Widens the column of names.
    mutating func makeRoom(for span: Span) {
        name = min(max(name, TerminalText.columns(TerminalText.escaped(span.name))), Self.nameColumns.upperBound)
    }

    // MARK: What stays

    func finished(_ entry: SpanBoard.Entry, _ end: SpanEnd) -> [String] {
        let (glyph, tone) = Self.look(of: end.outcome)
        let detail = end.detail ?? (end.outcome == .executed ? entry.reason : nil)
        let time = end.outcome == .skipped ? "" : Milliseconds(end.durationMs).description
        let head = line(glyph, tone, entry.span.name, end.outcome.rawValue, detail, time: time)
        return [head] + (end.outcome == .failed ? failure(entry.tail, logPath: end.logPath) : [])
    }

    func unfinished(_ entry: SpanBoard.Entry) -> String { line("-", .yellow, entry.span.name, "unfinished", nil, time: "") }

    func warning(_ diagnostic: Diagnostic) -> [String] {
        DiagnosticText.lines(diagnostic, label: "warning").enumerated().map { index, text in
            index == 0 ? style(.yellow, "! " + text) : "  " + text
        }
    }

    func summary(_ summary: Summary) -> [String] {
        let text = SummaryText(summary)
        return ["", style(.bold, text.headline), ""]
            + text.rows.map { "  " + style(.dim, $0.label) + "  " + $0.value }
            + (text.rows.isEmpty || text.next.isEmpty ? [] : [""])
            + text.next.enumerated().map { index, command in style(.dim, index == 0 ? "next: " : "      ") + style(.cyan, command) }
    }

    /// Not cut to the width: the end of a line may be the reason, and these lines are never drawn again.
    private func failure(_ tail: LogTail, logPath: String?) -> [String] {
        let earlier = tail.earlier(than: LogTail.maximumLines)
        let bar = style(.red, "  │ ")
        return (earlier > 0 ? [bar + style(.dim, "… \(earlier) earlier \(earlier == 1 ? "line" : "lines")")] : [])
            + tail.last(LogTail.maximumLines).map { bar + $0 }
            + (logPath.map { ["    full log: " + TerminalText.escaped($0)] } ?? [])
    }

    // MARK: What is drawn again

    func live(_ board: SpanBoard, now: Int64) -> [String] {
        let running = board.running
        let waiting = board.waiting
        let shownRunning = Array(running.prefix(Self.maximumLiveLines - 2))
        let tailLines =
            shownRunning.isEmpty
            ? 0 : min(running.count == 1 ? 5 : 3, max(0, Self.maximumLiveLines - 2 - running.count) / shownRunning.count)
        var lines: [String] = []
        for entry in shownRunning {
            lines.append(self.running(entry, now: now))
            lines += entry.tail.last(tailLines).map { style(.dim, TerminalText.fitted("  │ " + $0, to: columns)) }
        }
        if running.count > shownRunning.count { lines.append(more(running.count - shownRunning.count, "running")) }
        let room = max(0, Self.maximumLiveLines - 1 - lines.count)
        let shownWaiting = waiting.prefix(waiting.count <= room ? room : max(0, room - 1))
        lines += shownWaiting.map { line("·", .dim, $0.span.name, "waiting", nil, time: "") }
        if waiting.count > shownWaiting.count { lines.append(more(waiting.count - shownWaiting.count, "waiting")) }
        return lines
    }

    private func running(_ entry: SpanBoard.Entry, now: Int64) -> String {
        let elapsed = now - (entry.startedAt ?? now)
        return line(
            "▸", .blue, entry.span.name, "running", entry.progress ?? entry.reason,
            time: elapsed >= 1000 ? Milliseconds(elapsed).description : "")
    }

    private func more(_ count: Int, _ word: String) -> String { style(.dim, "  and \(count) more \(word)") }

    // MARK: One line

    private static func look(of outcome: SpanOutcome) -> (glyph: String, tone: Style.Tone) {
        switch outcome {
        case .done, .executed: ("✓", .green)
        case .cached: ("✓", .cyan)
        case .failed: ("✗", .red)
        case .cancelled: ("-", .yellow)
        case .skipped: ("-", .dim)
        }
    }

    private func line(_ glyph: String, _ tone: Style.Tone, _ name: String, _ word: String, _ detail: String?, time: String) -> String {
        let nameColumns = min(self.name, max(Self.nameColumns.lowerBound, columns / 3), columns - 4 - Self.wordColumns)
        let detailColumns = columns - (4 + nameColumns + Self.wordColumns) - 2 - Self.timeColumns
        let name = TerminalText.padded(TerminalText.escaped(name), to: nameColumns)
        let head = style(tone, glyph) + " " + (tone == .dim ? style(.dim, name) : name) + "  "
        // A narrow window keeps the name and the word.
        let detail = detailColumns > 0 ? TerminalText.fitted(TerminalText.escaped(detail ?? ""), to: detailColumns) : ""
        let time = detailColumns >= 0 ? time : ""
        // Nothing is filled up that nothing follows: trailing spaces would wrap when the window becomes narrower.
        guard !detail.isEmpty || !time.isEmpty else { return head + style(tone, word) }
        let state = head + style(tone, TerminalText.padded(word, to: Self.wordColumns)) + "  "
        guard !time.isEmpty else { return state + style(.dim, detail) }
        let room = detailColumns - TerminalText.columns(detail) + Self.timeColumns - TerminalText.columns(time)
        return state + style(.dim, detail) + String(repeating: " ", count: max(1, room)) + time
    }
}
