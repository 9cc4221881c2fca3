/// The system that all steps of a plan run in.
package struct BuildSystem: Sendable {
    /// What of it stands in the keys: `system` → `sha256:…`.
    package let identity: [String: String]
    /// Gives the trees behind it; may take long.
    package let open: @Sendable () async throws -> StepSystem

    package init(identity: [String: String], open: @escaping @Sendable () async throws -> StepSystem) {
        self.identity = identity
        self.open = open
    }

    /// This machine's own, of which the keys say nothing.
    package static let host = BuildSystem(identity: [:]) { .host }
}
