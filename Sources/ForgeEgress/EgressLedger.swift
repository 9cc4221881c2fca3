internal import ForgeModel
internal import Synchronization

/// Counts what one step's proxy does, from any thread.
final class EgressLedger: Sendable {
    private struct Key: Hashable {
        let origin: EgressOrigin?
        let verdict: EgressRecord.Verdict
        let reason: String?
    }

    private struct Counts {
        var connections = 0
        var sent: Int64 = 0
        var received: Int64 = 0
    }

    /// So often a step may ask in vain for one server: no tool that means well does, and some never stop by themselves.
    static let mostVainAttempts = 500

    private let table = Mutex<[Key: Counts]>([:])
    /// By server, those it was connected to not included.
    private let vain = Mutex<[EgressOrigin: Int]>([:])
    private let onHopeless: @Sendable () -> Void

    /// - Parameter onHopeless: called when one server has been asked for in vain too often.
    init(onHopeless: @escaping @Sendable () -> Void = {}) { self.onHopeless = onHopeless }

    func allowed(_ origin: EgressOrigin) {
        add(Key(origin: origin, verdict: .allowed, reason: nil)) { $0.connections += 1 }
        vain.withLock { $0[origin] = nil }
    }

    func note(_ failure: EgressFailure) {
        add(Key(origin: failure.origin, verdict: failure.verdict, reason: failure.reason)) { $0.connections += 1 }
        guard let origin = failure.origin else { return }
        let attempts = vain.withLock { vain in
            if vain.count < EgressRecord.mostRecords || vain[origin] != nil { vain[origin, default: 0] += 1 }
            return vain[origin] ?? 0
        }
        if attempts == Self.mostVainAttempts { onHopeless() }
    }

    func passed(_ origin: EgressOrigin, sent: Int = 0, received: Int = 0) {
        add(Key(origin: origin, verdict: .allowed, reason: nil)) {
            $0.sent += Int64(sent)
            $0.received += Int64(received)
        }
    }

    private func add(_ key: Key, _ change: (inout Counts) -> Void) {
        table.withLock { table in
            let isKnown = table[key] != nil || table.count < EgressRecord.mostRecords
            let kept = isKnown ? key : Key(origin: nil, verdict: key.verdict, reason: EgressRecord.summedUp)
            change(&table[kept, default: Counts()])
        }
    }

    var records: [EgressRecord] {
        table.withLock { table in
            table.map { key, counts in
                EgressRecord(
                    origin: key.origin, verdict: key.verdict, reason: key.reason, connections: counts.connections, bytesSent: counts.sent,
                    bytesReceived: counts.received)
            }.sorted()
        }
    }
}
