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

    private let table = Mutex<[Key: Counts]>([:])

    func allowed(_ origin: EgressOrigin) { add(Key(origin: origin, verdict: .allowed, reason: nil)) { $0.connections += 1 } }

    func note(_ failure: EgressFailure) {
        add(Key(origin: failure.origin, verdict: failure.verdict, reason: failure.reason)) { $0.connections += 1 }
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
