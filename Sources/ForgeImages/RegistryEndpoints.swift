package import ForgeModel

/// Where a registry is really asked: itself, and before it what the operator names for it.
package struct RegistryEndpoint: Hashable, Sendable {
    /// `https://mirror.example:5000/prefix`, without a slash at its end.
    package let base: String
    package let origin: EgressOrigin

    /// - Throws: `config.registry-entry`
    package init(parsing text: String) throws {
        let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let origin = EgressOrigin(url: trimmed), !trimmed.contains(where: { "?#@\"\\".contains($0) || $0.isWhitespace }) else {
            throw ForgeError(
                .configuration, "config.registry-entry", "`\(text)` is not the address of a registry",
                hint: "write `https://mirror.example:5000`, or `http://…` where the way there is safe")
        }
        self.base = trimmed
        self.origin = origin
    }

    var allowsPlain: Bool { origin.scheme == .http }

    /// As credentials name it.
    var authority: String { origin.authority }
}

/// The operator's word on registries of images: where else to ask, and how.
package struct RegistryEndpoints: Hashable, Sendable {
    /// Registry as a reference names it → addresses, in the order in which they are tried; the registry's own is asked last unless it
    /// is among them.
    package var entries: [String: [RegistryEndpoint]] = [:]

    package init() {}

    /// Plain HTTP goes to this machine only, and where an entry says so.
    func endpoints(of registry: String) throws -> [RegistryEndpoint] {
        let own = try RegistryEndpoint(parsing: "\(Self.isLoopback(registry) ? "http" : "https")://\(registry)")
        let said = entries[registry] ?? []
        return said.contains { $0.authority == own.authority } ? said : said + [own]
    }

    private static func isLoopback(_ registry: String) -> Bool {
        let host = EgressOrigin(scheme: .http, authority: registry)?.host ?? registry
        return host == "localhost" || host == "::1" || host.hasSuffix(".localhost")
            || (host.hasPrefix("127.") && !host.contains(":"))
                && host.split(separator: ".").count == 4
    }
}
