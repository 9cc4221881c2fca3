internal import ForgeEvents
internal import ForgeModel
internal import ForgeOperator
internal import ForgeReleases
package import ForgeStore
internal import ForgeSystem
internal import Glibc

/// `forge cache stats --json`.
package struct CacheReport: Sendable, Encodable {
    package struct ToolCache: Sendable, Encodable {
        package let project: String
        /// Nil is the trusted one.
        package let scope: String?
        package let path: String
        /// SHA-256 of the lockfile it is kept for.
        package let lockfile: String?
        package let bytes: Int64
        /// Seconds since 1970.
        package let savedAt: Int64
    }

    package let store: String
    package let blobs: Int
    package let bytes: Int64
    package let limit: Int64
    package let actions: Int
    package let artifacts: Int
    package let records: Int
    package let sources: Int
    package let registryEntries: Int
    package let materialisedTrees: Int
    package let toolCaches: [ToolCache]
}

extension Pipeline {
    /// How many of the releases of a place before its active one keep their artifacts.
    private static let rollbackDepth = 10

    /// What the store holds.
    package func cacheStatistics() async throws -> CacheReport {
        let found = try await openStore().statistics()
        return CacheReport(
            store: directories.store, blobs: found.blobs, bytes: found.bytes, limit: try operatorConfiguration().storeLimit,
            actions: found.actions, artifacts: found.artifacts, records: found.records, sources: found.sources,
            registryEntries: found.registryEntries, materialisedTrees: found.materialisedTrees,
            toolCaches: found.toolCaches.map { entry in
                let scope: String? = if case .untrusted(let scope) = entry.key.trust { scope } else { nil }
                return .init(
                    project: entry.key.project, scope: scope, path: entry.key.path.string, lockfile: entry.key.lockfile?.hex,
                    bytes: entry.bytes, savedAt: entry.savedAt)
            })
    }

    /// Removes what nobody asks for, and what was used least recently when the rest takes more than `limit` bytes (nil: the operator's).
    /// - Throws: `store.busy`
    package func collectGarbage(limit: Int64?, dryRun: Bool) async throws -> ForgeStore.Collection {
        let store = try await openStore()
        return try await store.collector.collect(
            limit: try limit ?? operatorConfiguration().storeLimit, pins: try await pins(), dryRun: dryRun)
    }

    /// Reads every blob; what is damaged is put out of use.
    package func verifyStore() async throws -> StoreVerifier.Report {
        let store = try await openStore()
        let span = events.newSpan(.artifact, "verify")
        return try await spanned(span) { [events] in
            let report = try await store.verifier.verify { done, all in
                events.emit(.progress(span: span.id, "\(done) of \(Count(all, "blob"))"))
            }
            return (report, "\(Count(report.blobs, "blob")), \(Bytes(report.bytes))")
        }
    }

    private func pins() async throws -> Set<Digest> {
        guard Files.exists(directories.releases) else { return [] }
        return try await ReleaseLog.open(directories.releases).artifactsInUse(depth: Self.rollbackDepth)
    }

    /// After a build that stored something, at most once an hour: when the store has outgrown its limit, down to nine tenths of it. The build is
    /// over by then; what goes wrong here is told and no more.
    func collectWhenOutgrown(_ store: Store) async {
        do {
            let stamp = directories.store + "/collected"
            let last = FileSignature.of(stamp)?.modified ?? 0
            guard abs(FileSignature.now() - last) > 3_600_000_000_000 else { return }
            try await BlockingPool.run { try Files.replace(stamp, with: []) }
            let limit = try operatorConfiguration().storeLimit
            guard try await store.usage().bytes > limit else { return }
            let span = events.newSpan(.artifact, "collect")
            try await spanned(span) {
                let collection = try await store.collector.collect(limit: limit / 10 * 9, pins: try await pins())
                return ((), "\(Count(collection.blobs, "blob")), \(Bytes(collection.bytes)) freed")
            }
        } catch is CancellationError {
        } catch let error as ForgeError where error.code == "store.busy" {
        } catch {
            events.emit(.warning(Diagnostic("the store could not be tidied up: \(error)", hint: "`forge cache gc` tries again")))
        }
    }
}
