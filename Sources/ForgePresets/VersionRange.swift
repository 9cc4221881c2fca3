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
