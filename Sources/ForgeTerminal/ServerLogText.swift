internal import FoundationEssentials

/// Lines of a running server's log, made fit for a terminal: whatever the server wrote, a line stays one line.
package enum ServerLogText {
    /// Whose words a line holds. The sign stands before the text, so that neither can pass for the other.
    package enum Voice: String, Sendable {
        case server = "|"
        case platform = "*"
    }

    /// `2026-11-22T22:48:01.123Z | listening on 3000`
    package static func line(time: Int64, _ voice: Voice, _ bytes: [UInt8], isCut: Bool = false) -> String {
        let end = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes[...]
        let text = TerminalText.escaped(String(decoding: end, as: UTF8.self)) + (isCut ? "…" : "")
        return "\(stamp(time)) \(voice.rawValue)" + (text.isEmpty ? "" : " " + text)
    }

    /// Coordinated universal time, to the millisecond.
    package static func stamp(_ milliseconds: Int64) -> String {
        // The fraction apart: a floating-point number of seconds would lose some of it.
        let seconds = Date(timeIntervalSince1970: Double(milliseconds / 1000)).formatted(.iso8601)
        let fraction = String(1000 + milliseconds % 1000).dropFirst()
        return "\(seconds.dropLast()).\(fraction)Z"
    }
}
