package import ForgeModel
internal import Foundation

/// The credentials that the configuration of package managers holds.
package enum CredentialText {
    /// Of a `.npmrc`, or of variables written the same way. Only lines that name their registry count, as for npm 9 and later.
    ///
    /// Source: npm docs, `.npmrc`, "Auth related configuration" and "Environment variables".
    package static func npm(_ text: String, for registries: Set<EgressOrigin>, environment: [String: String]) -> [RegistryCredential] {
        var found: [String: [String: String]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingPrefix { $0 == " " || $0 == "\t" }
            guard line.hasPrefix("//"), let equals = line.firstIndex(of: "=") else { continue }
            let key = line[..<equals].trimmingCharacters(in: .whitespaces)
            let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces).trimmingCharacters(in: ["\""])
            guard let colon = key.lastIndex(of: ":"), let filled = expanded(value, environment), !filled.isEmpty else { continue }
            found[String(key[..<colon]), default: [:]][String(key[key.index(after: colon)...])] = filled
        }
        return found.sorted { $0.key < $1.key }.flatMap { place, values in credentials(at: place, values, registries) }
    }

    private static func credentials(
        at place: String, _ values: [String: String], _ registries: Set<EgressOrigin>
    ) -> [RegistryCredential] {
        let rest = place.dropFirst(2)
        let authority = rest.prefix { $0 != "/" }
        let path = String(rest.dropFirst(authority.count))
        return registries.sorted().filter { EgressOrigin(scheme: $0.scheme, authority: authority) == $0 }.compactMap { origin in
            if let token = values["_authToken"] { return .bearer(token, for: origin, below: path) }
            if let both = values["_auth"] { return .basic(encoded: both, for: origin, below: path) }
            guard let user = values["username"], let password = values["_password"].flatMap({ Base64.decode($0) }) else { return nil }
            return .basic(user, String(decoding: password, as: UTF8.self), for: origin, below: path)
        }
    }

    /// `${NAME}`; nil where it is not set, for which npm sends the text itself, to no use.
    private static func expanded(_ value: String, _ environment: [String: String]) -> String? {
        var result = ""
        var rest = value[...]
        while let start = rest.range(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            guard let filled = environment[String(rest[start.upperBound..<end])] else { return nil }
            result += rest[..<start.lowerBound] + filled
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    /// The user and password in a URL.
    package static func url(_ text: String) -> RegistryCredential? {
        guard let origin = EgressOrigin(url: text), let mark = text.range(of: "://") else { return nil }
        let authority = text[mark.upperBound...].prefix { !"/?#".contains($0) }
        guard let at = authority.lastIndex(of: "@") else { return nil }
        let words = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            .map { $0.removingPercentEncoding ?? String($0) }
        return .basic(words[0], words.count > 1 ? words[1] : "", for: origin)
    }

    /// Of a netrc file, for servers that are reached over TLS, or on this machine. Source: GNU Inetutils manual, "The .netrc file".
    package static func netrc(_ text: String, for registries: Set<EgressOrigin>) -> [RegistryCredential] {
        var words = text.split(whereSeparator: \.isNewline).filter { !$0.trimmingPrefix { $0 == " " }.hasPrefix("#") }
            .flatMap { $0.split(whereSeparator: \.isWhitespace) }[...]
        var entries: [(host: String?, user: String, password: String)] = []
        while let word = words.popFirst() {
            switch word {
            case "machine": if let host = words.popFirst() { entries.append((host.lowercased(), "", "")) }
            case "default": entries.append((nil, "", ""))
            case "login": if let user = words.popFirst(), !entries.isEmpty { entries[entries.count - 1].user = String(user) }
            case "password": if let secret = words.popFirst(), !entries.isEmpty { entries[entries.count - 1].password = String(secret) }
            default: break
            }
        }
        return registries.sorted().filter { $0.scheme == .https || $0.host == "127.0.0.1" || $0.host == "::1" }.compactMap { origin in
            // `default` is for anybody who asks: not for servers that a project named.
            entries.first { $0.host == origin.host }.map { .basic($0.user, $0.password, for: origin) }
        }
    }
}
