/// What a request must have besides its path for a rule to hold, or must not have.
package struct SiteCondition: Hashable, Sendable, Codable {
    package enum Subject: String, Sendable, Codable, CaseIterable {
        /// The host that was asked for, in lower case and without its port.
        case host
        case header, cookie
        /// A value of the query; of several with one name, the last.
        case query
        /// The language that is wanted most (`Accept-Language`).
        case language

        /// Whether there are many of it, told apart by a name.
        package var isNamed: Bool { self != .host && self != .language }
    }

    package let subject: Subject
    /// Of a header in lower case; empty for what has none.
    package let name: String
    /// One of these is there; empty: anything is.
    package let values: [SiteText]
    /// Whether it holds for requests that have none of it.
    package let isMissing: Bool

    /// - Throws: what is wrong with it, for a person.
    package init(_ subject: Subject, _ name: String = "", values: [String] = [], isMissing: Bool = false) throws(SiteFault) {
        try SiteLimits.check(name)
        switch subject {
        case .header, .cookie:
            guard SiteHeader.isName(name) else { throw SiteFault("`\(SiteFault.shown(name))` is no name of a \(subject.rawValue)") }
        case .query: guard !name.isEmpty else { throw SiteFault("a value of the query has a name") }
        case .host, .language: guard !values.isEmpty else { throw SiteFault("nothing says which \(subject.rawValue) is meant") }
        }
        guard values.count <= SiteLimits.values else { throw SiteFault("a condition has at most \(SiteLimits.values) values") }
        let isFolded = subject == .host || subject == .language
        var texts: [SiteText] = []
        for value in values { texts.append(try SiteText(parsing: value, isFolded: isFolded)) }
        self.subject = subject
        self.name = subject == .header ? name.lowercased() : subject.isNamed ? name : ""
        self.values = texts
        self.isMissing = isMissing
        guard let bound = names.first else { return }
        guard !isMissing else { throw SiteFault("`:\(bound)` cannot be filled in by what is missing") }
        guard values.count == 1 else { throw SiteFault("`:\(bound)` stands in one of several values") }
    }

    /// What it binds.
    package var names: [String] { values.compactMap(\.name) }

    /// What it binds for a request that has `found` (nil: nothing of it); nil when the condition does not hold.
    package func match(_ found: String?) -> [String: String]? {
        var bound: [String: String]?
        if let found {
            let texts = subject == .language ? Self.ranges(found) : [found]
            bound = values.isEmpty ? [:] : values.lazy.compactMap { value in texts.lazy.compactMap(value.match).first }.first
        }
        return isMissing ? (bound == nil ? [:] : nil) : bound
    }

    /// RFC 4647, 3.4: who wants `de-at` takes `de`.
    private static func ranges(_ tag: String) -> [String] {
        let parts = tag.split(separator: "-")
        return (1...max(1, parts.count)).reversed().map { parts.prefix($0).joined(separator: "-") }
    }

    /// The header by which caches tell answers apart between which it decides.
    package var varies: String? {
        switch subject {
        case .header: name
        case .cookie: "cookie"
        case .language: "accept-language"
        case .host, .query: nil
        }
    }

    private enum CodingKeys: String, CodingKey {
        case subject = "on"
        case name, values
        case isMissing = "missing"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            container.decode(Subject.self, forKey: .subject), container.decodeIfPresent(String.self, forKey: .name) ?? "",
            values: container.decodeIfPresent([String].self, forKey: .values) ?? [],
            isMissing: container.decodeIfPresent(Bool.self, forKey: .isMissing) ?? false)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(subject, forKey: .subject)
        if !name.isEmpty { try container.encode(name, forKey: .name) }
        if !values.isEmpty { try container.encode(values.map(\.text), forKey: .values) }
        if isMissing { try container.encode(true, forKey: .isMissing) }
    }
}

/// A text that a condition asks for, with at most one hole: `:name` stands for anything but nothing, `:name*` and `*`
/// (which binds nothing) for anything. `%3A` is a colon, `%2A` a star.
package struct SiteText: Hashable, Sendable {
    /// As written, in lower case where case makes no difference.
    package let text: String
    /// What its hole is called, if that binds something.
    package let name: String?
    private let prefix: String
    /// Nil: there is no hole, and the prefix is all.
    private let suffix: String?
    private let isFilled: Bool

    /// - Throws: what is wrong with it, for a person.
    package init(parsing text: String, isFolded: Bool = false) throws(SiteFault) {
        try SiteLimits.check(text)
        guard !text.isEmpty else { throw SiteFault("a value that is asked for is empty") }
        let hole = try Hole(in: text[...], of: text)
        func literal(_ piece: Substring) throws(SiteFault) -> String {
            guard let literal = PercentEncoding.decode(piece, refusing: { $0 < 0x20 || $0 == 0x7F }) else {
                throw SiteFault("`\(text)` has a `%` that stands for nothing")
            }
            return isFolded ? literal.lowercased() : literal
        }
        self.text = text
        name = hole.flatMap { $0.isStar ? nil : $0.name }
        prefix = try literal(hole?.prefix ?? text[...])
        suffix = try hole.map { hole throws(SiteFault) in try literal(hole.suffix) }
        isFilled = hole.map { !$0.isStar && ($0.isFilled || !$0.spans) } ?? false
    }

    /// What it binds in `found`; nil when that is another text.
    func match(_ found: String) -> [String: String]? {
        guard let suffix else { return found.utf8.elementsEqual(prefix.utf8) ? [:] : nil }
        guard let value = SitePattern.inside(found, prefix, suffix), !isFilled || !value.isEmpty else { return nil }
        return name.map { [$0: value] } ?? [:]
    }
}
