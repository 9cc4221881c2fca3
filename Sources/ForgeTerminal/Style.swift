/// Colours and weights, or plain text where they are not wanted. What a colour says, a word beside it says too.
struct Style {
    enum Tone: String {
        case bold = "1", dim = "2", red = "31", green = "32", yellow = "33", blue = "34", cyan = "36"
    }

    let isOn: Bool

    /// `NO_COLOR` with any text, or a terminal that says it is dumb, turns colours off.
    init(environment: [String: String]) {
        isOn = environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    func callAsFunction(_ tone: Tone, _ text: String) -> String {
        isOn && !text.isEmpty ? "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m" : text
    }
}
