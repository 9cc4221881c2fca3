extension Pattern {
    /// A short text that it matches, unless boundaries in it want more around them.
    package var example: String {
        var parser = PatternParser(text)
        return ((try? parser.parse()) ?? .empty).example
    }
}

extension PatternNode {
    fileprivate var example: String {
        switch self {
        case .empty, .start, .end, .boundary: ""
        case .set(let set): String(Character(set.example))
        case .sequence(let nodes): nodes.map(\.example).joined()
        case .choice(let nodes): nodes.first?.example ?? ""
        case .group(let node, _): node.example
        case .repeated(let node, let min, _, _): String(repeating: node.example, count: min)
        }
    }
}

extension ScalarSet {
    /// A letter where one will do.
    fileprivate var example: Unicode.Scalar {
        let likely: [Unicode.Scalar] = ["a", "A", "1", " ", ".", "/", "-"]
        if let scalar = likely.first(where: contains) { return scalar }
        return ranges.first.flatMap { Unicode.Scalar($0.lowerBound) } ?? "a"
    }
}
