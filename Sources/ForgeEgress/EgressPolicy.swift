package import ForgeModel

/// The servers one step may reach; everything else is refused.
package struct EgressPolicy: Hashable, Sendable {
    /// Reached at public addresses only, on the scheme's own port.
    package var registries: Set<EgressOrigin>
    /// The operator's exact entries: any port, and any address, private and loopback ones included. Never a project's.
    package var operatorEntries: Set<EgressOrigin>
    /// Path on the host of the operator's CA certificates (PEM). Inside they are trusted beside the system's.
    package var caBundle: String?
    /// Nothing is asked of any server: what a responder has is all there is.
    package var isOffline: Bool

    package init(
        registries: Set<EgressOrigin> = [], operatorEntries: Set<EgressOrigin> = [], caBundle: String? = nil, isOffline: Bool = false
    ) {
        self.registries = registries
        self.operatorEntries = operatorEntries
        self.caBundle = caBundle
        self.isOffline = isOffline
    }

    /// A server this policy names, and whether any address will do for it.
    package struct Target: Hashable, Sendable {
        package let origin: EgressOrigin
        package let anyAddress: Bool
    }

    /// - Throws: `EgressFailure` unless `origin` is listed.
    package func target(_ origin: EgressOrigin) throws(EgressFailure) -> Target {
        if operatorEntries.contains(origin) { return Target(origin: origin, anyAddress: true) }
        guard registries.contains(origin), origin.port == origin.scheme.defaultPort else { throw .notAllowed(origin) }
        return Target(origin: origin, anyAddress: false)
    }

    /// What `CONNECT authority` asks for. CONNECT names no scheme: it is the port's own, or the one the server is listed with.
    /// - Throws: `EgressFailure`
    package func target(connectingTo authority: String) throws(EgressFailure) -> Target {
        guard let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]"),
            let https = EgressOrigin(scheme: .https, authority: authority),
            let http = EgressOrigin(scheme: .http, host: https.host, port: https.port)
        else { throw .noServer }
        let isPlain = authority[colon...] == ":80"
        let (likely, other) = isPlain ? (http, https) : (https, http)
        if let target = try? target(likely) { return target }
        if let target = try? target(other) { return target }
        throw .notAllowed(likely)
    }

    /// Judges the one answer of the resolver: every address of it.
    /// - Throws: `EgressFailure` when there is none, or one that is not a public server's.
    package func check(_ addresses: [IPAddress], for target: Target) throws(EgressFailure) {
        guard !addresses.isEmpty else { throw .unresolvable(target.origin) }
        if target.anyAddress { return }
        for address in addresses {
            if let use = address.specialUse { throw .specialAddress(target.origin, address, use) }
        }
    }
}
