/// Cuts Python into logical lines of tokens: comments gone, strings closed, brackets and backslashes joined.
struct PythonLexer {
    enum Kind { case name, string, other }

    struct Token {
        let kind: Kind
        let text: String
        let line: Int
    }

    struct Line {
        let indent: Int
        let tokens: [Token]
    }

    private let source: [Unicode.Scalar]
    private var at = 0
    private var line = 1

    init(_ text: String) { source = Array(text.unicodeScalars) }

    private func peek(_ offset: Int = 0) -> Unicode.Scalar? { at + offset < source.count ? source[at + offset] : nil }

    /// The next line that holds a token; nil at the end.
    mutating func nextLogicalLine() -> Line? {
        while at < source.count {
            let indent = readIndent()
            let tokens = readTokens()
            if !tokens.isEmpty { return Line(indent: indent, tokens: tokens) }
        }
        return nil
    }

    private mutating func readIndent() -> Int {
        var indent = 0
        while let scalar = peek(), scalar == " " || scalar == "\t" {
            indent += 1
            at += 1
        }
        return indent
    }

    private mutating func readTokens() -> [Token] {
        var tokens: [Token] = []
        var depth = 0
        while let scalar = peek() {
            switch scalar {
            case "\n":
                at += 1
                line += 1
                if depth == 0 { return tokens }
            case "#": while let next = peek(), next != "\n" { _ = next; at += 1 }
            case "\\" where peek(1) == "\n" || (peek(1) == "\r" && peek(2) == "\n"):
                at += peek(1) == "\n" ? 2 : 3
                line += 1
            case ";" where depth == 0:
                at += 1
                return tokens
            case " ", "\t", "\r", "\u{0C}": at += 1
            default: tokens.append(readToken(scalar, &depth))
            }
        }
        return tokens
    }

    private mutating func readToken(_ scalar: Unicode.Scalar, _ depth: inout Int) -> Token {
        let start = line
        if isNameStart(scalar) {
            let name = readName()
            if let quote = peek(), quote == "\"" || quote == "'", name.count <= 2 {
                return Token(kind: .string, text: readString(quote), line: start)
            }
            return Token(kind: .name, text: name, line: start)
        }
        if scalar == "\"" || scalar == "'" { return Token(kind: .string, text: readString(scalar), line: start) }
        if "([{".unicodeScalars.contains(scalar) { depth += 1 }
        if ")]}".unicodeScalars.contains(scalar) { depth = max(0, depth - 1) }
        at += 1
        if scalar == "=", peek() == "=" {
            at += 1
            return Token(kind: .other, text: "==", line: start)
        }
        return Token(kind: .other, text: String(scalar), line: start)
    }

    private func isNameStart(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isXIDStart }

    private mutating func readName() -> String {
        var name = String.UnicodeScalarView()
        while let scalar = peek(), scalar == "_" || scalar.properties.isXIDContinue {
            name.append(scalar)
            at += 1
        }
        return String(name)
    }

    /// The string's content as written. A string that is not closed ends with its line, or with the file.
    private mutating func readString(_ quote: Unicode.Scalar) -> String {
        let triple = peek(1) == quote && peek(2) == quote
        at += triple ? 3 : 1
        var text = String.UnicodeScalarView()
        while let scalar = peek() {
            if scalar == quote, !triple || (peek(1) == quote && peek(2) == quote) {
                at += triple ? 3 : 1
                break
            }
            if scalar == "\n" {
                if !triple { break }
                line += 1
            }
            if scalar == "\\", let next = peek(1) {
                if next == "\n" { line += 1 }
                at += 1
                text.append(scalar)
                text.append(next)
                at += 1
                continue
            }
            text.append(scalar)
            at += 1
        }
        return String(text)
    }
}
