internal import ForgeModel

/// A line of the JSON log with all keys any type has; which ones are needed is the type's to say.
struct EventRecord: Decodable {
    struct SpanRecord: Decodable {
        let span: Int
        let kind: Span.Kind
        let name: String
    }

    let time: Int64
    let type: String
    let spans: [SpanRecord]?
    let span: Int?
    let kind: Span.Kind?
    let name: String?
    let text: String?
    let outcome: SpanOutcome?
    let durationMs: Int?
    let detail: String?
    let logPath: String?
    let message: String?
    let file: String?
    let line: Int?
    let column: Int?
    let hint: String?
    let headline: String?
    let rows: [Summary.Row]?
    let next: [String]?

    /// Nil for a type that is not known here.
    func payload() throws(EventCodecError) -> ForgeEvent.Payload? {
        switch type {
        case "spans.planned": .planned(try need(spans, "spans").map { Span(id: $0.span, kind: $0.kind, name: $0.name) })
        case "span.started": .started(Span(id: try need(span, "span"), kind: try need(kind, "kind"), name: try need(name, "name")))
        case "span.reason": .reason(span: try need(span, "span"), try need(text, "text"))
        case "span.output": .output(span: try need(span, "span"), Array(try need(text, "text").utf8))
        case "span.progress": .progress(span: try need(span, "span"), try need(text, "text"))
        case "span.finished":
            .finished(
                span: try need(span, "span"), try need(outcome, "outcome"), durationMs: try need(durationMs, "durationMs"),
                detail: detail, logPath: logPath)
        case "warning":
            .warning(
                Diagnostic(
                    try need(message, "message"), at: file.map { SourceLocation(file: $0, line: line, column: column) }, hint: hint))
        case "summary":
            .summary(Summary(headline: try need(headline, "headline"), rows: try need(rows, "rows"), next: try need(next, "next")))
        default: nil
        }
    }

    private func need<Value>(_ value: Value?, _ key: String) throws(EventCodecError) -> Value {
        guard let value else { throw EventCodecError("`\(type)` has no `\(key)`") }
        return value
    }
}
