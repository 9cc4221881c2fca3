internal import Crypto

/// A hash that a file must have, as somebody wrote it down.
package struct ExpectedHash: Hashable, Sendable {
    enum Algorithm: String, Sendable, CaseIterable {
        case sha1, sha256, sha512

        var size: Int { self == .sha1 ? 20 : self == .sha256 ? 32 : 64 }
    }

    /// How npm's lockfiles write it, and how Python's do.
    private enum Style { case base64, hex }

    let algorithm: Algorithm
    let bytes: [UInt8]
    private let style: Style

    /// `sha512-<base64>`; of several those of the strongest kind. Source: W3C, Subresource Integrity.
    static func integrity(_ text: some StringProtocol) -> [ExpectedHash] {
        let all = text.split(whereSeparator: \.isWhitespace).compactMap { word -> ExpectedHash? in
            guard let dash = word.firstIndex(of: "-"), let algorithm = Algorithm(rawValue: String(word[..<dash])) else { return nil }
            let value = word[word.index(after: dash)...].prefix { $0 != "?" }
            guard let bytes = Base64.decode(value), bytes.count == algorithm.size else { return nil }
            return ExpectedHash(algorithm: algorithm, bytes: bytes, style: .base64)
        }
        guard let strongest = all.map(\.algorithm.size).max() else { return [] }
        return all.filter { $0.algorithm.size == strongest }
    }

    /// `sha256:<hex>`, or the digits alone.
    static func hex(_ text: some StringProtocol, _ algorithm: Algorithm? = nil) -> ExpectedHash? {
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "=" })
        guard let digits = parts.last, let kind = algorithm ?? parts.first.flatMap({ Algorithm(rawValue: String($0)) }),
            digits.utf8.count == kind.size * 2, let bytes = bytes(ofHex: Substring(digits))
        else { return nil }
        return ExpectedHash(algorithm: kind, bytes: bytes, style: .hex)
    }

    private static func bytes(ofHex digits: Substring) -> [UInt8]? {
        let values = digits.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard values.count == digits.utf8.count else { return nil }
        return stride(from: 0, to: values.count - 1, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
    }

    func matches(_ found: BodyHashes) -> Bool { found.bytes(algorithm) == bytes }

    /// As the one who expects it would have written what was found.
    func text(of found: BodyHashes) -> String { text(found.bytes(algorithm)) }

    var text: String { text(bytes) }

    private func text(_ bytes: [UInt8]) -> String {
        switch style {
        case .base64: "\(algorithm.rawValue)-\(Base64.encode(bytes))"
        case .hex: "\(algorithm.rawValue):\(BodyHashes.hex(bytes))"
        }
    }
}

/// The hashes of one body, of every kind that lockfiles name.
struct BodyHashes: Sendable {
    let sha256: [UInt8]
    let sha512: [UInt8]
    let sha1: [UInt8]

    func bytes(_ algorithm: ExpectedHash.Algorithm) -> [UInt8] {
        switch algorithm {
        case .sha1: sha1
        case .sha256: sha256
        case .sha512: sha512
        }
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    }
}

/// Computes all of them from pieces.
struct BodyHasher: Sendable {
    private var sha256 = SHA256()
    private var sha512 = SHA512()
    private var sha1 = Insecure.SHA1()

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        sha256.update(bufferPointer: bytes)
        sha512.update(bufferPointer: bytes)
        sha1.update(bufferPointer: bytes)
    }

    func finish() -> BodyHashes {
        BodyHashes(sha256: Array(sha256.finalize()), sha512: Array(sha512.finalize()), sha1: Array(sha1.finalize()))
    }
}
