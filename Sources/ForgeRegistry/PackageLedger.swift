internal import ForgeModel
internal import Synchronization

/// What one step got of registries, and what was wrong with it.
final class PackageLedger: Sendable {
    /// A file with other bytes than it was to have.
    struct Mismatch: Sendable, Hashable {
        let title: String
        let url: String
        let expected: String
        let found: String
        /// Who expects it.
        let source: String
    }

    private struct State {
        var packages: [String: PackageRecord] = [:]
        var mismatches: [Mismatch] = []
        var missing: [String] = []
        /// Servers that could not be had.
        var silent: Set<EgressOrigin> = []
        var stored = 0
        var storedBytes: Int64 = 0
    }

    /// So many answers of one step are stored, and so many bytes of them; more are passed on and forgotten.
    private static let most = (answers: 20_000, bytes: Int64(16) << 30)

    private let state = Mutex(State())

    /// The first time counts: what was downloaded is answered from the store the next time.
    func note(_ record: PackageRecord) {
        state.withLock { state in
            let key = "\(record.registry)\(record.path)"
            if state.packages[key]?.digest != record.digest { state.packages[key] = record }
        }
    }

    func note(_ mismatch: Mismatch) {
        state.withLock { if !$0.mismatches.contains(mismatch) { $0.mismatches.append(mismatch) } }
    }

    func noteMissing(_ title: String) { state.withLock { if !$0.missing.contains(title) { $0.missing.append(title) } } }

    func noteSilent(_ origin: EgressOrigin) { state.withLock { _ = $0.silent.insert(origin) } }
    func isSilent(_ origin: EgressOrigin) -> Bool { state.withLock { $0.silent.contains(origin) } }

    /// Whether one more answer may be stored.
    func hasRoom() -> Bool { state.withLock { $0.stored < Self.most.answers && $0.storedBytes < Self.most.bytes } }
    func noteStored(_ bytes: Int64) {
        state.withLock {
            $0.stored += 1
            $0.storedBytes += bytes
        }
    }

    var packages: [PackageRecord] { state.withLock { $0.packages.values.sorted() } }
    var mismatches: [Mismatch] { state.withLock { $0.mismatches } }
    var missing: [String] { state.withLock { $0.missing } }
    func mismatch(of url: String) -> Mismatch? { state.withLock { $0.mismatches.first { $0.url == url } } }
}
