internal import Glibc
package import NIOCore

/// Why bytes are not the head or body of a message that has one reading only.
package enum WireFault: Error, Hashable {
    case malformed
    /// More bytes or fields than the limits allow.
    case tooLarge
    /// Well formed, but its end, host or target can be read in two ways.
    case ambiguous(String)
}

/// How long a body is.
package enum BodyFraming: Hashable {
    case none
    case length(Int)
    case chunked
    /// To the end of the connection; answers only.
    case untilClose
}

/// Finds the end of a head in bytes that arrive piece by piece, each looked at once.
package struct HeadScanner {
    private var scanned = 0
    private var lineStart = 0
    private var lines = 0

    package init() {}

    /// The length of the head with its empty line; nil when more bytes are needed. `bytes` begins where it began at the last call.
    package mutating func end(in bytes: UnsafeRawBufferPointer, limit: Int, fields: Int) throws(WireFault) -> Int? {
        while scanned < bytes.count, let start = bytes.baseAddress,
            let found = memchr(start + scanned, 0x0A, bytes.count - scanned)
        {
            let feed = UnsafeRawPointer(found) - start
            guard feed > lineStart, bytes[feed - 1] == 0x0D else { throw .malformed }
            scanned = feed + 1
            if scanned > limit { throw .tooLarge }
            if feed - 1 == lineStart { return scanned }
            lines += 1
            if lines > fields + 1 { throw .tooLarge }
            lineStart = scanned
        }
        scanned = bytes.count
        if scanned > limit { throw .tooLarge }
        return nil
    }
}

/// The head of a message: its bytes and where its parts are. Every byte was checked.
package struct MessageHead {
    package struct Field {
        package let name: FieldName
        package let start: Int
        package let nameEnd: Int
        package let valueStart: Int
        package let valueEnd: Int
    }

    /// From the start line to the empty line; all positions count from its reader index.
    package let bytes: ByteBuffer
    package let startLineEnd: Int
    package let fields: [Field]

    /// `bytes` is what `HeadScanner` found.
    package init(parsing bytes: ByteBuffer) throws(WireFault) {
        self.bytes = bytes
        let parsed = bytes.withUnsafeReadableBytes { Self.parse($0) }
        guard let (end, fields) = parsed else { throw .malformed }
        self.startLineEnd = end
        self.fields = fields
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> (Int, [Field])? {
        var fields: [Field] = []
        fields.reserveCapacity(16)
        guard let lineEnd = end(ofLineAt: 0, in: bytes) else { return nil }
        var start = lineEnd + 2
        while let end = end(ofLineAt: start, in: bytes), end > start {
            guard let field = field(bytes, start, end) else { return nil }
            fields.append(field)
            start = end + 2
        }
        return (lineEnd, fields)
    }

    private static func end(ofLineAt start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress, let found = memchr(base + start, 0x0A, bytes.count - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - base - 1
    }

    private static func field(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Field? {
        var colon = start
        while colon < end, FieldName.isToken(bytes[colon]) { colon += 1 }
        guard colon > start, colon < end, bytes[colon] == UInt8(ascii: ":") else { return nil }
        var (first, last) = (colon + 1, end)
        while first < last, isBlank(bytes[first]) { first += 1 }
        while last > first, isBlank(bytes[last - 1]) { last -= 1 }
        for index in first..<last where !FieldName.isValue(bytes[index]) { return nil }
        let name = FieldName(UnsafeRawBufferPointer(rebasing: bytes[start..<colon]))
        return Field(name: name, start: start, nameEnd: colon, valueStart: first, valueEnd: last)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// The field of that name; nil when there is none or more than one.
    package func only(_ name: FieldName) -> Field? {
        var found: Field?
        for field in fields where field.name == name {
            guard found == nil else { return nil }
            found = field
        }
        return found
    }

    /// The values of all fields of that name, in their order.
    package func values(_ name: FieldName) -> [String] { fields.filter { $0.name == name }.map(text) }

    package func name(_ field: Field) -> String { text(field.start..<field.nameEnd) }
    package func text(_ field: Field) -> String { text(field.valueStart..<field.valueEnd) }

    package func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeReadableBytes { String(decoding: $0[range], as: UTF8.self) }
    }

    /// The tokens of a comma-separated field, lower case.
    package func tokens(_ name: FieldName) -> [String] {
        values(name).flatMap { value in
            value.split(separator: ",").map { piece in
                String(piece.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }).lowercased()
            }
        }
    }

    /// The length that fields of this message give its body, nil for none.
    package func framing(isOld: Bool) throws(WireFault) -> BodyFraming? {
        var length: Field?
        var encoding: Field?
        for field in fields {
            switch field.name {
            case .contentLength:
                guard length == nil else { throw .ambiguous("The length of this request is given twice.") }
                length = field
            case .transferEncoding:
                guard encoding == nil else { throw .ambiguous("The encoding of this request is given twice.") }
                encoding = field
            default: break
            }
        }
        if let encoding {
            guard length == nil, !isOld, text(encoding).lowercased() == "chunked" else {
                throw .ambiguous("The length of this request is ambiguous.")
            }
            return .chunked
        }
        guard let length else { return nil }
        let digits = text(length)
        guard (1...18).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), let count = Int(digits) else {
            throw .ambiguous("The length of this request is not a number.")
        }
        return .length(count)
    }
}

extension ByteBuffer {
    /// Appends the bytes at `range` of `head`.
    package mutating func write(_ head: MessageHead, _ range: Range<Int>) {
        head.bytes.withUnsafeReadableBytes { _ = writeBytes(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    package mutating func writeLineEnd() { writeStaticString("\r\n") }

    /// Appends a field as it came, blanks around its value aside.
    package mutating func write(_ field: MessageHead.Field, of head: MessageHead) {
        write(head, field.start..<field.nameEnd)
        writeStaticString(": ")
        write(head, field.valueStart..<field.valueEnd)
        writeLineEnd()
    }
}
