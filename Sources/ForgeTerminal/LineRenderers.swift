package import ForgeEvents
internal import ForgeModel

/// For pipes and CI logs: a plain line for each thing worth reading, a step's output behind its name, nothing drawn again.
package struct PlainRenderer: EventRenderer {
    private let write: @Sendable (String) -> Void
    private var names: [Int: String] = [:]
    private var output: [Int: LogLines] = [:]

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    package mutating func receive(_ event: ForgeEvent) {
        switch event.payload {
        case .planned(let spans): for span in spans { names[span.id] = TerminalText.escaped(span.name) }
        case .started(let span): start(span)
        case .reason(let id, let text): say(id, "reason: " + TerminalText.escaped(text))
        case .output(let id, let bytes): say(id, output: bytes)
        case .progress: break
        case .finished(let id, let outcome, let durationMs, let detail, let logPath):
            flush(id)
            let detail = detail.map { ": " + TerminalText.escaped($0) } ?? ""
            say(id, "\(outcome.rawValue) in \(Milliseconds(durationMs))\(detail)")
            if outcome == .failed, let logPath { say(id, "full log: " + TerminalText.escaped(logPath)) }
        case .warning(let diagnostic): DiagnosticText.lines(diagnostic, label: "warning").forEach { write($0 + "\n") }
        case .summary(let summary): write(summary: SummaryText(summary))
        }
    }

    package mutating func tick(now: Int64) {}

    package mutating func finish() { output.keys.sorted().forEach { flush($0) } }

    /// Short work says one line, at its end; what may take long says when it begins.
    private mutating func start(_ span: Span) {
        names[span.id] = TerminalText.escaped(span.name)
        switch span.kind {
        case .step, .deploy, .rollback: say(span.id, "started")
        case .source, .detect, .plan, .artifact, .export: break
        }
    }

    private func say(_ id: Int, _ text: String) { write("[\(names[id] ?? "span \(id)")] \(text)\n") }

    private mutating func say(_ id: Int, output bytes: [UInt8]) {
        var lines = output[id] ?? LogLines(maximumLineBytes: 64 << 10)
        var text: [String] = []
        lines.append(bytes) { text.append($0) }
        output[id] = lines
        for line in text { say(id, TerminalText.escaped(line)) }
    }

    private mutating func flush(_ id: Int) {
        if let rest = output.removeValue(forKey: id)?.unfinished { say(id, TerminalText.escaped(rest)) }
    }

    private func write(summary: SummaryText) {
        write(summary.headline + "\n")
        for row in summary.rows { write("  \(row.label)  \(row.value)\n") }
        for command in summary.next { write("next: \(command)\n") }
    }
}

/// Only warnings and failures.
package struct QuietRenderer: EventRenderer {
    private let write: @Sendable (String) -> Void
    private var board = SpanBoard()

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    package mutating func receive(_ event: ForgeEvent) {
        switch event.payload {
        case .started(let span): board.start(span, at: event.time)
        case .output(let id, let bytes): board.update(id) { $0.tail.append(bytes) }
        case .finished(let id, let outcome, _, let detail, let logPath):
            if let entry = board.remove(id), outcome == .failed { failed(entry, detail: detail, logPath: logPath) }
        case .warning(let diagnostic): DiagnosticText.lines(diagnostic, label: "warning").forEach { write($0 + "\n") }
        case .planned, .reason, .progress, .summary: break
        }
    }

    package mutating func tick(now: Int64) {}

    package mutating func finish() {}

    private func failed(_ entry: SpanBoard.Entry, detail: String?, logPath: String?) {
        let name = TerminalText.escaped(entry.span.name)
        write("[\(name)] failed\(detail.map { ": " + TerminalText.escaped($0) } ?? "")\n")
        for line in entry.tail.last(LogTail.maximumLines) { write("[\(name)] \(line)\n") }
        if let logPath { write("[\(name)] full log: \(TerminalText.escaped(logPath))\n") }
    }
}

/// For programs: the event log, one JSON object per line.
package struct JSONRenderer: EventRenderer {
    private let write: @Sendable (String) -> Void

    package init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    package mutating func receive(_ event: ForgeEvent) { write(EventCodec.encode(event) + "\n") }

    package mutating func tick(now: Int64) {}

    package mutating func finish() {}
}
