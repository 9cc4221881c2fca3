/// Where a rule leads: a path of the site or a URL, with `:name` for what the rule's pattern bound.
package struct SiteDestination: Hashable, Sendable {
    private enum Piece: Hashable, Sendable {
        case text(String)
        case value(String)
    }

    /// As written.
    package let text: String
    /// Whether it leads to a host that it names.
    package let isElsewhere: Bool
    private let pieces: [Piece]
    private let hasQuery: Bool
    private let fragment: String

    /// - Throws: what is wrong with it, for a person.
    /// - Parameter names: what the pattern binds.
    package init(parsing text: String, names: [String]) throws(SiteFault) {
        try SiteLimits.check(text)
        guard !text.utf8.contains(UInt8(ascii: "\\")) else { throw SiteFault("`\\` cannot stand in `\(text)`") }
        let scheme = ["https://", "http://"].first { text.hasPrefix($0) }
        isElsewhere = scheme != nil
        var rest = text[...]
        var start = ""
        if let scheme {
            let host = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
            guard host.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/) != nil else {
                throw SiteFault("`\(text)` names no host: nothing in one can be filled in")
            }
            start = scheme + host
            rest = rest.dropFirst(start.count)
            if !rest.hasPrefix("/") { start += "/" }
        } else {
            guard text.hasPrefix("/") else {
                throw SiteFault("`\(text)` is neither a path that begins with `/` nor a URL of http or https")
            }
            guard !text.hasPrefix("//") else { throw SiteFault("`\(text)` names a host: write `https:` before it") }
        }
        let hash = rest.firstIndex(of: "#") ?? rest.endIndex
        fragment = PercentEncoding.encodeWritten(rest[hash...])
        self.text = text
        hasQuery = rest[..<hash].contains("?")
        pieces = [.text(start)] + (try Self.pieces(rest[..<hash], names, of: text))
    }

    /// What stands there for this match: printable ASCII, and of a path of the site never the name of a host.
    /// - Parameters:
    ///   - query: with its question mark; goes along unless there is one already.
    ///   - isDirectory: whether the request's path ended with a slash: so does what is filled in at the end.
    package func location(_ bound: [String: String], query: String, isDirectory: Bool) -> String {
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .value(let name):
                result += (bound[name] ?? "").split(separator: "/").map { PercentEncoding.encode($0) }.joined(separator: "/")
            }
        }
        if isDirectory, case .value? = pieces.last, !hasQuery, !result.hasSuffix("/") { result += "/" }
        if !isElsewhere { while result.hasPrefix("//") { result.removeFirst() } }
        return result + (hasQuery ? "" : PercentEncoding.encodeWritten(query)) + fragment
    }

    /// The path of the site that it is whatever was bound; nil where that matters, and for URLs.
    package var page: String? {
        guard !isElsewhere, !pieces.contains(where: { if case .value = $0 { true } else { false } }) else { return nil }
        let whole = location([:], query: "", isDirectory: false)
        return PercentEncoding.decode(whole.prefix { $0 != "?" && $0 != "#" }.replacing("/", with: "\u{1}"))?
            .replacing("\u{1}", with: "/")
    }

    private static func pieces(_ rest: Substring, _ names: [String], of text: String) throws(SiteFault) -> [Piece] {
        var pieces: [Piece] = []
        var literal = ""
        var before: UInt8?
        var bytes = rest.utf8[...]
        while let byte = bytes.first {
            let word = byte == UInt8(ascii: ":") ? bytes.dropFirst().prefix { isWord($0) } : bytes.prefix(0)
            let name = String(decoding: word, as: UTF8.self)
            if names.contains(name) {
                pieces += [.text(PercentEncoding.encodeWritten(literal)), .value(name)]
                literal = ""
                bytes = bytes[word.endIndex...]
                before = nil
                continue
            }
            guard name.isEmpty || before != UInt8(ascii: "/") else {
                throw SiteFault("`:\(name)` in `\(text)` stands for nothing of the path")
            }
            let next = bytes[bytes.index(after: bytes.startIndex)...].firstIndex { $0 & 0xC0 != 0x80 } ?? bytes.endIndex
            literal += String(decoding: bytes[..<next], as: UTF8.self)
            before = byte
            bytes = bytes[next...]
        }
        return literal.isEmpty ? pieces : pieces + [.text(PercentEncoding.encodeWritten(literal))]
    }

    static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"): true
        default: false
        }
    }
}
