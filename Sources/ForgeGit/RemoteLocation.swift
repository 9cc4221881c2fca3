package import ForgeModel

/// Where a repository on another machine lies. Holds no secret: what a URL carries beside its place is split off first.
package struct RemoteLocation: Hashable, Sendable, Codable {
    package enum Transport: String, Sendable, Codable, CaseIterable { case http, https, ssh, git }

    package let transport: Transport
    /// Only for ssh, where it is part of the place.
    package let user: String?
    /// Without brackets.
    package let host: String
    package let port: Int?
    /// As the server gets it; begins with a slash unless it is relative to a home folder (`host:path`).
    package let path: String
    /// As a person typed it.
    package let text: String

    /// Nil for what lies on this machine: a path or a `file://` URL.
    /// - Parameter text: without secrets, as `RemoteUserinfo.split` leaves it.
    /// - Throws: `source.unsupported-url`, `source.malformed-url`
    package init?(parsing text: String) throws(ForgeError) {
        if let mark = text.firstRange(of: "://") {
            let scheme = text[..<mark.lowerBound].lowercased()
            if scheme == "file" { return nil }
            guard let transport = Transport(rawValue: scheme) else { throw Self.unsupported(text) }
            try self.init(transport, rest: text[mark.upperBound...], text)
        } else {
            guard let parts = Self.shortForm(text) else { return nil }
            guard !parts.path.hasPrefix(":") else { throw Self.unsupported(text) }
            try self.init(.ssh, parts.user, (parts.host, nil), parts.path, text)
        }
    }

    private init(_ transport: Transport, rest: Substring, _ text: String) throws(ForgeError) {
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<slash]
        var user: String?
        if let at = authority.lastIndex(of: "@") {
            user = PercentEncoding.decoded(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        guard let place = Self.hostAndPort(authority) else { throw Self.malformed(text) }
        // Over HTTP the path goes out as it stands; the other transports name a folder.
        let isHTTP = transport == .http || transport == .https
        guard let path = isHTTP ? String(rest[slash...]) : PercentEncoding.decoded(rest[slash...]), path.count > 1 else {
            throw Self.malformed(text)
        }
        // `ssh://host/~ada/site`: as git does.
        let isHome = transport == .ssh && path.hasPrefix("/~")
        try self.init(transport, transport == .ssh ? user : nil, place, isHome ? String(path.dropFirst()) : path, text)
    }

    /// - Throws: when a part holds what a program on the way could take for an option or a second line.
    private init(
        _ transport: Transport, _ user: String?, _ place: (host: String, port: Int?), _ path: String, _ text: String
    ) throws(ForgeError) {
        let isUnsafe = [user ?? "", place.host, path, text].contains { part in
            part.hasPrefix("-") || part.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
        }
        guard !isUnsafe else { throw Self.malformed(text) }
        self.transport = transport
        self.user = user
        self.host = place.host
        self.port = place.port
        self.path = path
        self.text = text
    }

    /// `[user@]host:path`, as ssh and scp have it; nil for paths.
    private static func shortForm(_ text: String) -> (user: String?, host: String, path: String)? {
        guard let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/") else { return nil }
        let authority = text[..<colon]
        let at = authority.lastIndex(of: "@")
        let host = at.map { authority[authority.index(after: $0)...] } ?? authority
        let path = text[text.index(after: colon)...]
        guard !host.isEmpty, !path.isEmpty, isHostName(host) else { return nil }
        return (at.map { String(authority[..<$0]) }, String(host), String(path))
    }

    private static func hostAndPort(_ text: Substring) -> (host: String, port: Int?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard host.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }), rest.isEmpty || rest.hasPrefix(":") else { return nil }
            return port(rest.dropFirst()).map { (String(host), $0) }
        }
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let host = text[..<colon]
        guard isHostName(host) else { return nil }
        return port(text[colon...].dropFirst()).map { (String(host), $0) }
    }

    private static func port(_ text: Substring) -> Int?? {
        if text.isEmpty { return .some(nil) }
        guard text.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(text), (1...65535).contains(number) else { return nil }
        return .some(number)
    }

    private static func isHostName(_ text: Substring) -> Bool {
        !text.isEmpty && !text.hasPrefix("-")
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }
    }

    /// What libgit2 is given: for the transports that are ours, no more than the scheme matters.
    var url: String {
        switch transport {
        case .ssh, .git: "\(transport.rawValue)://remote/repository"
        case .http, .https: "\(transport.rawValue)://\(authority)\(path)"
        }
    }

    /// The same for every way of writing this place.
    package var place: String {
        "\(transport.rawValue)://\(user.map { "\($0)@" } ?? "")\(authority.lowercased())\(path.hasPrefix("/") ? "" : "/~/")\(path)"
    }

    /// Host and, when it is not the transport's own, port.
    package var authority: String { (host.contains(":") ? "[\(host)]" : host) + (port.map { ":\($0)" } ?? "") }

    /// The last part of the path, without `.git`.
    package var name: String {
        let last = path.split(whereSeparator: { $0 == "/" || $0 == ":" }).last { $0 != ".git" }.map(String.init) ?? host
        return last.hasSuffix(".git") && last.count > 4 ? String(last.dropLast(4)) : last
    }

    private static func unsupported(_ text: String) -> ForgeError {
        ForgeError(
            .usage, "source.unsupported-url", "`\(text)` is not a kind of URL that sources are fetched from",
            hint: "write http://, https://, ssh://, git://, user@host:path, file:// or the path of a folder")
    }

    private static func malformed(_ text: String) -> ForgeError {
        ForgeError(
            .usage, "source.malformed-url", "`\(text)` is not a well-formed URL of a repository",
            hint: "expected something like `https://example.org/team/project.git`")
    }
}

extension PercentEncoding {
    /// Of a part of a URL in which a slash may be written so. Nil when a `%` is not followed by two digits, or the result is not UTF-8 or
    /// holds a NUL.
    static func decoded(_ text: Substring) -> String? { decode(text) { $0 == 0 } }
}
