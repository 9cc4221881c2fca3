internal import ForgeEvents
internal import ForgePipeline
internal import ForgeSystem
internal import ForgeTerminal

/// What the commands around presets say to people: colours on a terminal only, and never in place of a word.
struct PresetText {
    private static let differenceLimit = 60
    private let paint: Paint
    private let width: Int?

    init(_ invocation: Invocation) {
        paint = Paint(isTerminal: StandardStreams.outputIsTerminal, environment: invocation.environment)
        width = StandardStreams.outputIsTerminal ? StandardStreams.outputWidth : nil
    }

    func verdict(_ sentence: String, isGood: Bool) -> String { paint(isGood ? .green : .red, sentence) }

    /// The last column is cut to the terminal's width.
    func table(_ head: [String], _ rows: [[String]]) -> String {
        let widths = head.indices.map { column in ([head] + rows).map { TerminalText.columns($0[column]) }.max() ?? 0 }
        return ([head] + rows).enumerated().map { index, row in
            let cells = zip(row, widths).map { TerminalText.padded(TerminalText.escaped($0), to: $1) }.joined(separator: "  ")
            let line = String(cells.reversed().drop { $0 == " " }.reversed())
            let fitted = width.map { TerminalText.fitted(line, to: $0) } ?? line
            return index == 0 ? paint(.bold, fitted) : fitted
        }.joined(separator: "\n")
    }

    func test(_ report: PresetTestReport) -> String {
        let names = report.cases.map { TerminalText.columns($0.name) }.max() ?? 0
        var lines: [String] = []
        for item in report.cases {
            let tone: Paint.Tone = item.outcome == .failed ? .red : item.outcome == .updated ? .yellow : .green
            let name = TerminalText.padded(TerminalText.escaped(item.name), to: names)
            lines.append("\(name)  \(paint(tone, item.outcome.rawValue))  \(item.preset ?? "no preset")")
            for line in item.difference.prefix(Self.differenceLimit) {
                let tone: Paint.Tone = line.hasPrefix("-") ? .red : line.hasPrefix("+") ? .green : .dim
                lines.append("    " + paint(tone, TerminalText.escaped(line)))
            }
            if item.difference.count > Self.differenceLimit {
                lines.append("    and \(item.difference.count - Self.differenceLimit) lines more; --json has them all")
            }
            if item.outcome == .failed { lines.append("    → read it; if it is right: --update writes it to \(item.golden)") }
        }
        for id in report.unproved { lines.append(paint(.red, "no case is recognized as `\(id)`") + ": put a project of it into `cases`") }
        let failed = report.cases.count { $0.outcome == .failed } + report.unproved.count
        lines.append(
            failed == 0
                ? verdict("\(Count(report.cases.count, "case")): as expected", isGood: true) : verdict("\(failed) failed", isGood: false))
        return lines.joined(separator: "\n")
    }
}
