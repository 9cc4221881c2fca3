/// Hides values in what a step writes, and finds them in what it leaves.
package struct SecretMask: Sendable {
    private let automaton: ByteAutomaton
    private let secrets: [Secret]

    /// What stands in a value's place.
    package static let mark = "***"

    /// nil when there is nothing to hide.
    package init?(_ secrets: [Secret]) {
        let patterns = secrets.enumerated().flatMap { owner, secret in
            Set(secret.parts.flatMap { SecretForms.all(of: $0) }).map { (bytes: $0, owner: owner) }
        }
        guard !patterns.isEmpty else { return nil }
        self.secrets = secrets
        automaton = ByteAutomaton(patterns)
    }

    package func masked(_ text: String) -> String {
        var stream = Stream(self)
        return String(decoding: stream.feed(Array(text.utf8)) + stream.finish(), as: UTF8.self)
    }

    /// A stream of bytes that comes in pieces; a value that is split between them is hidden all the same.
    package struct Stream: Sendable {
        private let automaton: ByteAutomaton
        private var state: ByteAutomaton.State = 0
        /// Bytes that may belong to a value that has not ended yet, and whether they are known to belong to one.
        private var held: [(byte: UInt8, isHidden: Bool)] = []
        private var lastWasHidden = false

        package init(_ mask: SecretMask) { automaton = mask.automaton }

        /// What is certain after these bytes; the rest is held back.
        package mutating func feed(_ bytes: [UInt8]) -> [UInt8] {
            var output: [UInt8] = []
            output.reserveCapacity(bytes.count + held.count)
            for byte in bytes {
                state = automaton.next(state, byte)
                if state == 0, held.isEmpty {
                    output.append(byte)
                    lastWasHidden = false
                    continue
                }
                held.append((byte, false))
                let length = automaton.matchLength[Int(state)]
                for index in (held.count - length)..<held.count { held[index].isHidden = true }
                if state == 0 || held.count > 4096 { release(held.count - automaton.depth[Int(state)], to: &output) }
            }
            release(held.count - automaton.depth[Int(state)], to: &output)
            return output
        }

        /// The rest, at the stream's end.
        package mutating func finish() -> [UInt8] {
            var output: [UInt8] = []
            release(held.count, to: &output)
            state = 0
            return output
        }

        private mutating func release(_ count: Int, to output: inout [UInt8]) {
            for (byte, isHidden) in held[..<count] {
                if !isHidden { output.append(byte) } else if !lastWasHidden { output += SecretMask.mark.utf8 }
                lastWasHidden = isHidden
            }
            held.removeFirst(count)
        }
    }

    /// Looks for values in a stream of bytes.
    package struct Search: Sendable {
        private let mask: SecretMask
        private var state: ByteAutomaton.State = 0

        package init(_ mask: SecretMask) { self.mask = mask }

        /// The first value that ends in these bytes.
        package mutating func feed(_ bytes: some Sequence<UInt8>) -> Secret? {
            for byte in bytes {
                state = mask.automaton.next(state, byte)
                if mask.automaton.matchLength[Int(state)] > 0 { return mask.secrets[mask.automaton.matchOwner[Int(state)]] }
            }
            return nil
        }
    }
}
