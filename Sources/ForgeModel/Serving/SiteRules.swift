/// What a site answers besides its files, as the project says. Part of its artifact, so a rollback brings the old rules back too.
package struct SiteRules: Hashable, Sendable, Codable {
    /// In order: the first that holds answers.
    package var redirects: [SiteRedirect] = []
    /// In order: what a later one sets counts.
    package var headers: [SiteHeader] = []
    /// Whether `/about.html` is sent to `/about`. Nil: both answer.
    package var cleanURLs: Bool?
    /// Whether paths of pages end with a slash; those that do not (or do) are sent there. Nil: both answer, folders with one.
    package var trailingSlash: Bool?

    package init() {}

    package var isEmpty: Bool { self == SiteRules() }

    /// These rules before those of `other`.
    package func followed(by other: SiteRules) -> SiteRules {
        var both = self
        both.redirects += other.redirects
        // What is said later counts for headers, and what is believed first should.
        both.headers = other.headers + headers
        both.cleanURLs = cleanURLs ?? other.cleanURLs
        both.trailingSlash = trailingSlash ?? other.trailingSlash
        return both
    }
}

/// Paths that are answered by another page, or sent to another place.
package struct SiteRedirect: Hashable, Sendable, Codable {
    package static let statuses: Set<Int> = [200, 301, 302, 303, 307, 308, 404]

    package let source: SitePattern
    package let destination: SiteDestination
    /// 200 and 404 answer with the page itself.
    package let status: Int
    /// Whether it holds where the site has a file, too.
    package let isForced: Bool
    /// All of these hold.
    package let conditions: [SiteCondition]

    /// - Throws: what is wrong with it, for a person.
    package init(
        from source: String, to destination: String, status: Int, isForced: Bool = false, if conditions: [SiteCondition] = []
    ) throws(SiteFault) {
        self.source = try SitePattern(parsing: source)
        let names = try conditions.names(besides: self.source)
        self.destination = try SiteDestination(parsing: destination, names: names)
        self.status = status
        self.isForced = isForced
        self.conditions = conditions
        guard Self.statuses.contains(status) else {
            throw SiteFault(
                "a rule cannot answer \(status): 301, 302, 303, 307 and 308 send on, 200 and 404 answer with a page of the site")
        }
        guard !isRewrite || !self.destination.isElsewhere else {
            throw SiteFault("`\(destination)` is another host's: requests are sent there (301), not passed on")
        }
    }

    package var isRewrite: Bool { status == 200 || status == 404 }

    private enum CodingKeys: String, CodingKey {
        case source = "from"
        case destination = "to"
        case status
        case isForced = "force"
        case conditions = "if"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            from: container.decode(String.self, forKey: .source), to: container.decode(String.self, forKey: .destination),
            status: container.decode(Int.self, forKey: .status),
            isForced: container.decodeIfPresent(Bool.self, forKey: .isForced) ?? false,
            if: container.decodeIfPresent([SiteCondition].self, forKey: .conditions) ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(source.text, forKey: .source)
        try container.encode(destination.text, forKey: .destination)
        try container.encode(status, forKey: .status)
        if isForced { try container.encode(true, forKey: .isForced) }
        if !conditions.isEmpty { try container.encode(conditions, forKey: .conditions) }
    }
}

/// A field of the answers to some paths.
package struct SiteHeader: Hashable, Sendable, Codable {
    package enum Change: String, Sendable, Codable {
        case set
        /// Besides what earlier rules say, as one list.
        case append
        /// Takes away what earlier rules and the gateway say.
        case remove
    }

    package let source: SitePattern
    package let name: String
    package let value: String
    package let change: Change
    /// All of these hold.
    package let conditions: [SiteCondition]

    /// - Throws: what is wrong with it, for a person.
    package init(
        for source: String, _ name: String, _ value: String, _ change: Change = .set, if conditions: [SiteCondition] = []
    ) throws(SiteFault) {
        self.source = try SitePattern(parsing: source)
        _ = try conditions.names(besides: self.source)
        self.conditions = conditions
        self.name = name
        self.value = Self.trimmed(value)
        self.change = change
        guard Self.isName(name) else {
            throw SiteFault("`\(SiteFault.shown(name))` is no name of a header")
        }
        guard !Self.owned.contains(name.lowercased()), !name.lowercased().hasPrefix("proxy-") else {
            throw SiteFault("`\(name)` is the gateway's to say")
        }
        guard (change == .remove) == self.value.isEmpty else {
            throw SiteFault(change == .remove ? "a header that is taken away has no value" : "`\(name)` has no value")
        }
        guard self.value.utf8.count <= SiteLimits.value else {
            throw SiteFault("the value of `\(name)` is longer than \(SiteLimits.value) bytes")
        }
        guard self.value.utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x09 }) else {
            throw SiteFault("the value of `\(name)` holds what a header cannot: only printable ASCII may stand there")
        }
    }

    /// What tells where a message ends and what its body is, and what follows from the file.
    package static let owned: Set<String> = [
        "accept-ranges", "age", "allow", "alt-svc", "connection", "content-encoding", "content-length", "content-range", "date", "etag",
        "host", "keep-alive", "last-modified", "location", "server", "te", "trailer", "transfer-encoding", "upgrade", "via",
    ]

    /// Whether headers (and cookies) can be called so.
    static func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.count <= 128 && text.utf8.allSatisfy(isToken) }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    private static func trimmed(_ text: String) -> String {
        var bytes = text.utf8[...]
        while let byte = bytes.first, byte == 0x20 || byte == 0x09 { bytes.removeFirst() }
        while let byte = bytes.last, byte == 0x20 || byte == 0x09 { bytes.removeLast() }
        return String(Substring(bytes))
    }

    private enum CodingKeys: String, CodingKey {
        case source = "for"
        case name, value, change
        case conditions = "if"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            for: container.decode(String.self, forKey: .source), container.decode(String.self, forKey: .name),
            container.decodeIfPresent(String.self, forKey: .value) ?? "",
            container.decodeIfPresent(Change.self, forKey: .change) ?? .set,
            if: container.decodeIfPresent([SiteCondition].self, forKey: .conditions) ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(source.text, forKey: .source)
        try container.encode(name, forKey: .name)
        if change != .remove { try container.encode(value, forKey: .value) }
        if change != .set { try container.encode(change, forKey: .change) }
        if !conditions.isEmpty { try container.encode(conditions, forKey: .conditions) }
    }
}

extension [SiteCondition] {
    /// What they and the pattern bind, each name once.
    fileprivate func names(besides pattern: SitePattern) throws(SiteFault) -> [String] {
        guard count <= SiteLimits.conditions else { throw SiteFault("a rule has at most \(SiteLimits.conditions) conditions") }
        var names = pattern.names
        for name in flatMap(\.names) {
            guard !names.contains(name) else { throw SiteFault("`:\(name)` is bound twice") }
            names.append(name)
        }
        return names
    }
}

/// Why a rule of a site cannot be had.
package struct SiteFault: Error, Hashable, Sendable {
    package let message: String

    package init(_ message: String) { self.message = message }

    /// A text that may be anything, short and on one line.
    package static func shown(_ text: String) -> String {
        let short = text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : Character($0) }
        return String(short) + (text.unicodeScalars.count > 80 ? "…" : "")
    }
}

/// How much of it a site may have: each request looks at the rules.
package enum SiteLimits {
    package static let redirects = 2000
    package static let headers = 1000
    /// Of a path or URL, in bytes.
    package static let path = 2048
    /// Of a header's value, in bytes.
    package static let value = 8192
    /// Conditions of one rule.
    package static let conditions = 16
    /// Values of one condition.
    package static let values = 64
    /// Of one file of rules, in bytes.
    package static let file = 512 << 10

    /// - Throws: for a text that is too long or not of one line.
    package static func check(_ text: String) throws(SiteFault) {
        guard text.utf8.count <= path else { throw SiteFault("`\(SiteFault.shown(text))` is longer than \(path) bytes") }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw SiteFault("`\(SiteFault.shown(text))` holds a control character")
        }
    }
}

extension SiteRules {
    /// What is too many of it, in words; the rest is let go.
    package mutating func limited() -> [String] {
        var faults: [String] = []
        if redirects.count > SiteLimits.redirects {
            faults.append("a site has at most \(SiteLimits.redirects) redirects, found \(redirects.count): the last are not served")
            redirects.removeSubrange(SiteLimits.redirects...)
        }
        if headers.count > SiteLimits.headers {
            faults.append("a site has at most \(SiteLimits.headers) rules for headers, found \(headers.count): the last are not served")
            headers.removeSubrange(SiteLimits.headers...)
        }
        return faults
    }
}
