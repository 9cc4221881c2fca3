/// What a registry wants to see of who asks.
/// Source: RFC 9110 section 11.6.1; the distribution project's "Token Authentication Specification".
enum RegistryChallenge: Hashable, Sendable {
    case basic
    case bearer(realm: String, service: String?, scope: String?)

    /// The challenges of `WWW-Authenticate` fields that are understood, as written.
    static func parse(_ fields: [String]) -> [RegistryChallenge] { fields.flatMap { parse($0) } }

    private static func parse(_ field: String) -> [RegistryChallenge] {
        var rest = Substring(field)
        var challenges: [RegistryChallenge] = []
        while let scheme = word(&rest) {
            let parameters = parameters(&rest)
            switch scheme.lowercased() {
            case "basic": challenges.append(.basic)
            case "bearer":
                if let realm = parameters["realm"] {
                    challenges.append(.bearer(realm: realm, service: parameters["service"], scope: parameters["scope"]))
                }
            default: break
            }
        }
        return challenges
    }

    private static func word(_ rest: inout Substring) -> String? {
        rest = rest.drop { $0 == " " || $0 == "," || $0 == "\t" }
        let word = rest.prefix { $0 != " " && $0 != "," && $0 != "=" && $0 != "\t" }
        rest = rest.dropFirst(word.count)
        return word.isEmpty ? nil : String(word)
    }

    /// `name=value` and `name="quoted"`, until something comes that is neither.
    private static func parameters(_ rest: inout Substring) -> [String: String] {
        var found: [String: String] = [:]
        while true {
            var ahead = rest
            guard let name = word(&ahead), ahead.first == "=" else { return found }
            ahead = ahead.dropFirst()
            found[name.lowercased()] = value(&ahead)
            rest = ahead
        }
    }

    private static func value(_ rest: inout Substring) -> String {
        guard rest.first == "\"" else {
            let plain = rest.prefix { $0 != "," && $0 != " " }
            rest = rest.dropFirst(plain.count)
            return String(plain)
        }
        rest = rest.dropFirst()
        var text = ""
        while let letter = rest.popFirst(), letter != "\"" {
            if letter == "\\", let escaped = rest.popFirst() { text.append(escaped) } else { text.append(letter) }
        }
        return text
    }
}
