internal import FoundationEssentials

/// One message as one line, both ways.
public enum MessageLine {
    /// The message's JSON with sorted keys and its line feed.
    /// - Throws: `ProtocolViolation` when the line would be longer than the protocol allows.
    public static func encode(_ message: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = [UInt8](try encoder.encode(message))
        guard line.count <= TargetProtocol.maximumLineLength else {
            throw ProtocolViolation("a message of \(line.count) bytes, over the limit of \(TargetProtocol.maximumLineLength)")
        }
        return line + [UInt8(ascii: "\n")]
    }

    /// The message in `line`, which has no line feed.
    /// - Throws: `ProtocolViolation`, in words a plugin's author can use.
    public static func decode<Message: Decodable>(_ type: Message.Type = Message.self, from line: [UInt8]) throws(ProtocolViolation)
        -> Message
    {
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch let violation as ProtocolViolation {
            throw violation
        } catch let DecodingError.keyNotFound(key, _) {
            throw ProtocolViolation("a message without the key `\(key.stringValue)`: \(excerpt(line))")
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw ProtocolViolation(
                key.isEmpty ? "a line that is not a JSON object: \(excerpt(line))" : "a wrong type of value in `\(key)`: \(excerpt(line))")
        } catch {
            throw ProtocolViolation("a line that is not JSON: \(excerpt(line))")
        }
    }

    /// The line's beginning with everything unprintable replaced: fit for a terminal.
    private static func excerpt(_ line: [UInt8]) -> String {
        let shown = String(decoding: line.prefix(80), as: UTF8.self).unicodeScalars.map { scalar in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? "\u{FFFD}" : String(scalar)
        }
        return "`\(shown.joined())`" + (line.count > 80 ? " …" : "")
    }
}

/// Cuts a byte stream into lines and never holds more than one line's limit.
public struct LineSplitter: Sendable {
    private let limit: Int
    private var rest: [UInt8] = []

    /// Lines longer than `limit` bytes are refused.
    public init(limit: Int = TargetProtocol.maximumLineLength) { self.limit = limit }

    /// Takes the next bytes and returns the lines that are now complete, without their line feeds. Empty lines are left out.
    /// - Throws: `ProtocolViolation` at the first line over the limit; call no further then.
    public mutating func take(_ bytes: some Collection<UInt8>) throws(ProtocolViolation) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var pieces = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let tail = pieces.removeLast()
        for piece in pieces {
            try append(piece)
            if !rest.isEmpty { lines.append(rest) }
            rest = []
        }
        try append(tail)
        return lines
    }

    private mutating func append(_ piece: some Collection<UInt8>) throws(ProtocolViolation) {
        guard rest.count + piece.count <= limit else { throw ProtocolViolation("a line of more than \(limit) bytes") }
        rest.append(contentsOf: piece)
    }
}
