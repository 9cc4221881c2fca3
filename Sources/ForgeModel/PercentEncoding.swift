/// Names of paths as they stand in URLs.
package enum PercentEncoding {
    /// `name` with nothing in it but what a URL may have anywhere: neither slashes nor line ends survive.
    package static func encode(_ name: some StringProtocol) -> String { encode(name.utf8) { isUnreserved($0) } }

    /// A part of a URL that a person wrote: what stands for something there stays, all else is encoded.
    static func encodeWritten(_ text: some StringProtocol) -> String {
        let bytes = Array(text.utf8)
        var result = ""
        for (index, byte) in bytes.enumerated() {
            let isEscape =
                byte == UInt8(ascii: "%") && index + 2 < bytes.count && value(bytes[index + 1]) != nil && value(bytes[index + 2]) != nil
            result += encode(CollectionOfOne(byte)) { isUnreserved($0) || isReserved($0) || isEscape }
        }
        return result
    }

    /// Nil for a `%` without two hexadecimal digits, for a byte behind one that `refused` holds for, and for what is not UTF-8.
    /// - Parameter refused: left out: what a name cannot have, a slash and control characters.
    package static func decode(_ text: some StringProtocol, refusing refused: (UInt8) -> Bool = isNoName) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(value), let low = rest.popFirst().flatMap(value) else { return nil }
            let decoded = high << 4 | low
            guard !refused(decoded) else { return nil }
            bytes.append(decoded)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    package static func isNoName(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "/") }

    private static func encode(_ bytes: some Sequence<UInt8>, keeping: (UInt8) -> Bool) -> String {
        var text = ""
        for byte in bytes {
            if keeping(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    private static let reserved = Set(":/?#[]@!$&'()*+,;=".utf8)
    private static func isReserved(_ byte: UInt8) -> Bool { reserved.contains(byte) }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}
