/// Things that were looked at, in groups: name, verdict, what was found, and below it what to do about it.
///
/// The columns of all groups are one; what is too long for the terminal goes on in the next line of its column.
package struct ChecklistText {
    package enum Verdict: Sendable {
        case good, middling, bad
        /// Nothing depends on it.
        case indifferent

        fileprivate var tone: Style.Tone {
            switch self {
            case .good: .green
            case .middling: .yellow
            case .bad: .red
            case .indifferent: .dim
            }
        }
    }

    package struct Row: Sendable {
        let name: String
        let word: String
        let verdict: Verdict
        let detail: String
        let remedy: String?

        package init(name: String, word: String, verdict: Verdict, detail: String, remedy: String?) {
            self.name = name
            self.word = word
            self.verdict = verdict
            self.detail = detail
            self.remedy = remedy
        }
    }

    private let style: Style
    private let width: Int?

    /// - Parameters:
    ///   - isTerminal: whether colours are wanted; `environment` as for every renderer.
    ///   - width: where lines end; nil for a file, in which each row is one line and its remedy another.
    package init(isTerminal: Bool, environment: [String: String], width: Int?) {
        style = Style(environment: isTerminal ? environment : ["TERM": "dumb"])
        self.width = width
    }

    /// - Parameter verdict: the whole in one sentence, and how it is.
    package func text(_ sentence: String, _ verdict: Verdict, groups: [(title: String, rows: [Row])]) -> String {
        let rows = groups.flatMap(\.rows)
        let names = rows.map { TerminalText.columns($0.name) }.max() ?? 0
        let words = rows.map { TerminalText.columns($0.word) }.max() ?? 0
        var lines = [style(verdict.tone, sentence)]
        for group in groups where !group.rows.isEmpty {
            lines += ["", style(.bold, group.title)]
            for row in group.rows { lines += self.lines(row, names, words) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func lines(_ row: Row, _ names: Int, _ words: Int) -> [String] {
        let margin = 2 + names + 2 + words + 2
        let details = wrapped(TerminalText.escaped(row.detail), margin)
        let word = style(row.verdict.tone, row.word) + String(repeating: " ", count: words - TerminalText.columns(row.word))
        var lines = ["  \(TerminalText.padded(row.name, to: names))  \(word)  \(details[0])"]
        let indent = String(repeating: " ", count: margin)
        lines += details.dropFirst().map { indent + $0 }
        guard let remedy = row.remedy else { return lines }
        // Never broken: it is there to be copied.
        lines.append(indent + style(.cyan, "→ ") + TerminalText.escaped(remedy))
        return lines
    }

    private func wrapped(_ text: String, _ margin: Int) -> [String] {
        guard let width, width > margin + 20 else { return [text] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, TerminalText.columns(line) + 1 + TerminalText.columns(word) > width - margin {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        return lines + [line]
    }
}
