/// A variable whose value a build step is given, and that is to stand nowhere else.
package struct Secret: Hashable, Sendable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// What must not be seen: the value, each longer line of one that has several, and the password of an address.
    var parts: [String] {
        var parts = [value]
        let lines = value.split(whereSeparator: \.isNewline).map(String.init)
        if lines.count > 1 { parts += lines.filter { $0.utf8.count >= 16 && !$0.hasPrefix("-----") } }
        if let password { parts.append(password) }
        return parts.filter(Self.isTelling)
    }

    /// Short values and everyday words stand in every log; hiding them would hide nothing and spoil the log.
    private static func isTelling(_ text: String) -> Bool { text.utf8.count >= 6 && !everyday.contains(text.lowercased()) }

    private static let everyday: Set<String> = [
        "production", "development", "staging", "preview", "testing", "enabled", "disabled", "localhost", "127.0.0.1", "default", "verbose",
    ]

    /// Of `scheme://user:password@host`.
    private var password: String? {
        guard let scheme = value.firstRange(of: "://") else { return nil }
        let authority = value[scheme.upperBound...].prefix { !"/?# ".contains($0) }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return nil }
        return String(authority[authority.index(after: colon)..<at])
    }

    /// Whether it would do harm in an artifact, as far as its name or its shape tells. Others, an address most often, are made to be built in.
    package var isConfidential: Bool {
        guard value.utf8.count >= 8, Self.isTelling(value) else { return false }
        if password?.isEmpty == false || value.contains("PRIVATE KEY-----") { return true }
        let words = Set(name.uppercased().split(separator: "_").map(String.init))
        // Services give out keys that are meant for everybody, and name them so.
        guard words.isDisjoint(with: ["PUBLIC", "PUBLISHABLE", "ANON"]) else { return false }
        return !words.isDisjoint(with: Self.telltaleWords) || words.isSuperset(of: ["CONNECTION", "STRING"]) || beginsLikeToken
    }

    private static let telltaleWords: Set<String> = [
        "SECRET", "SECRETS", "TOKEN", "PASSWORD", "PASSWD", "PASS", "PWD", "PASSPHRASE", "KEY", "APIKEY", "PRIVATE", "CREDENTIAL",
        "CREDENTIALS",
        "AUTH", "DSN", "SALT", "SIGNING", "COOKIE",
    ]

    private var beginsLikeToken: Bool {
        value.utf8.count >= 16 && !value.contains(where: \.isWhitespace) && Self.tokenPrefixes.contains { value.hasPrefix($0) }
    }

    /// How services begin the tokens they give out.
    private static let tokenPrefixes = [
        "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "sk_live_", "sk_test_", "rk_live_", "sk-", "xoxb-", "xoxp-", "xoxa-", "AKIA",
        "ASIA", "AIza",
        "SG.", "npm_", "pypi-", "hf_", "dop_v1_", "shpat_", "eyJ",
    ]
}
