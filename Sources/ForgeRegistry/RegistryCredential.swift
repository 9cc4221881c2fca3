package import ForgeModel

/// What the proxy says to a registry in the place of steps, which never see it.
package struct RegistryCredential: Sendable {
    package let origin: EgressOrigin
    /// Only what lies below is asked with it; begins and ends with a slash.
    package let path: String
    /// The value of the `Authorization` header.
    package let authorization: String

    private init(_ origin: EgressOrigin, _ path: String, _ authorization: String) {
        self.origin = origin
        let middle = path.split(separator: "/").joined(separator: "/")
        self.path = middle.isEmpty ? "/" : "/\(middle)/"
        self.authorization = authorization
    }

    package static func bearer(_ token: String, for origin: EgressOrigin, below path: String = "/") -> RegistryCredential {
        .init(origin, path, "Bearer \(token)")
    }

    /// - Parameter encoded: `user:password` in base 64.
    package static func basic(encoded: String, for origin: EgressOrigin, below path: String = "/") -> RegistryCredential {
        .init(origin, path, "Basic \(encoded)")
    }

    package static func basic(_ user: String, _ password: String, for origin: EgressOrigin, below path: String = "/") -> RegistryCredential
    {
        basic(encoded: Base64.encode(Array("\(user):\(password)".utf8)), for: origin, below: path)
    }

    func covers(_ asked: EgressOrigin, _ path: String) -> Bool {
        guard asked == origin else { return false }
        // What a server could read as a way out of the folder is none of it.
        let plain = path.prefix { $0 != "?" }
        guard !plain.contains("/../"), !plain.hasSuffix("/.."), !plain.lowercased().contains("%2e") else { return self.path == "/" }
        return path.hasPrefix(self.path) || plain + "/" == self.path
    }
}

extension [RegistryCredential] {
    /// The one for the longest path; among equals the first.
    func credential(for origin: EgressOrigin, _ path: String) -> RegistryCredential? {
        filter { $0.covers(origin, path) }.reduce(nil) { best, next in
            guard let best, best.path.utf8.count >= next.path.utf8.count else { return next }
            return best
        }
    }
}
