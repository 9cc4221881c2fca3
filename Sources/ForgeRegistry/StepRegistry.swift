package import ForgeEgress
package import ForgeModel
package import NIOSSL
internal import ForgeStore
internal import ForgeSystem
internal import NIOCore
internal import NIOHTTP1

/// The registries of one step, as the step sees them: answered from the store where they can be, by the servers where they must.
///
/// A file of a package never changes, so one that is stored is not asked for again. Documents are: with the validators of the last time.
package struct StepRegistry: EgressResponder {
    package struct Settings: Sendable {
        package var origins: Set<EgressOrigin>
        package var credentials: [RegistryCredential] = []
        /// What the step's lockfile says of its packages.
        package var lockfile: LockedHashes?
        /// Names who may read what the step downloads; '' for everybody.
        package var scope = ""
        package var isOffline = false

        package init(origins: Set<EgressOrigin>) { self.origins = origins }
    }

    let settings: Settings
    let cache: RegistryCache
    /// Names a credential without telling it.
    let tag: @Sendable ([UInt8]) -> String
    let ledger = PackageLedger()
    let pool = UpstreamPool()
    let flights = RegistryFlights()
    let documents = SeenDocuments()
    private let certificates: StepAuthority

    package init(_ settings: Settings, cache: RegistryCache, tag: @escaping @Sendable ([UInt8]) -> String) throws {
        self.settings = settings
        self.cache = cache
        self.tag = tag
        certificates = try StepAuthority(for: settings.origins)
    }

    package var origins: Set<EgressOrigin> { settings.origins }
    package var authority: String { certificates.certificate }
    package func context(for origin: EgressOrigin) throws -> NIOSSLContext { try certificates.context(for: origin) }

    package func respond(to query: EgressQuery, upstream: EgressUpstream, answer: EgressAnswer) async throws {
        try await RegistryRequest(query, in: self, upstream: upstream, answer: answer).run()
    }

    package func conclude() async throws -> EgressConclusion {
        await pool.close()
        try await cache.flush()
        return EgressConclusion(packages: ledger.packages, failure: integrityFailure, excuse: offlineExcuse)
    }

    private var integrityFailure: EgressConclusion.Failure? {
        guard let first = ledger.mismatches.first else { return nil }
        let others = ledger.mismatches.count == 1 ? "" : ", and \(ledger.mismatches.count - 1) more like it"
        return .init(
            code: "registry.integrity",
            message:
                "was given other bytes for `\(first.title)` than \(first.source) says: expected \(first.expected), found \(first.found), from \(first.url)\(others)",
            hint: "nothing of it was kept; if the registry has really replaced the file, make the lockfile anew")
    }

    private var offlineExcuse: EgressConclusion.Failure? {
        guard settings.isOffline, let first = ledger.missing.first else { return nil }
        let shown = ledger.missing.prefix(5).map { "`\($0)`" }.joined(separator: ", ")
        let more = ledger.missing.count > 5 ? " and \(ledger.missing.count - 5) more" : ""
        _ = first
        return .init(
            code: "registry.offline", message: "needs what no earlier build has stored: \(shown)\(more)",
            hint: "build once without `--offline`")
    }
}
