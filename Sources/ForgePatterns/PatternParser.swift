/// Reads the text of a `Pattern`.
struct PatternParser {
    private let text: [Unicode.Scalar]
    private var at = 0
    private(set) var groups = 0
    private var depth = 0

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    mutating func parse() throws(PatternError) -> PatternNode {
        let node = try choice()
        guard at == text.count else { throw fault("`)` without `(`") }
        return node
    }

    private func fault(_ what: String) -> PatternError { PatternError(message: "\(what) at character \(at + 1)") }
    private var next: Unicode.Scalar? { at < text.count ? text[at] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        at += 1
        return true
    }

    private mutating func choice() throws(PatternError) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 32 else { throw fault("groups nest too deeply") }
        var ways = [try sequence()]
        while take("|") { ways.append(try sequence()) }
        return ways.count == 1 ? ways[0] : .choice(ways)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var nodes: [PatternNode] = []
        while let scalar = next, scalar != "|", scalar != ")" { nodes.append(try repetition(of: try atom())) }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func repetition(of node: PatternNode) throws(PatternError) -> PatternNode {
        var node = node
        var count = 0
        while let bounds = try bounds() {
            count += 1
            guard count == 1 else { throw fault("a repetition of a repetition") }
            node = .repeated(node, min: bounds.0, max: bounds.1, greedy: !take("?"))
        }
        return node
    }

    private mutating func bounds() throws(PatternError) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard take("{") else { return nil }
        guard let low = number() else { throw fault("expected a number after `{`") }
        var high: Int? = low
        if take(",") { high = number() }
        guard take("}") else { throw fault("expected `}`") }
        guard low <= 100, (high ?? low) <= 100, low <= (high ?? low) else { throw fault("repetition counts go up to 100, low before high") }
        return (low, high)
    }

    private mutating func number() -> Int? {
        var digits = ""
        while let scalar = next, ("0"..."9").contains(scalar), digits.count < 4 {
            digits.unicodeScalars.append(scalar)
            at += 1
        }
        return Int(digits)
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let scalar = next else { throw fault("expected something") }
        at += 1
        switch scalar {
        case "(": return try group()
        case "[": return .set(try set())
        case ".": return .set(.any)
        case "^": return .start
        case "$": return .end
        case "*", "+", "?", "{":
            at -= 1
            throw fault("`\(scalar)` has nothing to repeat")
        case "\\": return try escape()
        default: return .set(ScalarSet(ranges: [scalar.value...scalar.value]))
        }
    }

    private mutating func group() throws(PatternError) -> PatternNode {
        var index: Int?
        if take("?") {
            guard take(":") else { throw fault("only `(?:` groups are known, no look-around and no names,") }
        } else {
            groups += 1
            index = groups
        }
        let node = try choice()
        guard take(")") else { throw fault("`(` without `)`") }
        return index.map { .group(node, $0) } ?? node
    }

    private mutating func escape() throws(PatternError) -> PatternNode {
        if take("b") { return .boundary }
        return .set(ScalarSet(ranges: try escapedRanges()))
    }

    private mutating func escapedRanges() throws(PatternError) -> [ClosedRange<UInt32>] {
        guard let scalar = next else { throw fault("`\\` at the end") }
        at += 1
        switch scalar {
        case "d": return ScalarSet.digit
        case "w": return ScalarSet.word
        case "s": return ScalarSet.space
        case "D": return ScalarSet.complement(ScalarSet.digit)
        case "W": return ScalarSet.complement(ScalarSet.word)
        case "S": return ScalarSet.complement(ScalarSet.space)
        case "t": return [9...9]
        case "n": return [10...10]
        case "r": return [13...13]
        default:
            guard !ScalarSet.isWord(scalar) else {
                at -= 1
                throw fault("unknown escape `\\\(scalar)`")
            }
            return [scalar.value...scalar.value]
        }
    }

    private mutating func set() throws(PatternError) -> ScalarSet {
        var set = ScalarSet(ranges: [])
        set.negated = take("^")
        var first = true
        while let scalar = next, first || scalar != "]" {
            first = false
            at += 1
            let low = scalar == "\\" ? try escapedRanges() : [scalar.value...scalar.value]
            if low.count == 1, low[0].count == 1, next == "-", at + 1 < text.count, text[at + 1] != "]" {
                at += 1
                let end = text[at]
                at += 1
                let high = end == "\\" ? try escapedRanges() : [end.value...end.value]
                guard high.count == 1, low[0].lowerBound <= high[0].upperBound else { throw fault("a range runs from low to high") }
                set.ranges.append(low[0].lowerBound...high[0].upperBound)
            } else {
                set.ranges += low
            }
        }
        guard take("]") else { throw fault("`[` without `]`") }
        if set.negated { set.ranges.append(10...10) }
        return set
    }
}
