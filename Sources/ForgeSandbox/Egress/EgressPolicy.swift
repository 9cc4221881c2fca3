package import ForgeModel

/// The servers one step may reach; everything else is refused.
package struct EgressPolicy: Hashable, Sendable {
    /// Reached at public addresses only, on the scheme's own port.
    package var registries: Set<EgressOrigin>
    /// The operator's exact entries: any port, and any address, private and loopback ones included. Never a project's.
    package var operatorEntries: Set<EgressOrigin>
    /// Path on the host of the operator's CA certificates (PEM). Inside they are trusted beside the system's.
    package var caBundle: String?

    package init(registries: Set<EgressOrigin> = [], operatorEntries: Set<EgressOrigin> = [], caBundle: String? = nil) {
        self.registries = registries
        self.operatorEntries = operatorEntries
        self.caBundle = caBundle
    }
}
