package import ForgePresets

/// Which versions of a tool will do, as a project's file says it.
///
/// Sources: npm's `semver` documentation, "Ranges"; PEP 440, "Version specifiers"; the Go module reference, "go directive"; RubyGems' guide,
/// "Pessimistic version constraint"; Elixir's `Version`, "Requirements"; Composer's "Versions and constraints".
package struct VersionRequirement: Hashable, Sendable {
    enum Comparison: Hashable, Sendable {
        case atLeast(ToolVersion), above(ToolVersion), below(ToolVersion), atMost(ToolVersion)
        /// All that begin with these numbers.
        case within([Int])
        case not([Int])

        func holds(_ version: ToolVersion) -> Bool {
            switch self {
            case .atLeast(let bound): version >= bound
            case .above(let bound): version > bound
            case .below(let bound): version < bound
            case .atMost(let bound): version <= bound
            case .within(let prefix): version.begins(with: prefix)
            case .not(let prefix): !version.begins(with: prefix)
            }
        }
    }

    /// One of these has to hold in all its parts.
    private let alternatives: [[Comparison]]

    /// Nil for what says no version in this grammar.
    package init?(_ text: String, grammar: Toolchain.Grammar, aliases: [String: String] = [:], isMinimum: Bool = false) {
        let wanted = aliases[text.lowercased()] ?? text
        if isMinimum, let version = ToolVersion(wanted) {
            alternatives = [[.atLeast(version)]]
            return
        }
        let parts = Self.alternatives(wanted, grammar).map { Self.comparisons($0, grammar) }
        guard !parts.contains(nil) else { return nil }
        alternatives = parts.compactMap(\.self)
    }

    package func allows(_ version: ToolVersion) -> Bool { alternatives.contains { $0.allSatisfy { $0.holds(version) } } }

    /// Whether it names one version to its last number, and `version` differs from that in the last only.
    package func allowsButForPatch(_ version: ToolVersion) -> Bool {
        alternatives.contains { parts in
            guard parts.count == 1, case .within(let numbers) = parts[0], numbers.count > 2 else { return false }
            return version.begins(with: Array(numbers.prefix(2)))
        }
    }

    private static let words: Set<String> = ["", "*", "x", "X", "latest", "node", "stable", "current", "system", "any"]

    private static func alternatives(_ text: String, _ grammar: Toolchain.Grammar) -> [String] {
        let text = trimmed(text)
        return switch grammar {
        case .npm, .python: text.split(separator: "||", omittingEmptySubsequences: false).map { trimmed($0) }
        case .composer: text.replacing("||", with: "|").split(separator: "|", omittingEmptySubsequences: false).map { trimmed($0) }
        case .gem: text.split(separator: " or ", omittingEmptySubsequences: false).map { trimmed($0).replacing(" and ", with: " ") }
        }
    }

    private static func comparisons(_ text: String, _ grammar: Toolchain.Grammar) -> [Comparison]? {
        if words.contains(text) { return [] }
        if grammar == .npm || grammar == .composer, let dash = text.firstRange(of: " - ") {
            let from = trimmed(text[..<dash.lowerBound]), to = trimmed(text[dash.upperBound...])
            guard let low = numbers(from), let high = numbers(to), !low.isEmpty, !high.isEmpty else { return nil }
            let upper = ToolVersion(numbers: high)
            return [.atLeast(ToolVersion(numbers: low)), high.count < 3 ? .below(upper.next(at: high.count)) : .atMost(upper)]
        }
        return all(joined(text).split(whereSeparator: { $0 == " " || $0 == "," }).map { comparator(String($0), grammar) })
    }

    /// `>= 3` and `>=3` are the same.
    private static func joined(_ text: String) -> String {
        var result = ""
        for character in text where !(character.isWhitespace && (result.last.map { "<>=~^!".contains($0) } ?? true)) {
            result.append(character.isWhitespace ? " " : character)
        }
        return result
    }

    private static func all(_ parts: [[Comparison]?]) -> [Comparison]? {
        parts.isEmpty || parts.contains(nil) ? nil : parts.compactMap(\.self).flatMap(\.self)
    }

    private static func comparator(_ text: String, _ grammar: Toolchain.Grammar) -> [Comparison]? {
        let mark = text.prefix { "<>=~^!".contains($0) }
        guard let wanted = numbers(String(text.dropFirst(mark.count))) else { return nil }
        let version = ToolVersion(numbers: wanted)
        guard !wanted.isEmpty else { return ["", "=", "==", "^", "~", "~>", ">=", "<="].contains(mark) ? [] : nil }
        switch mark {
        case "", "=", "==", "===": return [.within(wanted)]
        case "!=": return [.not(wanted)]
        case ">=": return [.atLeast(version)]
        // To npm 20 is all of 20.x.
        case ">": return [grammar == .npm && wanted.count < 3 ? .atLeast(version.next(at: wanted.count)) : .above(version)]
        case "<": return [.below(version)]
        case "<=": return [grammar == .npm && wanted.count < 3 ? .below(version.next(at: wanted.count)) : .atMost(version)]
        // Ruby, Elixir and Composer let the last number that is said go up, npm nothing before the third.
        case "~" where grammar == .composer, "~>" where grammar == .gem:
            return [.atLeast(version), .below(version.next(at: max(wanted.count - 1, 1)))]
        case "~", "~>": return [.atLeast(version), .below(version.next(at: min(wanted.count, 2)))]
        case "~=": return wanted.count < 2 ? nil : [.atLeast(version), .below(version.next(at: wanted.count - 1))]
        case "^":
            let first = wanted.firstIndex { $0 != 0 } ?? wanted.count - 1
            return [.atLeast(version), .below(version.next(at: first + 1))]
        default: return nil
        }
    }

    /// `v20.x` is 20; nothing at all where it is `*`. Nil for what is no version.
    private static func numbers(_ text: String) -> [Int]? {
        var rest = text[...]
        let prefixes = ["v", "go", "extended_", "python-", "node-", "ruby-"]
        for prefix in prefixes where rest.hasPrefix(prefix) { rest = rest.dropFirst(prefix.count) }
        // A build's metadata and what comes before a release are no part of the order.
        rest = rest.prefix { $0 != "-" && $0 != "+" && $0 != "_" }
        var numbers: [Int] = []
        for part in rest.split(separator: ".", omittingEmptySubsequences: false) {
            if ["x", "X", "*"].contains(part) { return numbers }
            guard part.allSatisfy({ $0.isASCII && $0.isNumber }), part.count < 10, let number = Int(part) else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
