internal import ForgeEvents
package import ForgeModel

/// A failure for people: what, where, why, and what to do; then the other findings in the same shape.
package struct ErrorRenderer: Sendable {
    private let style: Style

    /// - Parameter environment: `NO_COLOR` and `TERM` are read; colours are for terminals only.
    package init(isTerminal: Bool, environment: [String: String]) {
        style = Style(environment: isTerminal ? environment : ["TERM": "dumb"])
    }

    /// Whole lines, the last one ended too.
    package func text(for error: ForgeError) -> String {
        let first = Diagnostic(error.message, at: error.location, hint: error.hint)
        let findings =
            [DiagnosticText.lines(first, label: "error", cause: error.cause)]
            + error.others.map { DiagnosticText.lines($0, label: "error") }
        return findings.map { $0.map { coloured($0) + "\n" }.joined() }.joined(separator: "\n")
    }

    private func coloured(_ line: String) -> String {
        for (label, tone) in [("error:", Style.Tone.red), ("hint:", .cyan), ("cause:", .yellow)] where line.hasPrefix(label) {
            return style(tone, label) + line.dropFirst(label.count)
        }
        return line.hasPrefix("  -->") ? style(.dim, line) : line
    }
}

/// A failure for programs: `{"error":{"code":…,"message":…,"file":…,"line":…,"column":…,"hint":…}}`.
///
/// Every key is always there, null when there is nothing to say; `message` includes the cause. Further findings follow in
/// `"others"`, in the same shape without a code; that key stands there only when there are any.
package struct ErrorReport: Hashable, Sendable {
    private let error: ForgeError

    package init(_ error: ForgeError) { self.error = error }

    /// One line, without its newline.
    package var json: String {
        let message = error.message + (error.cause.map { ": " + $0 } ?? "")
        let first = Self.fields(Diagnostic(message, at: error.location, hint: error.hint))
        let others = error.others.map { JSONText.object(Self.fields($0)) }
        return JSONText.object([
            ("error", .object([("code", .string(error.code))] + first)), ("others", others.isEmpty ? nil : .array(others)),
        ]).text
    }

    private static func fields(_ diagnostic: Diagnostic) -> [(name: String, value: JSONText?)] {
        [
            ("message", .string(diagnostic.message)), ("file", diagnostic.location.map { .string($0.file) } ?? .null),
            ("line", diagnostic.location?.line.map { .integer($0) } ?? .null),
            ("column", diagnostic.location?.column.map { .integer($0) } ?? .null),
            ("hint", diagnostic.hint.map(JSONText.string) ?? .null),
        ]
    }
}
