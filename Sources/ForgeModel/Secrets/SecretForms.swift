/// How a value may be written so that it can still be read back: as it is, escaped, in hexadecimal or in base64.
enum SecretForms {
    /// Each form once; none is shorter than six bytes.
    static func all(of text: String) -> Set<[UInt8]> {
        let bytes = Array(text.utf8)
        var forms: Set<[UInt8]> = [bytes]
        forms.formUnion(escaped(text))
        forms.formUnion(percentEncoded(bytes))
        forms.formUnion(hexadecimal(bytes))
        forms.formUnion(base64(bytes))
        return forms.filter { $0.count >= 6 }
    }

    /// Inside a JSON string (with and without its `\/`), a shell's single quotes, HTML.
    private static func escaped(_ text: String) -> [[UInt8]] {
        var json = "", slashed = "", html = "", shell = ""
        for scalar in text.unicodeScalars {
            let plain = String(scalar)
            let escape = jsonEscapes[scalar]
            json += escape ?? plain
            slashed += scalar == "/" ? "\\/" : escape ?? plain
            html += htmlEscapes[scalar] ?? plain
            shell += scalar == "'" ? "'\\''" : plain
        }
        return [json, slashed, html, shell].map { Array($0.utf8) }
    }

    private static let jsonEscapes: [Unicode.Scalar: String] = ["\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"]
    private static let htmlEscapes: [Unicode.Scalar: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;", "'": "&#39;"]

    /// RFC 3986 §2.1, by what different programs leave as it is: JavaScript's `encodeURIComponent`, Python's `quote`, forms.
    private static func percentEncoded(_ bytes: [UInt8]) -> [[UInt8]] {
        let unreserved = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~".utf8)
        let kept = [
            unreserved, unreserved.union("!'()*".utf8), unreserved.union("/".utf8), unreserved.union("*".utf8).subtracting("~".utf8), [],
        ]
        return kept.flatMap { kept in
            [true, false].flatMap { isUpper in
                [false, true].map { isForm in
                    bytes.flatMap { byte -> [UInt8] in
                        if kept.contains(byte) { return [byte] }
                        if isForm, byte == UInt8(ascii: " ") { return [UInt8(ascii: "+")] }
                        return [UInt8(ascii: "%")] + digits(byte, isUpper: isUpper)
                    }
                }
            }
        }
    }

    private static func digits(_ byte: UInt8, isUpper: Bool) -> [UInt8] {
        let digits = Array((isUpper ? "0123456789ABCDEF" : "0123456789abcdef").utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// Whole, with what tools put between the bytes, and line by line as `xxd -p` (30 bytes) and `od`, `hexdump`, `xxd` (16) print it.
    private static func hexadecimal(_ bytes: [UInt8]) -> [[UInt8]] {
        var forms: [[UInt8]] = []
        for isUpper in [true, false] {
            for (separator, group) in [("", 1), (" ", 1), (":", 1), (" ", 2), ("\\x", 1), (", 0x", 1)] {
                func written(_ bytes: some Collection<UInt8>) -> [UInt8] {
                    var text: [UInt8] = []
                    for (index, byte) in bytes.enumerated() {
                        if index > 0, index % group == 0 { text += separator.utf8 }
                        text += digits(byte, isUpper: isUpper)
                    }
                    return text
                }
                forms.append(written(bytes))
                for width in [16, 30] where bytes.count > width {
                    forms += chunks(bytes, width).map { written($0) }
                }
            }
        }
        return forms
    }

    private static func chunks<Element>(_ all: [Element], _ width: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: all.count, by: width).map { all[$0..<min($0 + width, all.count)] }
    }

    /// RFC 4648 §4 and §5: what all encodings of a text that holds the value have in common, wherever the value begins in it; and, where
    /// the value begins the text, each line of 76 (`base64`, MIME) or 64 (`openssl`, PEM) characters.
    private static func base64(_ bytes: [UInt8]) -> [[UInt8]] {
        [base64Alphabet, base64URLAlphabet].flatMap { alphabet in
            var forms = (0..<3).map { offset in
                let encoded = encoded([UInt8](repeating: 0, count: offset) + bytes, alphabet)
                // Characters that only bits of the value decide.
                let first = (offset * 8 + 5) / 6
                return Array(encoded[first..<((offset + bytes.count) * 8 / 6)])
            }
            let whole = Array(encoded(bytes, alphabet)[..<(bytes.count * 8 / 6)])
            for width in [64, 76] where whole.count > width { forms += chunks(whole, width).filter { $0.count >= 12 }.map(Array.init) }
            return forms
        }
    }

    private static let base64Alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let base64URLAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Without padding.
    private static func encoded(_ bytes: [UInt8], _ alphabet: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        var (bits, count): (UInt32, Int) = (0, 0)
        for byte in bytes {
            bits = (bits << 8 | UInt32(byte)) & 0xFFFF
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count)) & 63])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
        return text
    }
}
