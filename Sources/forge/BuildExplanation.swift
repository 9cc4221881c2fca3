internal import ForgeModel
internal import ForgePipeline
internal import ForgeTerminal

/// `forge build --explain`: of each step why it ran or did not, and what its key is made of.
struct BuildExplanation {
    let text: String

    init(_ output: BuildOutcome) {
        let width = output.steps.map { TerminalText.columns($0.id) }.max() ?? 0
        let steps = output.steps.map { Self.lines($0, width).joined(separator: "\n") }
        text = steps.isEmpty ? "no steps: the artifact is the source itself" : steps.joined(separator: "\n\n")
    }

    private static func lines(_ step: BuildOutput.StepOutput, _ width: Int) -> [String] {
        let why = step.outcome == .cached ? "nothing it is made of has changed" : step.reason ?? ""
        let made = step.explanation
        var rows = [("command", made.command)]
        rows += made.differences.dropFirst().map { ("also", $0) }
        rows += made.platform.sorted { $0.key < $1.key }.map { name, value in
            name.hasPrefix("toolchain ") ? ("toolchain", "\(name.dropFirst("toolchain ".count)) \(value)") : (name, value)
        }
        rows += made.caches.map { ("cache", $0) }
        rows.append(("key", made.action))
        let indent = String(repeating: " ", count: width + 2)
        return ["\(TerminalText.padded(step.id, to: width))  \(TerminalText.padded(step.outcome.rawValue, to: 8))  \(why)"]
            + rows.map { indent + TerminalText.padded($0.0, to: 9) + " " + $0.1 }
    }
}
