internal import ForgeEvents

/// A summary's words, escaped, the labels filled up to one width.
struct SummaryText {
    let headline: String
    let rows: [(label: String, value: String)]
    let next: [String]

    init(_ summary: Summary) {
        let labels = summary.rows.map { TerminalText.escaped($0.label) }
        let width = labels.map { TerminalText.columns($0) }.max() ?? 0
        headline = TerminalText.escaped(summary.headline)
        rows = zip(labels, summary.rows).map { (TerminalText.padded($0, to: width), TerminalText.escaped($1.value)) }
        next = summary.next.map { TerminalText.escaped($0) }
    }
}
