internal import FoundationEssentials

/// One message as one line of JSON.
package enum ControlLine {
    /// Longest line in bytes; a longer one is refused before it is held.
    package static let limit = 1 << 20

    package static func encode(_ message: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(message)) + [UInt8(ascii: "\n")]
    }

    package static func decode<Message: Decodable>(_ type: Message.Type, from line: some Sequence<UInt8>) throws -> Message {
        try JSONDecoder().decode(type, from: Data(line))
    }
}

/// Cuts what arrives into lines.
package struct ControlLines: Sendable {
    package struct TooLong: Error {}

    private var rest: [UInt8] = []

    package init() {}

    /// The lines that `bytes` complete, without their ends.
    package mutating func take(_ bytes: some Sequence<UInt8>) throws(TooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(rest)
                rest = []
            } else {
                guard rest.count < ControlLine.limit else { throw TooLong() }
                rest.append(byte)
            }
        }
        return lines
    }
}
