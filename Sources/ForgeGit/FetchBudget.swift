internal import ForgeModel
internal import Synchronization

/// What the fetches for one source may take together: its commit, those of its submodules, and LFS objects.
package final class FetchBudget: Sendable {
    private let start = ContinuousClock.now
    private let spent = Mutex(FetchedCommit.Transfer())

    package init() {}

    package func spend(_ transfer: FetchedCommit.Transfer) {
        spent.withLock {
            $0.objects += transfer.objects
            $0.bytes += transfer.bytes
        }
    }

    /// What is left of `whole` for the next fetch.
    /// - Throws: `source.timeout`, `source.too-large`
    package func rest(of whole: FetchLimits) throws -> FetchLimits {
        let spent = spent.withLock { $0 }
        var rest = whole
        rest.totalSeconds -= Int((ContinuousClock.now - start) / .seconds(1))
        rest.maximumObjects -= spent.objects
        guard rest.totalSeconds > 0 else {
            throw ForgeError(.usage, "source.timeout", "the source and its parts took longer than \(whole.totalSeconds) s to fetch")
        }
        guard spent.bytes < whole.maximumBytes, rest.maximumObjects > 0 else {
            throw ForgeError(.usage, "source.too-large", "the source and its parts are larger than \(whole.maximumBytes) bytes")
        }
        rest.maximumBytes -= spent.bytes
        return rest
    }
}
