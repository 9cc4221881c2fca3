/// Colours and weights for text on standard output, or plain text where they are not wanted.
package struct Paint: Sendable {
    package enum Tone: Sendable { case bold, dim, red, green, yellow, cyan }

    private let style: Style

    /// - Parameter isTerminal: whether colours are wanted; `environment` as for every renderer.
    package init(isTerminal: Bool, environment: [String: String]) {
        style = Style(environment: isTerminal ? environment : ["TERM": "dumb"])
    }

    package func callAsFunction(_ tone: Tone, _ text: String) -> String { style(tone.style, text) }
}

extension Paint.Tone {
    fileprivate var style: Style.Tone {
        switch self {
        case .bold: .bold
        case .dim: .dim
        case .red: .red
        case .green: .green
        case .yellow: .yellow
        case .cyan: .cyan
        }
    }
}
