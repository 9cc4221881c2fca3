/// A version as tools print it: numbers between dots. What follows `-` or `+` is no part of the order; one that has it is never offered
/// for a range.
package struct ToolVersion: Hashable, Sendable {
    package let numbers: [Int]

    /// Nil unless it begins with a number, after `v`, `go` or `=` at most.
    package init?(_ text: some StringProtocol) {
        var rest = text.drop { $0 == "v" || $0 == "=" || $0 == " " }
        if rest.hasPrefix("go") { rest = rest.dropFirst(2) }
        let numbers = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }.split(separator: ".").map { Int($0) }
        guard !numbers.isEmpty, !numbers.contains(nil) else { return nil }
        self.numbers = numbers.compactMap(\.self)
    }

    init(numbers: [Int]) { self.numbers = numbers }

    subscript(index: Int) -> Int { index < numbers.count ? numbers[index] : 0 }

    /// Whether it begins with all of `prefix`: 20.18.0 with 20.18.
    func begins(with prefix: [Int]) -> Bool { prefix.indices.allSatisfy { self[$0] == prefix[$0] } }

    /// The first version after all that begin with the first `count` numbers.
    func next(at count: Int) -> ToolVersion {
        var next = (0..<max(count, 1)).map { self[$0] }
        // A number no computer counts to is as far as any.
        next[next.count - 1] = next[next.count - 1] == .max ? .max : next[next.count - 1] + 1
        return ToolVersion(numbers: next)
    }
}

extension ToolVersion: Comparable {
    package static func < (left: ToolVersion, right: ToolVersion) -> Bool {
        for index in 0..<max(left.numbers.count, right.numbers.count) where left[index] != right[index] {
            return left[index] < right[index]
        }
        return false
    }
}

extension ToolVersion: CustomStringConvertible {
    package var description: String { numbers.map(String.init).joined(separator: ".") }
}
