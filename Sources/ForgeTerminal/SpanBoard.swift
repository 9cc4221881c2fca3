internal import ForgeEvents

/// What is known of the spans that have not ended: pure bookkeeping, no words and no layout.
struct SpanBoard {
    struct Entry {
        let span: Span
        /// Nil while the span waits for its turn.
        var startedAt: Int64?
        var reason: String?
        var progress: String?
        var tail = LogTail()

        init(_ span: Span, startedAt: Int64? = nil) {
            self.span = span
            self.startedAt = startedAt
        }
    }

    private var entries: [Entry] = []

    var running: [Entry] { entries.filter { $0.startedAt != nil } }
    var waiting: [Entry] { entries.filter { $0.startedAt == nil } }

    mutating func plan(_ spans: [Span]) {
        for span in spans where index(of: span.id) == nil { entries.append(Entry(span)) }
    }

    mutating func start(_ span: Span, at time: Int64) {
        if let index = index(of: span.id) {
            entries[index].startedAt = time
        } else {
            entries.append(Entry(span, startedAt: time))
        }
    }

    /// Changes the span `id`; an unknown one (its start was missed) is left alone.
    mutating func update(_ id: Int, _ change: (inout Entry) -> Void) {
        if let index = index(of: id) { change(&entries[index]) }
    }

    /// Forgets the span `id` and returns what was known of it.
    mutating func remove(_ id: Int) -> Entry? { index(of: id).map { entries.remove(at: $0) } }

    private func index(of id: Int) -> Int? { entries.firstIndex { $0.span.id == id } }
}
