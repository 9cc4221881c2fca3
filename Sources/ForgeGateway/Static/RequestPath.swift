internal import ForgeModel

/// The path of a request, decoded once: names below a site's root, none of them `.`, `..`, empty or with a slash inside.
struct RequestPath: Hashable, Sendable {
    let names: [String]
    /// Whether the path asks for a directory (`/`, `/docs/`).
    let isDirectory: Bool
    /// The query with its question mark, as sent; empty for none.
    let query: String

    enum Fault: Error, Hashable {
        /// Not of the form `/path?query`.
        case form
        /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
        case encoding
        /// A slash, NUL or control character behind a `%`.
        case forbiddenByte
        /// `..` above the root.
        case climbs
    }

    /// - Throws: `Fault`; the request is answered 400.
    init(parsing target: String) throws(Fault) {
        guard target.hasPrefix("/") else { throw .form }
        let end = target.firstIndex { $0 == "?" || $0 == "#" } ?? target.endIndex
        self.query = target[end...].hasPrefix("?") ? String(target[end...].prefix { $0 != "#" }) : ""
        let path = target[..<end]
        var names: [String] = []
        var last = ""
        for piece in path.split(separator: "/", omittingEmptySubsequences: false) {
            last = try Self.decode(piece)
            switch last {
            case "", ".": continue
            case "..": if names.popLast() == nil { throw .climbs }
            default: names.append(last)
            }
        }
        self.names = names
        self.isDirectory = names.isEmpty || last == "" || last == "." || last == ".."
    }

    private static func decode(_ piece: Substring) throws(Fault) -> String {
        var bytes: [UInt8] = []
        var rest = piece.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                guard byte >= 0x20 && byte != 0x7F else { throw .forbiddenByte }
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else { throw .encoding }
            let decoded = high << 4 | low
            guard decoded >= 0x20 && decoded != 0x7F && decoded != UInt8(ascii: "/") else { throw .forbiddenByte }
            bytes.append(decoded)
        }
        guard let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains("\u{FFFD}") else { throw .encoding }
        return text
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    /// The names as one relative path; `.` for the root.
    var relative: String { names.isEmpty ? "." : names.joined(separator: "/") }

    /// Names with a leading dot are never served, but for `/.well-known` itself.
    var isHidden: Bool { Self.isHidden(names) }

    static func isHidden(_ names: [String]) -> Bool {
        names.enumerated().contains { $1.hasPrefix(".") && !($0 == 0 && $1 == ".well-known") }
    }

    /// The canonical path, with the slash at its end that the request had.
    var canonical: String { isDirectory ? directoryPath : String(directoryPath.dropLast()) }

    /// The canonical path for a `Location` header, as a directory, with the query.
    var directoryLocation: String { directoryPath + query }

    var directoryPath: String { "/" + names.map { PercentEncoding.encode($0) + "/" }.joined() }
}
