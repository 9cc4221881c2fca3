package import ForgeModel

/// A stretch of work with one start and one end. Ids are unique within one stream and count up from 1.
package struct Span: Hashable, Sendable, Codable {
    package enum Kind: String, Sendable, Codable { case source, detect, plan, step, artifact, export, deploy, rollback }

    package let id: Int
    package let kind: Kind
    /// What a person reads: `install`, `source`; for steps the step's id.
    package let name: String

    package init(id: Int, kind: Kind, name: String) {
        self.id = id
        self.kind = kind
        self.name = name
    }
}

/// How a span ended.
package enum SpanOutcome: String, Sendable, Codable { case done, cached, executed, failed, cancelled, skipped }

/// One thing that happened. Renderers, the JSON log, servers and tests consume the same stream.
package struct ForgeEvent: Hashable, Sendable {
    package enum Payload: Hashable, Sendable {
        /// The spans to come, in the order a person reads them; emitted before the first step starts.
        case planned([Span])
        case started(Span)
        /// Why a step runs instead of being taken from the cache; comes before its output.
        case reason(span: Int, String)
        /// A piece of a step's output exactly as written: not line-aligned, any bytes, at most 64 KiB.
        case output(span: Int, [UInt8])
        /// Free text about what a span is doing now (`1,204 of 6,445 files`).
        case progress(span: Int, String)
        /// Ends a span exactly once. `detail` is short (`dist/: 41 files, 1.2 MB`); `logPath` is where the whole log is.
        case finished(span: Int, SpanOutcome, durationMs: Int, detail: String?, logPath: String?)
        case warning(Diagnostic)
        /// The last word of a successful command.
        case summary(Summary)
    }

    /// Milliseconds since 1970.
    package let time: Int64
    package let payload: Payload

    package init(time: Int64, _ payload: Payload) {
        self.time = time
        self.payload = payload
    }
}

/// What a person is told at the end: aligned label–value rows and the command to type next.
package struct Summary: Hashable, Sendable, Codable {
    package struct Row: Hashable, Sendable, Codable {
        package let label: String
        package let value: String

        package init(_ label: String, _ value: String) {
            self.label = label
            self.value = value
        }
    }

    /// `Built my-site in 1.4 s`.
    package let headline: String
    package let rows: [Row]
    package let next: [String]

    package init(headline: String, rows: [Row], next: [String]) {
        self.headline = headline
        self.rows = rows
        self.next = next
    }
}

/// Takes events in order; never blocks the sender for long and never fails it.
package protocol EventSink: Sendable {
    func emit(_ payload: ForgeEvent.Payload)
}
