internal import ForgeEgress
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import NIOCore
internal import NIOHTTP1

/// One request of a step to one of its registries.
struct RegistryRequest: Sendable {
    let query: EgressQuery
    let registry: StepRegistry
    let upstream: EgressUpstream
    let answer: EgressAnswer
    /// nil for a document.
    let file: PackageFile?
    /// What is said to the server, as the operator's or as the step's own.
    let authorization: String?

    init(_ query: EgressQuery, in registry: StepRegistry, upstream: EgressUpstream, answer: EgressAnswer) {
        self.query = query
        self.registry = registry
        self.upstream = upstream
        self.answer = answer
        file = PackageFile(path: query.path)
        authorization =
            registry.settings.credentials.credential(for: query.origin, query.path)?.authorization
            ?? query.headers.first(name: "authorization")
    }

    var url: String { "\(query.origin)\(query.path)" }

    /// What is asked for, for people.
    var title: String { file?.title ?? url }

    /// In which the body comes; of those that a client takes one that is read here too.
    var coding: String {
        guard file == nil else { return "identity" }
        let taken = query.headers["accept-encoding"].joined(separator: ",").lowercased().split(separator: ",")
        return taken.contains { $0.split(separator: ";").first?.filter { $0 != " " } == "gzip" && !$0.hasSuffix("q=0") }
            ? "gzip" : "identity"
    }

    /// Where the answer is kept, and where it may be found besides.
    var keys: [RegistryEntryKey] {
        let variant = file == nil ? "\(query.headers["accept"].joined(separator: ","))\n\(coding)" : ""
        let secret = authorization.map { "credential \(registry.tag(Array($0.utf8)))" } ?? ""
        let own = registry.settings.scope
        return (own.isEmpty ? [""] : [own, ""]).map { scope in
            RegistryEntryKey(scope: [scope, secret].filter { !$0.isEmpty }.joined(separator: ", "), url: url, variant: variant)
        }
    }

    func run() async throws {
        if let known = registry.ledger.mismatch(of: url) {
            return try await answer.refuse(.unprocessableEntity, "\(known.title): expected \(known.expected), found \(known.found)")
        }
        let key = keys[0]
        while true {
            if let found = try await registry.cache.find(keys), try await serve(found) { return }
            guard !registry.settings.isOffline else { return try await missing() }
            guard await registry.flights.begin(key) else { continue }
            do {
                try await RegistryFetch(request: self, key: key).run()
                await registry.flights.end(key)
                return
            } catch {
                await registry.flights.end(key)
                throw error
            }
        }
    }

    /// Answers with what is stored; false when it must be asked for all the same.
    private func serve(_ found: RegistryCache.Found) async throws -> Bool {
        if registry.settings.isOffline || file != nil {
            let isFile = file != nil && found.entry.status == 200
            let expected = try await registry.expected(self)
            if isFile, let expected, !expected.isMet(by: found.entry) {
                // Offline it cannot be had otherwise; the package manager would refuse it too.
                guard registry.settings.isOffline else { return false }
                registry.ledger.note(expected.mismatch(self, found: found.entry.hashes))
                try await answer.refuse(.unprocessableEntity, "\(title) is stored with other bytes than \(expected.source) says")
                return true
            }
            if file != nil, found.entry.status != 200, !registry.settings.isOffline { return false }
            if isFile { note(found.entry, from: .store, isVerified: expected != nil) } else { await registry.documents.note(found.entry) }
            try await StoredAnswer(found).send(to: answer, for: query)
            return true
        }
        return false
    }

    func note(_ entry: RegistryEntry, from origin: PackageRecord.Origin, isVerified: Bool) {
        registry.ledger.note(
            PackageRecord(
                registry: query.origin, path: query.path, name: file?.name, version: file?.version, digest: entry.body, from: origin,
                isVerified: isVerified))
    }

    private func missing() async throws {
        registry.ledger.noteMissing(title)
        try await answer.refuse(
            .custom(code: 403, reasonPhrase: "Not stored (forge build --offline)"), "\(url) is not stored, and this build is offline")
    }
}

extension StepRegistry {
    /// What the file that is asked for must be, and who says so: the lockfile, else the registry's own document.
    func expected(_ request: RegistryRequest) async throws -> Expectation? {
        guard let file = request.file else { return nil }
        if let lockfile = settings.lockfile, let hashes = lockfile.hashes(of: file, url: request.url) {
            return Expectation(hashes: hashes, source: "`\(lockfile.name)`")
        }
        return try await documents.hashes(of: file, in: cache).map { Expectation(hashes: $0, source: "the registry's own document") }
    }
}

/// The hashes one of which a file must have.
struct Expectation: Sendable {
    let hashes: [ExpectedHash]
    let source: String

    func isMet(by found: BodyHashes) -> Bool { hashes.contains { $0.matches(found) } }

    func isMet(by entry: RegistryEntry) -> Bool { entry.hashes.map(isMet(by:)) ?? false }

    func mismatch(_ request: RegistryRequest, found: BodyHashes?) -> PackageLedger.Mismatch {
        let nearest = hashes.first
        return PackageLedger.Mismatch(
            title: request.title, url: request.url, expected: hashes.prefix(3).map(\.text).joined(separator: " or "),
            found: found.flatMap { found in nearest.map { $0.text(of: found) } } ?? "nothing that can be read", source: source)
    }
}

extension RegistryEntry {
    var hashes: BodyHashes? {
        guard let sha512 = ExpectedHash.hex(sha512, .sha512), let sha1 = ExpectedHash.hex(sha1, .sha1) else { return nil }
        return BodyHashes(sha256: body.hash, sha512: sha512.bytes, sha1: sha1.bytes)
    }
}
