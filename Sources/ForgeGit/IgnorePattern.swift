/// One line of a `.gitignore`, as gitignore(5) and git's own behaviour have it. Works on bytes, as git does.
///
/// libgit2's matcher is not used: it drops a `!` line that takes back what a file in a folder above ignores. This one takes time
/// in proportion to pattern times name, whatever the pattern.
struct IgnorePattern: Sendable {
    private enum Token: Sendable {
        case byte(UInt8)
        /// One byte of these, never a slash.
        case set(Set<UInt8>)
        /// Any bytes but slashes.
        case star
        /// Any bytes.
        case everything
        /// Any number of whole folders, each with its slash.
        case folders
    }

    let isNegative: Bool
    let onlyDirectories: Bool
    /// Whether the pattern is held against the last name alone.
    private let matchesName: Bool
    /// The part before the first special character: a plain comparison.
    private let literal: [UInt8]
    /// Nil when the rest can never match (an open bracket, a backslash at the end).
    private let rest: [Token]?

    /// Nil for an empty line or a comment.
    init?(line: some Collection<UInt8>) {
        var text = IgnorePattern.trimmed(line)
        guard let first = text.first, first != UInt8(ascii: "#") else { return nil }
        isNegative = first == UInt8(ascii: "!")
        if isNegative { text.removeFirst() }
        onlyDirectories = text.last == UInt8(ascii: "/")
        if onlyDirectories { text.removeLast() }
        guard !text.isEmpty else { return nil }
        matchesName = !text.contains(UInt8(ascii: "/"))
        if text.first == UInt8(ascii: "/") { text.removeFirst() }
        literal = Array(text.prefix { !"*?[\\".utf8.contains($0) })
        rest = IgnorePattern.parse(text.dropFirst(literal.count))
    }

    /// - Parameter path: relative to the folder of the pattern's file.
    func matches(path: ArraySlice<UInt8>, name: ArraySlice<UInt8>, isDirectory: Bool) -> Bool {
        guard isDirectory || !onlyDirectories, let rest else { return false }
        let text = matchesName ? name : path
        guard text.starts(with: literal) else { return false }
        return IgnorePattern.matches(text.dropFirst(literal.count), rest)
    }

    /// Without a carriage return, and without blanks at the end that no backslash keeps.
    private static func trimmed(_ line: some Collection<UInt8>) -> [UInt8] {
        var text = Array(line)
        if text.last == UInt8(ascii: "\r") { text.removeLast() }
        var end = 0
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "\\") { index += 1 }
            if index >= text.count || text[index] != UInt8(ascii: " ") || (index > 0 && text[index - 1] == UInt8(ascii: "\\")) {
                end = min(index + 1, text.count)
            }
            index += 1
        }
        return Array(text[..<end])
    }

    /// All positions of the text that the tokens so far can reach, token by token.
    private static func matches(_ text: ArraySlice<UInt8>, _ tokens: [Token]) -> Bool {
        var reached = [Bool](repeating: false, count: text.count + 1)
        reached[0] = true
        let text = Array(text)
        for token in tokens {
            var next = [Bool](repeating: false, count: reached.count)
            var open = false
            for position in reached.indices {
                let former = position > 0 ? text[position - 1] : nil
                switch token {
                case .byte(let byte): next[position] = position > 0 && reached[position - 1] && former == byte
                case .set(let bytes): next[position] = position > 0 && reached[position - 1] && bytes.contains(text[position - 1])
                case .star:
                    open = reached[position] || (open && former != UInt8(ascii: "/"))
                    next[position] = open
                case .everything:
                    open = open || reached[position]
                    next[position] = open
                case .folders:
                    next[position] = reached[position] || (open && former == UInt8(ascii: "/"))
                    open = open || reached[position]
                }
            }
            reached = next
        }
        return reached[text.count]
    }

    private static func parse(_ text: ArraySlice<UInt8>) -> [Token]? {
        let start = text.startIndex
        var tokens: [Token] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                let isAtStart = rest.startIndex - 1 == start || text[rest.startIndex - 2] == UInt8(ascii: "/")
                tokens.append(stars(isAtStart: isAtStart, &rest))
            case UInt8(ascii: "?"): tokens.append(.set(Set((1...255).map { UInt8($0) }).subtracting([UInt8(ascii: "/")])))
            case UInt8(ascii: "["):
                guard let set = BracketSet.parse(&rest) else { return nil }
                tokens.append(.set(set.subtracting([UInt8(ascii: "/")])))
            case UInt8(ascii: "\\"):
                guard let literal = rest.popFirst() else { return nil }
                tokens.append(.byte(literal))
            default: tokens.append(.byte(byte))
            }
        }
        return tokens
    }

    /// Two stars mean more than one only where they are a whole component; `rest` begins after the first.
    private static func stars(isAtStart: Bool, _ rest: inout ArraySlice<UInt8>) -> Token {
        let others = rest.prefix { $0 == UInt8(ascii: "*") }.count
        rest = rest.dropFirst(others)
        guard others > 0, isAtStart else { return .star }
        if rest.isEmpty { return .everything }
        for slash in ["/", "\\/"] where rest.starts(with: slash.utf8) {
            rest = rest.dropFirst(slash.utf8.count)
            return .folders
        }
        return .star
    }
}

/// `[a-z]`, `[!0-9]`, `[[:alpha:]_]`.
private enum BracketSet {
    /// `text` begins after the bracket; nil when it is never closed or names an unknown class.
    static func parse(_ text: inout ArraySlice<UInt8>) -> Set<UInt8>? {
        let isNegative = text.first == UInt8(ascii: "!") || text.first == UInt8(ascii: "^")
        if isNegative { text.removeFirst() }
        var set: Set<UInt8> = []
        var isFirst = true
        while true {
            guard let byte = text.popFirst() else { return nil }
            if byte == UInt8(ascii: "]") && !isFirst { break }
            isFirst = false
            if byte == UInt8(ascii: "["), text.first == UInt8(ascii: ":"), let name = className(&text) {
                guard let members = classes[name] else { return nil }
                set.formUnion(members)
                continue
            }
            guard let low = literal(byte, &text) else { return nil }
            guard text.first == UInt8(ascii: "-"), text.dropFirst().first.map({ $0 != UInt8(ascii: "]") }) == true else {
                set.insert(low)
                continue
            }
            text.removeFirst()
            guard let next = text.popFirst(), let high = literal(next, &text) else { return nil }
            if low <= high { set.formUnion(low...high) }
        }
        return isNegative ? Set((1...255).map { UInt8($0) }).subtracting(set) : set
    }

    private static func literal(_ byte: UInt8, _ text: inout ArraySlice<UInt8>) -> UInt8? {
        byte == UInt8(ascii: "\\") ? text.popFirst() : byte
    }

    /// What stands between `[:` and `:]`; nil, with nothing taken, when the colon begins no class.
    private static func className(_ text: inout ArraySlice<UInt8>) -> String? {
        guard let close = text.firstIndex(of: UInt8(ascii: "]")), close > text.startIndex + 1, text[close - 1] == UInt8(ascii: ":") else {
            return nil
        }
        defer { text = text[(close + 1)...] }
        return String(decoding: text[(text.startIndex + 1)..<(close - 1)], as: UTF8.self)
    }

    private static let classes: [String: Set<UInt8>] = {
        let lower = Set(UInt8(ascii: "a")...UInt8(ascii: "z"))
        let upper = Set(UInt8(ascii: "A")...UInt8(ascii: "Z"))
        let digit = Set(UInt8(ascii: "0")...UInt8(ascii: "9"))
        let alnum = lower.union(upper).union(digit)
        let graph = Set(UInt8(33)...126)
        return [
            "lower": lower, "upper": upper, "digit": digit, "alpha": lower.union(upper), "alnum": alnum, "graph": graph,
            "print": graph.union([32]), "punct": graph.subtracting(alnum), "blank": [9, 32], "space": [9, 10, 11, 12, 13, 32],
            "cntrl": Set(UInt8(0)...31).union([127]), "xdigit": digit.union("abcdefABCDEF".utf8),
        ]
    }()
}
