internal import ForgeModel

/// The one shape of a finding: `label: message`, where, and what to do.
enum DiagnosticText {
    static func lines(_ diagnostic: Diagnostic, label: String, cause: String? = nil) -> [String] {
        labelled(label, diagnostic.message)
            + (diagnostic.location.map { ["  --> " + TerminalText.escaped($0.description)] } ?? [])
            + (cause.map { labelled("cause", $0) } ?? [])
            + (diagnostic.hint.map { labelled("hint", $0) } ?? [])
    }

    /// Further lines of `text` are indented, so that none of them can pass for one of ours.
    private static func labelled(_ label: String, _ text: String) -> [String] {
        TerminalText.lines(text).enumerated().map { index, line in index == 0 ? "\(label): \(line)" : "  " + line }
    }
}
