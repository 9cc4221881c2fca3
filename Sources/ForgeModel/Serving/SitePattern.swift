/// Which paths of a site a rule is about: names between slashes. `:name` stands for one name or a part of it, `:name*` and `*` (which is
/// called `splat`) for any number of them, `:name+` for at least one; of those that span names a pattern has one at most, so a match takes
/// one look at each name. A slash at the end says nothing. `%3A` is a colon, `%2A` a star.
package struct SitePattern: Hashable, Sendable {
    /// One name, or what one begins and ends with.
    private enum Part: Hashable, Sendable {
        case literal(String)
        case open(prefix: String, name: String, suffix: String)
    }

    /// Any number of names; the first begins and the last ends so.
    private struct Splat: Hashable, Sendable {
        let prefix: String
        let name: String
        let suffix: String
        let isFilled: Bool
    }

    /// As written.
    package let text: String
    /// What a match binds, in the order of the pattern.
    package let names: [String]
    private let before: [Part]
    private let splat: Splat?
    private let after: [Part]

    /// - Throws: what is wrong with it, for a person.
    package init(parsing text: String) throws(SiteFault) {
        guard text.hasPrefix("/") else { throw SiteFault("`\(text)` is no path: it does not begin with `/`") }
        try SiteLimits.check(text)
        if let odd = text.unicodeScalars.first(where: { "?#\\ ".unicodeScalars.contains($0) }) {
            throw SiteFault("`\(odd)` cannot stand in the path `\(text)`")
        }
        var names: [String] = []
        var parts: [[Part]] = [[], []]
        var splat: Splat?
        for piece in text.split(separator: "/") {
            guard piece != ".", piece != ".." else { throw SiteFault("`\(piece)` cannot stand in the path `\(text)`") }
            guard let hole = try Hole(in: piece, of: text) else {
                parts[splat == nil ? 0 : 1].append(.literal(try Self.decode(piece, of: text)))
                continue
            }
            guard !hole.spans || splat == nil else { throw SiteFault("`\(text)` has more than one `*`") }
            guard !names.contains(hole.name) else { throw SiteFault("`:\(hole.name)` stands in `\(text)` twice") }
            names.append(hole.name)
            let (prefix, suffix) = (try Self.decode(hole.prefix, of: text), try Self.decode(hole.suffix, of: text))
            guard hole.spans else {
                parts[splat == nil ? 0 : 1].append(.open(prefix: prefix, name: hole.name, suffix: suffix))
                continue
            }
            splat = Splat(prefix: prefix, name: hole.name, suffix: suffix, isFilled: hole.isFilled)
        }
        self.text = text
        self.names = names
        self.before = parts[0]
        self.splat = splat
        self.after = parts[1]
    }

    /// The one path it is about, its names joined by slashes; nil for a pattern of many.
    package var path: String? {
        guard splat == nil else { return nil }
        var names: [String] = []
        for part in before {
            guard case .literal(let name) = part else { return nil }
            names.append(name)
        }
        return names.joined(separator: "/")
    }

    /// What it binds on the path of these names, decoded; nil when it is about other paths.
    package func match(_ path: [String]) -> [String: String]? {
        guard splat == nil ? path.count == before.count : path.count >= before.count + after.count else { return nil }
        var bound: [String: String] = [:]
        for (part, name) in zip(before, path) where !Self.match(part, name, &bound) { return nil }
        guard let splat else { return bound }
        for (part, name) in zip(after, path.suffix(after.count)) where !Self.match(part, name, &bound) { return nil }
        let middle = path[before.count..<(path.count - after.count)].joined(separator: "/")
        guard let value = Self.inside(middle, splat.prefix, splat.suffix), !splat.isFilled || !value.isEmpty else { return nil }
        bound[splat.name] = value
        return bound
    }

    private static func match(_ part: Part, _ name: String, _ bound: inout [String: String]) -> Bool {
        switch part {
        case .literal(let text): return text.utf8.elementsEqual(name.utf8)
        case .open(let prefix, let key, let suffix):
            guard let value = inside(name, prefix, suffix), !value.isEmpty else { return false }
            bound[key] = value
            return true
        }
    }

    static func inside(_ text: String, _ prefix: String, _ suffix: String) -> String? {
        let bytes = text.utf8
        guard bytes.count >= prefix.utf8.count + suffix.utf8.count, bytes.starts(with: prefix.utf8),
            bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        return String(decoding: bytes.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count), as: UTF8.self)
    }

    private static func decode(_ piece: Substring, of text: String) throws(SiteFault) -> String {
        guard let name = PercentEncoding.decode(piece) else {
            throw SiteFault("`\(text)` has a `%` that stands for nothing a path can have")
        }
        return name
    }
}

/// What stands for something else in one name of a pattern, or in a text.
struct Hole {
    let prefix: Substring
    let name: String
    let suffix: Substring
    let spans: Bool
    let isFilled: Bool
    /// Whether it is written `*`.
    let isStar: Bool

    /// Nil when there is none.
    init?(in piece: Substring, of text: String) throws(SiteFault) {
        let characters = piece.utf8
        guard let start = characters.indices.first(where: { Self.begins(characters[$0...]) }) else { return nil }
        prefix = piece[..<start]
        var rest = characters[start...]
        isStar = rest.popFirst() == UInt8(ascii: "*")
        if isStar {
            (name, spans, isFilled) = ("splat", true, false)
        } else {
            let word = rest.prefix { SiteDestination.isWord($0) }
            name = String(decoding: word, as: UTF8.self)
            rest = rest[word.endIndex...]
            isFilled = rest.first == UInt8(ascii: "+")
            spans = isFilled || rest.first == UInt8(ascii: "*")
            if spans { rest.removeFirst() }
        }
        suffix = Substring(rest)
        guard !rest.indices.contains(where: { Self.begins(rest[$0...]) }) else {
            throw SiteFault("`\(text)` has two placeholders side by side")
        }
    }

    private static func begins(_ rest: Substring.UTF8View.SubSequence) -> Bool {
        if rest.first == UInt8(ascii: "*") { return true }
        return rest.first == UInt8(ascii: ":") && rest.dropFirst().first.map(SiteDestination.isWord) == true
    }
}
