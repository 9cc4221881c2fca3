/// Blanks out comments, so that a commented line is not taken for a setting. Lines keep their numbers; strings stay.
package enum Comments {
    /// How they are written.
    package enum Style: String, Sendable, CaseIterable { case none, js, python }

    package static func strip(_ text: String, _ style: Style) -> String {
        switch style {
        case .none: text
        case .js: script(text)
        case .python: python(text)
        }
    }

    /// Lines keep their numbers.
    static func xml(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "<!--") {
            result += rest[..<open.lowerBound]
            let close = rest[open.upperBound...].firstRange(of: "-->")
            let inner = rest[open.upperBound..<(close?.lowerBound ?? rest.endIndex)]
            result += String(repeating: "\n", count: inner.unicodeScalars.count { $0 == "\n" })
            rest = close.map { rest[$0.upperBound...] } ?? ""
        }
        return result + rest
    }

    private static func script(_ text: String) -> String {
        let source = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var index = 0
        func at(_ offset: Int) -> Unicode.Scalar? { offset < source.count ? source[offset] : nil }
        while let scalar = at(index) {
            if scalar == "/", at(index + 1) == "/" {
                while let next = at(index), next != "\n" { _ = next; index += 1 }
            } else if scalar == "/", at(index + 1) == "*" {
                index += 2
                while let next = at(index), !(next == "*" && at(index + 1) == "/") {
                    if next == "\n" { result.append(next) }
                    index += 1
                }
                index += 2
            } else if scalar == "\"" || scalar == "'" || scalar == "`" {
                let end = stringEnd(source, from: index, multiline: scalar == "`")
                result.append(contentsOf: source[index..<end])
                index = end
            } else {
                result.append(scalar)
                index += 1
            }
        }
        return String(result)
    }

    /// The index behind a string that opens at `start`; an unclosed one ends with its line.
    private static func stringEnd(_ source: [Unicode.Scalar], from start: Int, multiline: Bool) -> Int {
        var index = start + 1
        while index < source.count {
            if source[index] == "\\" {
                index += 2
            } else if source[index] == source[start] {
                return index + 1
            } else if source[index] == "\n", !multiline {
                return index
            } else {
                index += 1
            }
        }
        return source.count
    }

    private static func python(_ text: String) -> String {
        SourceText.lines(text).map { line in
            var quote: Character?
            var kept = ""
            var escaped = false
            for character in line {
                if quote == nil, character == "#" { break }
                if let open = quote {
                    if character == open, !escaped { quote = nil }
                } else if character == "\"" || character == "'" {
                    quote = character
                }
                escaped = character == "\\" && !escaped
                kept.append(character)
            }
            return kept
        }.joined(separator: "\n")
    }
}
