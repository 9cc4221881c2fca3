/// Versions between two bounds, as presets write them: `>=2`, `<3`, `>=1.2 <4`.
package struct VersionRange: Hashable, Sendable {
    package let text: String
    package let from: [Int]?
    /// The first version that is outside.
    package let to: [Int]?

    /// Nil when it is not written so.
    package init?(_ text: String) {
        var (from, to): ([Int]?, [Int]?) = (nil, nil)
        for word in text.split(separator: " ") {
            if word.hasPrefix(">="), let version = VersionRange.numbers(word.dropFirst(2)) {
                from = version
            } else if word.hasPrefix("<"), !word.hasPrefix("<="), let version = VersionRange.numbers(word.dropFirst()) {
                to = version
            } else {
                return nil
            }
        }
        guard from != nil || to != nil else { return nil }
        (self.text, self.from, self.to) = (text, from, to)
    }

    /// Whether the version that a manifest's requirement begins with lies inside; one that names none (`*`, `latest`) may be any.
    package func admits(requirement: String) -> Bool {
        guard let version = VersionRange.base(of: requirement) else { return true }
        if let from, VersionRange.isLess(version, from) { return false }
        if let to, !VersionRange.isLess(version, to) { return false }
        return true
    }

    /// The first version in a requirement that sets a lower bound or is exact: `^13.2.0`, `~> 7.1`, `==2.0.*`, `v1.9.1`.
    package static func base(of requirement: String) -> [Int]? {
        let first = requirement.drop { !$0.isNumber && $0 != "<" && $0 != "*" }
        guard let start = first.first, start.isNumber else { return nil }
        return numbers(first.prefix { $0.isNumber || $0 == "." })
    }

    /// Whether what fits a requirement may be as new as `least`. What is not understood may.
    package static func mayReach(_ least: [Int], requirement: String) -> Bool {
        requirement.split(separator: "|").contains { alternative in
            guard let top = top(of: alternative) else { return true }
            return top.isInside ? !isLess(top.version, Array(least.prefix(top.version.count))) : isLess(least, top.version)
        }
    }

    /// The newest that one alternative admits, as far as it is written (`^8.1` is any 8), or the first that it does not; nil: there is none.
    private static func top(of alternative: Substring) -> (version: [Int], isInside: Bool)? {
        if let sign = alternative.firstIndex(of: "<") {
            let rest = alternative[alternative.index(after: sign)...]
            return base(of: rest.filter { $0 != "=" }).map { ($0, rest.hasPrefix("=")) }
        }
        if let dash = alternative.firstRange(of: " - ") { return base(of: String(alternative[dash.upperBound...])).map { ($0, true) } }
        guard let base = base(of: String(alternative)) else { return nil }
        switch String(alternative.drop { $0 == " " }.prefix { "^~=>".contains($0) }) {
        case ">", ">=": return nil
        case "^": return (Array(base.prefix(1)), true)
        case "~": return (Array(base.prefix(2)), true)
        case "~>", "~=": return (Array(base.prefix(max(1, base.count - 1))), true)
        default: return (base, true)
        }
    }

    /// The lowest version that a requirement of several alternatives (`^16 || ^17`) begins with.
    package static func lowest(of requirement: String) -> [Int]? {
        let all = requirement.split(separator: "|").map { base(of: String($0)) }
        return all.contains(nil) ? nil : all.compactMap(\.self).min(by: isLess)
    }

    /// Missing numbers count as nought.
    package static func isLess(_ left: [Int], _ right: [Int]) -> Bool {
        for index in 0..<max(left.count, right.count) {
            let (a, b) = (index < left.count ? left[index] : 0, index < right.count ? right[index] : 0)
            if a != b { return a < b }
        }
        return false
    }

    package static func numbers(_ text: some StringProtocol) -> [Int]? {
        let parts = text.split(separator: ".")
        let numbers = parts.prefix(4).compactMap { Int($0) }
        return numbers.isEmpty || numbers.count != min(parts.count, 4) ? nil : numbers
    }
}
