internal import FoundationEssentials
internal import ForgeModel

/// Events as JSON, one object per line, for tools, logs and servers.
///
/// Every line has `time` (milliseconds since 1970) and `type`; `span` is a span's id. The types and their other keys:
///
/// | `type` | keys |
/// |---|---|
/// | `spans.planned` | `spans`: array of `{span, kind, name}` |
/// | `span.started` | `span`, `kind` (`source`, `detect`, `plan`, `step`, …), `name` |
/// | `span.reason` | `span`, `text` |
/// | `span.output` | `span`, `text`: a piece of output, not line-aligned; bytes that are not UTF-8 became U+FFFD |
/// | `span.progress` | `span`, `text` |
/// | `span.finished` | `span`, `outcome` (`done`, `cached`, `executed`, `failed`, `cancelled`, `skipped`), `durationMs`, `detail`?, `logPath`? |
/// | `warning` | `message`, `file`?, `line`?, `column`?, `hint`? |
/// | `summary` | `headline`, `rows`: array of `{label, value}`, `next`: array of commands |
///
/// Keys marked `?` are left out when there is nothing to say. New types and keys may come: readers skip what they do not know.
package enum EventCodec {
    /// One line, without its newline. Output of 64 KiB, the most one event carries, is at most 384 KiB of JSON.
    package static func encode(_ event: ForgeEvent) -> String {
        let (type, fields) = describe(event.payload)
        return JSONText.object([("time", .integer(event.time)), ("type", .string(type))] + fields).text
    }

    /// The event of one line; nil when its type is one this version does not know.
    /// - Throws: `EventCodecError` when the line is not such an object.
    package static func decode(_ line: String) throws(EventCodecError) -> ForgeEvent? {
        let record: EventRecord
        do {
            record = try JSONDecoder().decode(EventRecord.self, from: Data(line.utf8))
        } catch {
            throw EventCodecError("the line is not an event: \(error)")
        }
        return try record.payload().map { ForgeEvent(time: record.time, $0) }
    }

    private typealias Fields = [(name: String, value: JSONText?)]

    private static func describe(_ payload: ForgeEvent.Payload) -> (type: String, fields: Fields) {
        switch payload {
        case .planned(let spans): ("spans.planned", [("spans", .array(spans.map { .object(fields(of: $0)) }))])
        case .started(let span): ("span.started", fields(of: span))
        case .reason(let span, let text): ("span.reason", [("span", .integer(span)), ("text", .string(text))])
        case .output(let span, let bytes):
            ("span.output", [("span", .integer(span)), ("text", .string(String(decoding: bytes, as: UTF8.self)))])
        case .progress(let span, let text): ("span.progress", [("span", .integer(span)), ("text", .string(text))])
        case .finished(let span, let outcome, let durationMs, let detail, let logPath):
            (
                "span.finished",
                [
                    ("span", .integer(span)), ("outcome", .string(outcome.rawValue)), ("durationMs", .integer(durationMs)),
                    ("detail", detail.map(JSONText.string)), ("logPath", logPath.map(JSONText.string)),
                ]
            )
        case .warning(let diagnostic): ("warning", fields(of: diagnostic))
        case .summary(let summary): ("summary", fields(of: summary))
        }
    }

    private static func fields(of span: Span) -> Fields {
        [("span", .integer(span.id)), ("kind", .string(span.kind.rawValue)), ("name", .string(span.name))]
    }

    private static func fields(of diagnostic: Diagnostic) -> Fields {
        [
            ("message", .string(diagnostic.message)), ("file", diagnostic.location.map { .string($0.file) }),
            ("line", diagnostic.location?.line.map { .integer($0) }),
            ("column", diagnostic.location?.column.map { .integer($0) }), ("hint", diagnostic.hint.map(JSONText.string)),
        ]
    }

    private static func fields(of summary: Summary) -> Fields {
        let rows = summary.rows.map { JSONText.object([("label", .string($0.label)), ("value", .string($0.value))]) }
        return [("headline", .string(summary.headline)), ("rows", .array(rows)), ("next", .array(summary.next.map(JSONText.string)))]
    }
}

/// A line that is not an event.
package struct EventCodecError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
