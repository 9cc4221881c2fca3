internal import ForgeModel
internal import Synchronization

/// What a descriptor's file describes: at hand, or read when somebody asks for it.
struct OnDemand<Value: Sendable>: Sendable {
    private let content: Content

    private enum Content {
        case read(Value)
        case unread(Unread)
    }

    init(_ value: Value) { content = .read(value) }

    /// - Parameter reading: run once at most; nil and the faults when the file is not sound.
    init(reading: @escaping @Sendable (FaultLog) -> Value?) { content = .unread(Unread(reading)) }

    /// Nil for what was not at hand from the beginning.
    var atHand: Value? { if case .read(let value) = content { value } else { nil } }

    /// Blocks the first time.
    /// - Throws: `ForgeError` `preset.invalid` when the file is not what an index took it for: another version's.
    func value() throws -> Value {
        switch content {
        case .read(let value): value
        case .unread(let unread): try unread.value()
        }
    }

    private final class Unread: Sendable {
        private let reading: @Sendable (FaultLog) -> Value?
        private let known = Mutex<Value?>(nil)

        init(_ reading: @escaping @Sendable (FaultLog) -> Value?) { self.reading = reading }

        func value() throws -> Value {
            try known.withLock { known in
                if let known { return known }
                let faults = FaultLog()
                guard let value = reading(faults) else { throw ForgeError(.configuration, "preset.invalid", findings: faults.sorted) }
                known = value
                return value
            }
        }
    }
}
