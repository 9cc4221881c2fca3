internal import ForgeModel

/// A path as Vercel writes it, where a part of it can be an expression, in Forge's words. Of expressions those are understood that mean
/// "anything".
struct VercelSource {
    /// As `SitePattern` reads it.
    private(set) var pattern = ""
    /// What its holes are called, in order.
    private var holes: [String] = []

    init(parsing text: String) throws(SiteFault) {
        try SiteLimits.check(text)
        var rest = text.unicodeScalars[...]
        var unnamed = 0
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\": pattern += Self.literal(rest.popFirst())
            case ":":
                let name = String(String.UnicodeScalarView(rest.prefix { Self.isWord($0) }))
                guard !name.isEmpty else { throw SiteFault("`:` without a name in `\(SiteFault.shown(text))`") }
                rest = rest.dropFirst(name.unicodeScalars.count)
                let inner = rest.first == "(" ? try Self.group(&rest, of: text) : "[^/]+"
                try hole(name, inner, &rest, of: text)
            case "(":
                rest = ("(" + String(String.UnicodeScalarView(rest))).unicodeScalars[...]
                unnamed += 1
                try hole("\(unnamed)", try Self.group(&rest, of: text), &rest, of: text)
            case "{", "}", ")", "?", "+": throw SiteFault("`\(scalar)` in `\(SiteFault.shown(text))` is more than a pattern can say")
            case "*": pattern += "*"; holes.append("splat")
            default: pattern.unicodeScalars.append(scalar)
            }
        }
    }

    /// As the older `routes` write it: an expression from its beginning to its end.
    init(expression text: String) throws(SiteFault) {
        try SiteLimits.check(text)
        var rest = Self.unanchored(text).unicodeScalars[...]
        if String(rest).hasSuffix("/?") { rest = rest.dropLast(2) }
        var others = 0
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\\": pattern += try Self.escaped(rest.popFirst(), of: text)
            case "(":
                rest = ("(" + String(String.UnicodeScalarView(rest))).unicodeScalars[...]
                var inner = try Self.group(&rest, of: text)
                var name = String(holes.count + 1)
                if let match = inner.prefixMatch(of: /\?<([A-Za-z_][A-Za-z0-9_]*)>/) {
                    name = String(match.1)
                    inner.removeSubrange(match.range)
                } else if inner.hasPrefix("?:") {
                    others += 1
                    name = "other\(others)"
                    inner.removeFirst(2)
                }
                guard rest.first.map({ !"?*+".unicodeScalars.contains($0) }) ?? true else { throw Self.tooMuch(text) }
                try hole(name, inner, &rest, of: text)
                if name.hasPrefix("other") { holes.removeLast() }
            case ".", "[":
                let inner = ["[^/]+", "[^/]*", ".*", ".+"].first { (String(scalar) + String(rest)).hasPrefix($0) }
                guard let inner else {
                    guard scalar == "." else { throw Self.tooMuch(text) }
                    pattern += "."
                    continue
                }
                rest = rest.dropFirst(inner.unicodeScalars.count - 1)
                others += 1
                try hole("other\(others)", inner, &rest, of: text)
                holes.removeLast()
            case "]", "{", "}", ")", "?", "+", "*", "|", "^", "$": throw Self.tooMuch(text)
            default: pattern += Self.literal(scalar)
            }
        }
    }

    /// Texts that an expression of a condition stands for, as `SiteText` reads them.
    static func values(_ text: String) throws(SiteFault) -> [String] {
        try SiteLimits.check(text)
        var inner = unanchored(text)
        if let match = inner.wholeMatch(of: /\((?:\?:)?([^()]*)\)/), match.1.contains("|") { inner = String(match.1) }
        var values: [String] = []
        for piece in inner.contains("(") ? [inner[...]] : inner.split(separator: "|", omittingEmptySubsequences: false) {
            values.append(try value(piece, of: text))
        }
        return values
    }

    private static func value(_ piece: Substring, of text: String) throws(SiteFault) -> String {
        var value = ""
        var rest = piece.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            let whole = String(scalar) + String(rest)
            if let match = whole.prefixMatch(of: /\((?:\?<([A-Za-z_][A-Za-z0-9_]*)>|\?:)?(?:\.|\[\^[^\]]\])([*+])\)/) {
                rest = rest.dropFirst(match.0.unicodeScalars.count - 1)
                value += match.1.map { ":\($0)" + (match.2 == "*" ? "*" : "") } ?? "*"
                continue
            }
            switch scalar {
            case "\\": value += try escaped(rest.popFirst(), of: text)
            case "." where rest.first == "*" || rest.first == "+":
                rest.removeFirst()
                value += "*"
            case "[", "]", "{", "}", "(", ")", "?", "+", "*", "|", "^", "$": throw tooMuch(text)
            default: value += literal(scalar)
            }
        }
        return value
    }

    /// A text that stands for itself.
    static func literal(_ text: String) -> String { text.unicodeScalars.map { literal($0) }.joined() }

    private static func unanchored(_ text: String) -> String {
        var text = text[...]
        if text.hasPrefix("^") { text = text.dropFirst() }
        if text.hasSuffix("$"), !text.hasSuffix("\\$") { text = text.dropLast() }
        return String(text)
    }

    /// A sign of punctuation behind a backslash is itself; a letter is a class.
    private static func escaped(_ scalar: Unicode.Scalar?, of text: String) throws(SiteFault) -> String {
        guard let scalar, scalar.isASCII, !isWord(scalar) else { throw tooMuch(text) }
        return literal(scalar)
    }

    private static func tooMuch(_ text: String) -> SiteFault {
        SiteFault("the expression `\(SiteFault.shown(text))` is more than a pattern can say")
    }

    /// Where a route leads, with what its source binds by number (`$1`) or name (`$name`).
    func filled(_ text: String) -> String {
        text.replacing(/\$(?:([0-9]+)|([A-Za-z_][A-Za-z0-9_]*))/) { match in
            if let number = match.1 {
                guard let index = Int(number), holes.indices.contains(index - 1) else { return "" }
                return ":" + holes[index - 1]
            }
            return match.2.map { ":" + $0 } ?? ""
        }
    }

    /// Where the rule leads, with what its source binds by name.
    func destination(_ text: String) -> String {
        var result = ""
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            if scalar == "$", let number = Int(String(String.UnicodeScalarView(digits))), holes.indices.contains(number - 1) {
                rest = rest.dropFirst(digits.count)
                result += ":" + holes[number - 1]
            } else if scalar == ":" {
                let name = String(String.UnicodeScalarView(rest.prefix { Self.isWord($0) }))
                rest = rest.dropFirst(name.unicodeScalars.count)
                result += ":" + name
                if holes.contains(name), let next = rest.first, "*+?".unicodeScalars.contains(next) { rest.removeFirst() }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private mutating func hole(
        _ name: String, _ inner: String, _ rest: inout Substring.UnicodeScalarView, of text: String
    ) throws(SiteFault) {
        var suffix: String
        switch inner {
        case ".*": suffix = "*"
        case ".+": suffix = "+"
        case "[^/]+", "[^/]*", "[^/]+?": suffix = ""
        default: throw SiteFault("the expression `(\(SiteFault.shown(inner)))` is more than a pattern can say")
        }
        if let next = rest.first, "*+?".unicodeScalars.contains(next) {
            guard next != "?" || suffix == "*" else { throw SiteFault("`?` in `\(SiteFault.shown(text))` is more than a pattern can say") }
            rest.removeFirst()
            if next != "?" { suffix = String(next) }
        }
        guard !suffix.isEmpty || rest.first.map(Self.isWord) != true else {
            throw SiteFault("`\(SiteFault.shown(text))`: a placeholder goes to the end of a word")
        }
        pattern += ":\(name)\(suffix)"
        holes.append(name)
    }

    /// What stands between a bracket and the one that closes it.
    private static func group(_ rest: inout Substring.UnicodeScalarView, of text: String) throws(SiteFault) -> String {
        var inner = String.UnicodeScalarView()
        var depth = 0
        while let scalar = rest.popFirst() {
            if scalar == ")" { depth -= 1 }
            if depth == 0, scalar == ")" { return String(inner) }
            if depth > 0 { inner.append(scalar) }
            if scalar == "(" { depth += 1 }
            if scalar == "\\", let next = rest.popFirst() { inner.append(next) }
        }
        throw SiteFault("a bracket in `\(SiteFault.shown(text))` is not closed")
    }

    private static func literal(_ scalar: Unicode.Scalar?) -> String {
        guard let scalar else { return "" }
        return "*:?%#".unicodeScalars.contains(scalar) ? "%" + String(scalar.value, radix: 16, uppercase: true) : String(scalar)
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_")
    }
}
