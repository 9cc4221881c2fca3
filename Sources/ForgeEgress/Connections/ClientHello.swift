/// The first message of a TLS connection, read only as far as the server it names.
///
/// Own code, because NIOTLS's SNIHandler hands on what it has at the end of input, unchecked, and shows neither a hello in
/// several records, nor one with two names, nor an encrypted one.
/// Source: RFC 8446 sections 4.1.2 and 5.1; RFC 6066 section 3; RFC 9849 (encrypted ClientHello).
package enum ClientHello: Hashable, Sendable {
    /// Nothing is decided before more bytes came.
    case incomplete
    /// A hello that names this server; nil when it names none.
    case names(String?)
    /// No hello, or one whose real name may be another: malformed, two names, encrypted.
    case unacceptable

    /// More than any client sends, post-quantum keys included.
    package static let mostBytes = 32 << 10

    /// Judges all bytes so far.
    package init(_ bytes: some Collection<UInt8>) {
        var records = ByteReader(Array(bytes))
        var message: [UInt8] = []
        while true {
            if let length = Self.messageLength(message) {
                guard length <= Self.mostBytes else { break }
                if message.count >= length + 4 {
                    self = Self.parse(Array(message[4..<length + 4]))
                    return
                }
            } else if let first = message.first, first != 1 {
                break
            }
            guard let type = records.byte(), let major = records.byte() else {
                self = Self.unfinished(records)
                return
            }
            guard type == 22, major == 3 else { break }
            guard records.byte() != nil, let size = records.short() else {
                self = Self.unfinished(records)
                return
            }
            guard size > 0, size <= 1 << 14 else { break }
            guard let fragment = records.take(min(size, records.count)), fragment.count == size else {
                self = Self.unfinished(records)
                return
            }
            message += fragment
        }
        self = .unacceptable
    }

    private static func unfinished(_ reader: ByteReader) -> ClientHello { reader.total < mostBytes ? .incomplete : .unacceptable }

    private static func messageLength(_ message: [UInt8]) -> Int? {
        guard message.count >= 4, message[0] == 1 else { return nil }
        return Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
    }

    private static func parse(_ body: [UInt8]) -> ClientHello {
        var reader = ByteReader(body)
        guard reader.take(34) != nil, reader.vector8() != nil, reader.vector16() != nil, reader.vector8() != nil else {
            return .unacceptable
        }
        if reader.count == 0 { return .names(nil) }
        guard let extensions = reader.vector16(), reader.count == 0 else { return .unacceptable }
        var list = ByteReader(extensions)
        var name: String?
        while list.count > 0 {
            guard let type = list.short(), let content = list.vector16() else { return .unacceptable }
            if type == 0xFE0D { return .unacceptable }
            guard type == 0 else { continue }
            guard name == nil, let found = serverName(content) else { return .unacceptable }
            name = found
        }
        return .names(name)
    }

    private static func serverName(_ content: [UInt8]) -> String? {
        var outer = ByteReader(content)
        guard let names = outer.vector16(), outer.count == 0 else { return nil }
        var reader = ByteReader(names)
        guard reader.byte() == 0, let name = reader.vector16(), reader.count == 0, !name.isEmpty,
            name.allSatisfy({ $0 > 32 && $0 < 127 })
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }
}

/// Reads big-endian numbers and the vectors they count.
private struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var total: Int { bytes.count }
    var count: Int { bytes.count - position }

    mutating func take(_ length: Int) -> [UInt8]? {
        guard length <= count else { return nil }
        defer { position += length }
        return Array(bytes[position..<position + length])
    }

    mutating func byte() -> UInt8? { take(1)?[0] }
    mutating func short() -> Int? { take(2).map { Int($0[0]) << 8 | Int($0[1]) } }
    mutating func vector8() -> [UInt8]? { byte().flatMap { take(Int($0)) } }
    mutating func vector16() -> [UInt8]? { short().flatMap { take($0) } }
}
