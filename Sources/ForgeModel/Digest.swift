import Crypto

/// The identity of a byte sequence: its SHA-256 and its length.
///
/// The same number names an object in Forge's store, in a Remote Execution API CAS and in an OCI image. A value that
/// exists is well formed; whole digests are compared, never parts of them.
/// Source: Remote Execution API v2, message `Digest`; OCI image spec, "Digests".
package struct Digest: Hashable, Sendable {
    /// 64 lower-case hexadecimal digits.
    package let hex: String
    /// Length of the named bytes.
    package let sizeBytes: Int64

    /// - Throws: `DigestError` unless `hex` is 64 lower-case hexadecimal digits and the size is not negative.
    package init(hex: some StringProtocol, sizeBytes: Int64) throws(DigestError) {
        var text = String(hex)
        guard text.withUTF8(HexText.isHash) else { throw .malformed(text) }
        guard sizeBytes >= 0 else { throw .negativeSize(sizeBytes) }
        self.hex = text
        self.sizeBytes = sizeBytes
    }

    /// The digest of `bytes`.
    package init(of bytes: some Collection<UInt8>) {
        var hasher = DigestHasher()
        if bytes.withContiguousStorageIfAvailable({ hasher.update(UnsafeRawBufferPointer($0)) }) == nil {
            Array(bytes).withUnsafeBytes { hasher.update($0) }
        }
        self = hasher.finish()
    }

    /// The digest of `text`'s UTF-8 bytes.
    package init(of text: String) { self.init(of: Array(text.utf8)) }

    /// Of the 32 bytes that the hash itself is; nil for another number of them.
    package init?(hash: some Collection<UInt8>, sizeBytes: Int64) {
        guard hash.count == 32, sizeBytes >= 0 else { return nil }
        let hex = hash.withContiguousStorageIfAvailable(HexText.of) ?? Array(hash).withUnsafeBufferPointer(HexText.of)
        self.init(trustedHex: hex, sizeBytes: sizeBytes)
    }

    /// The 32 bytes that `hex` writes out.
    package var hash: [UInt8] {
        func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
        var hex = self.hex
        return hex.withUTF8 { digits in (0..<32).map { value(digits[2 * $0]) << 4 | value(digits[2 * $0 + 1]) } }
    }

    fileprivate init(trustedHex: String, sizeBytes: Int64) {
        self.hex = trustedHex
        self.sizeBytes = sizeBytes
    }

    /// The hash of a text of the form `sha256:<hex>`, the only form a person types; the size is the store's to find.
    package static func hash(parsing text: String) throws(DigestError) -> String {
        guard text.hasPrefix("sha256:") else { throw .unknownAlgorithm(text) }
        return try Digest(hex: text.dropFirst("sha256:".count), sizeBytes: 0).hex
    }

    /// The first twelve digits, for people only.
    package var short: String { String(hex.prefix(12)) }
}

extension Digest: CustomStringConvertible {
    /// `sha256:<hex>`.
    package var description: String { "sha256:" + hex }
}

extension Digest: Comparable {
    package static func < (left: Digest, right: Digest) -> Bool {
        (left.hex, left.sizeBytes) < (right.hex, right.sizeBytes)
    }
}

/// Saved as `sha256:<hex>/<size>`.
extension Digest: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let size = Int64(parts[1]) else { throw DigestError.malformed(text) }
        try self.init(hex: Digest.hash(parsing: String(parts[0])), sizeBytes: size)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode("\(description)/\(sizeBytes)")
    }
}

/// Computes a `Digest` from pieces, in constant memory.
package struct DigestHasher {
    private var hash = SHA256()
    private var count: Int64 = 0

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
        count += Int64(bytes.count)
    }

    package consuming func finish() -> Digest {
        Digest(trustedHex: Array(hash.finalize()).withUnsafeBufferPointer(HexText.of), sizeBytes: count)
    }
}

/// Bytes as lower-case hexadecimal digits. Ten thousand files have as many digests: nothing generic here.
private enum HexText {
    static func isHash(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        text.count == 64 && text.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    static func of(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        String(unsafeUninitializedCapacity: 64) { buffer in
            var index = 0
            for byte in bytes {
                buffer[index] = digit(byte >> 4)
                buffer[index + 1] = digit(byte & 15)
                index += 2
            }
            return index
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 48 + value : 87 + value }
}

package enum DigestError: Error, Equatable, CustomStringConvertible {
    case unknownAlgorithm(String)
    case malformed(String)
    case negativeSize(Int64)

    package var description: String {
        switch self {
        case .unknownAlgorithm(let text): "`\(text)` is not a digest: expected `sha256:` and 64 hexadecimal digits"
        case .malformed(let text): "`\(text)` is not a SHA-256 digest: expected 64 lower-case hexadecimal digits"
        case .negativeSize(let size): "a digest's size cannot be \(size)"
        }
    }
}
