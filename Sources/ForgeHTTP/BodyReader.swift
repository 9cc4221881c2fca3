package import NIOCore

/// Takes a body out of the bytes of a connection, piece by piece, by one framing and no other.
package struct BodyReader {
    package enum Step {
        case bytes(ByteBuffer)
        /// Nothing more to be had from these bytes.
        case more
        case end
    }

    private enum Chunk {
        /// The line with the size: how much of it was read.
        case size(value: Int, digits: Int)
        case extensions
        case sizeFeed
        case data(Int)
        case dataReturn, dataFeed
        case trailer(HeadScanner)
    }

    /// Bytes of all chunk extensions of a body: nobody uses them, and a flood of them costs time.
    private static let extensionLimit = 4 << 10
    private static let trailerLimit = 16 << 10

    package let framing: BodyFraming
    package private(set) var isDone: Bool
    private var rest: Int
    private var chunk = Chunk.size(value: 0, digits: 0)
    private var extensionBytes = 0

    package init(_ framing: BodyFraming) {
        self.framing = framing
        switch framing {
        case .length(let count): rest = count
        case .none: rest = 0
        case .chunked, .untilClose: rest = .max
        }
        isDone = rest == 0
    }

    /// The next piece in `input`, from which it is removed.
    package mutating func next(_ input: inout ByteBuffer) throws(WireFault) -> Step {
        if isDone { return .end }
        if case .chunked = framing { return try nextOfChunked(&input) }
        let count = min(rest, input.readableBytes)
        guard count > 0, let piece = input.readSlice(length: count) else { return .more }
        if case .length = framing {
            rest -= count
            isDone = rest == 0
        }
        return .bytes(piece)
    }

    private mutating func nextOfChunked(_ input: inout ByteBuffer) throws(WireFault) -> Step {
        while input.readableBytes > 0 {
            switch chunk {
            case .data(let left):
                let count = min(left, input.readableBytes)
                guard let piece = input.readSlice(length: count) else { return .more }
                chunk = count == left ? .dataReturn : .data(left - count)
                return .bytes(piece)
            case .trailer(var scanner):
                guard let end = try trailerEnd(&scanner, input) else {
                    chunk = .trailer(scanner)
                    return .more
                }
                input.moveReaderIndex(forwardBy: end)
                isDone = true
                return .end
            default:
                guard let byte = input.readInteger(as: UInt8.self) else { return .more }
                try take(byte)
            }
        }
        return .more
    }

    /// Trailers are read as strictly as fields, and dropped.
    private func trailerEnd(_ scanner: inout HeadScanner, _ input: ByteBuffer) throws(WireFault) -> Int? {
        let found = try input.withUnsafeReadableBytesTyped { bytes throws(WireFault) in
            try scanner.end(in: bytes, limit: Self.trailerLimit, fields: 100)
        }
        guard let end = found else { return nil }
        // The parser wants a start line; the trailer section has none.
        var text = ByteBuffer(string: "trailer\r\n")
        if let slice = input.getSlice(at: input.readerIndex, length: end) { text.writeImmutableBuffer(slice) }
        _ = try MessageHead(parsing: text)
        return end
    }

    /// One byte of the framing between two pieces of data.
    private mutating func take(_ byte: UInt8) throws(WireFault) {
        switch (chunk, byte) {
        case (.size(let value, let digits), _) where Self.hexValue(byte) != nil:
            // Fifteen digits cannot overflow.
            guard digits < 15, let digit = Self.hexValue(byte) else { throw .malformed }
            chunk = .size(value: value << 4 | digit, digits: digits + 1)
        case (.size(let value, let digits), 0x0D) where digits > 0:
            rest = value
            chunk = .sizeFeed
        case (.size(let value, let digits), UInt8(ascii: ";")) where digits > 0:
            rest = value
            chunk = .extensions
        case (.extensions, 0x0D): chunk = .sizeFeed
        case (.extensions, _) where FieldName.isValue(byte):
            extensionBytes += 1
            if extensionBytes > Self.extensionLimit { throw .tooLarge }
        case (.sizeFeed, 0x0A): chunk = rest == 0 ? .trailer(HeadScanner()) : .data(rest)
        case (.dataReturn, 0x0D): chunk = .dataFeed
        case (.dataFeed, 0x0A): chunk = .size(value: 0, digits: 0)
        default: throw .malformed
        }
    }

    private static func hexValue(_ byte: UInt8) -> Int? {
        switch byte {
        case 48...57: Int(byte) - 48
        case 65...70: Int(byte) - 55
        case 97...102: Int(byte) - 87
        default: nil
        }
    }
}

extension ByteBuffer {
    /// `withUnsafeReadableBytes` for a body with a typed error.
    package func withUnsafeReadableBytesTyped<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let result = withUnsafeReadableBytes { bytes in
            Result { () throws(Failure) in try body(bytes) }
        }
        return try result.get()
    }

    /// Appends one chunk.
    package mutating func writeChunkHead(_ count: Int) {
        writeString(String(count, radix: 16))
        writeLineEnd()
    }
}
