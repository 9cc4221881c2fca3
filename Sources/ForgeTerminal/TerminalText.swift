/// Text that a stranger may have written (logs, file names, branch names), made fit for a terminal.
package enum TerminalText {
    /// `text` on one line, without anything a terminal acts on.
    ///
    /// Colours (SGR sequences) are dropped. Every other control character becomes visible: `^[` for escape, `^M` for
    /// carriage return, `<U+202E>` for bidirectional controls and their like. A tab becomes four spaces.
    package static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        var rest = Substring(text).unicodeScalars
        while let scalar = rest.first {
            if let afterColour = skipColour(rest) {
                rest = afterColour
                continue
            }
            rest.removeFirst()
            append(scalar, to: &result)
        }
        return result
    }

    /// The lines of `text`, each escaped; a message may have several.
    package static func lines(_ text: String) -> [String] {
        text.split(omittingEmptySubsequences: false) { $0.isNewline }.map { escaped($0) }
    }

    /// How many columns of a terminal `text` takes.
    package static func columns(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + columns(of: $1) } }

    /// `text`, cut to at most `width` columns; a cut shows as `…`.
    package static func fitted(_ text: String, to width: Int) -> String {
        guard columns(text) > width else { return text }
        guard width > 0 else { return "" }
        var result = ""
        var used = 1
        for character in text {
            used += columns(of: character)
            guard used <= width else { break }
            result.append(character)
        }
        return result + "…"
    }

    /// `text` fitted to `width` and filled up with spaces behind it.
    package static func padded(_ text: String, to width: Int) -> String {
        let fitted = fitted(text, to: width)
        return fitted + String(repeating: " ", count: max(0, width - columns(fitted)))
    }

    /// What follows a colour sequence at the start of `text`; nil when there is none.
    private static func skipColour(_ text: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView? {
        guard text.first == "\u{1B}", text.dropFirst().first == "[" else { return nil }
        let end = text.dropFirst(2).drop { ("0"..."9").contains($0) || $0 == ";" || $0 == ":" }
        return end.first == "m" ? end.dropFirst() : nil
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar.value {
        case 0x09: text += "    "
        case 0...0x1F: text += "^" + String(Unicode.Scalar(UInt8(scalar.value) + 0x40))
        case 0x7F: text += "^?"
        case 0x80...0x9F, 0x61C, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            text += "<U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ">"
        default: text.unicodeScalars.append(scalar)
        }
    }

    private static func columns(of character: Character) -> Int {
        let scalars = character.unicodeScalars
        if scalars.count > 1, scalars.contains("\u{FE0F}") { return 2 }
        return scalars.reduce(0) { max($0, columns(of: $1)) }
    }

    private static func columns(of scalar: Unicode.Scalar) -> Int {
        if scalar.isASCII { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return isWide(scalar.value) ? 2 : 1
    }

    /// Blocks whose East Asian Width is wide or full-width (UAX #11).
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x17000...0x18CFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
