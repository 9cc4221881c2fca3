/// A path pattern: `*` and `?` within one name, `**` for any folders, `{a,b}` for alternatives. Case counts.
package struct Glob: Hashable, Sendable {
    package let text: String
    /// One list of name patterns per alternative.
    package let alternatives: [[String]]

    /// - Throws: `GlobError` when the pattern is absolute, climbs out, or its braces do not match.
    package init(_ text: String) throws(GlobError) {
        guard !text.isEmpty else { throw GlobError(message: "a path pattern cannot be empty") }
        guard !text.hasPrefix("/") else { throw GlobError(message: "path pattern `\(text)` is absolute: write it relative to the project") }
        self.text = text
        self.alternatives = try Glob.expand(text).map { path in
            path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
        }
        guard !alternatives.contains(where: { $0.contains("..") }) else {
            throw GlobError(message: "path pattern `\(text)` leaves the project: `..` is not allowed")
        }
    }

    /// Whether any part of the pattern is more than a plain name.
    package static func isWild(_ name: String) -> Bool { name.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") } }

    /// Whether a whole path fits: `**` stands for any number of folders, none included.
    package func matches(_ path: [String]) -> Bool {
        alternatives.contains { Glob.matches(path[...], parts: $0[...]) }
    }

    private static func matches(_ path: ArraySlice<String>, parts: ArraySlice<String>) -> Bool {
        guard let part = parts.first else { return path.isEmpty }
        if part == "**" {
            return (0...path.count).contains { matches(path.dropFirst($0), parts: parts.dropFirst()) }
        }
        guard let name = path.first, matches(name, part: part) else { return false }
        return matches(path.dropFirst(), parts: parts.dropFirst())
    }

    /// Whether one name of a path fits one part of a pattern.
    package static func matches(_ name: String, part: String) -> Bool {
        let text = Array(name.unicodeScalars)
        let pattern = Array(part.unicodeScalars)
        var (t, p, star, retry) = (0, 0, -1, 0)
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                (star, retry) = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                (t, p) = (t + 1, p + 1)
            } else if star >= 0 {
                retry += 1
                (t, p) = (retry, star + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }

    private static func expand(_ text: String) throws(GlobError) -> [String] {
        guard let open = text.utf8.firstIndex(of: UInt8(ascii: "{")) else {
            guard !text.utf8.contains(UInt8(ascii: "}")) else { throw GlobError(message: "path pattern `\(text)` has a `}` without `{`") }
            return [text]
        }
        guard let close = text[open...].utf8.firstIndex(of: UInt8(ascii: "}")) else {
            throw GlobError(message: "path pattern `\(text)` has a `{` without `}`")
        }
        let choices = text[text.index(after: open)..<close].split(separator: ",", omittingEmptySubsequences: false)
        var all: [String] = []
        for choice in choices {
            all += try expand(String(text[..<open]) + String(choice) + String(text[text.index(after: close)...]))
            guard all.count <= 256 else { throw GlobError(message: "path pattern `\(text)` stands for more than 256 patterns") }
        }
        return all
    }
}

package struct GlobError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    package var description: String { message }
}
