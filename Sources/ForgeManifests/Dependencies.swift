/// One name a manifest asks for.
package struct Dependency: Hashable, Sendable {
    package enum Scope: String, Sendable { case prod, dev }

    /// Normalized as its registry compares names.
    package let name: String
    package var ecosystem: Ecosystem?
    package let extras: [String]
    package let scope: Scope
    /// Whoever uses this package brings it; here it is only tried with it.
    package var isOfOthers = false
    /// As written: `^18.2.0`, `==2.0.*`; empty when any version will do.
    package let requirement: String
    package let file: String
    package let line: Int?

    /// PEP 503 for PyPI; npm names are what they are.
    package static func normalize(_ name: String, _ ecosystem: Ecosystem) -> String {
        guard ecosystem == .pypi else { return name }
        return name.lowercased().split { $0 == "-" || $0 == "_" || $0 == "." }.joined(separator: "-")
    }
}

/// One line of a requirements file (PEP 508), or one entry of `[project] dependencies`.
package struct RequirementLine: Hashable, Sendable {
    package let name: String
    package let extras: [String]
    package let requirement: String

    /// Nil for blank lines, comments, options, and paths without a name.
    package init?(_ text: String) {
        var line = Substring(text)
        if let comment = line.firstRange(of: " #") ?? (line.hasPrefix("#") ? line.startIndex..<line.endIndex : nil) {
            line = line[..<comment.lowerBound]
        }
        let trimmed = line.drop { $0.isWhitespace }
        if let egg = trimmed.firstRange(of: "#egg=") {
            let name = trimmed[egg.upperBound...].prefix { RequirementLine.isName($0) }
            guard !name.isEmpty else { return nil }
            (self.name, extras, requirement) = (String(name), [], "")
            return
        }
        let name = trimmed.prefix { RequirementLine.isName($0) }
        guard let first = name.first, first.isLetter || first.isNumber else { return nil }
        var rest = trimmed.dropFirst(name.count).drop { $0.isWhitespace }
        guard rest.isEmpty || "[=<>!~;@,(\\".contains(rest.first ?? " ") else { return nil }
        var extras: [String] = []
        if rest.first == "[", let close = rest.firstIndex(of: "]") {
            extras = rest[rest.index(after: rest.startIndex)..<close].split(separator: ",").map { $0.filter { !$0.isWhitespace } }
            rest = rest[rest.index(after: close)...]
        }
        let version = rest.prefix { $0 != ";" && $0 != "\\" }.filter { !$0.isWhitespace }
        (self.name, self.extras, requirement) = (String(name), extras, String(version))
    }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
    }
}
