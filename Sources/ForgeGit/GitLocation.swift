internal import ForgeModel

/// How a person names a repository on this machine.
enum GitLocation {
    /// The path behind a path or a `file://` URL.
    /// - Throws: `source.unsupported-url`
    static func path(of location: String) throws -> String {
        guard let colon = location.firstIndex(of: ":"), location[colon...].hasPrefix("://") else { return location }
        let rest = location[colon...].dropFirst(3)
        guard location[..<colon].lowercased() == "file", let slash = rest.firstIndex(of: "/"),
            ["", "localhost"].contains(rest[..<slash]), let path = decoded(rest[slash...])
        else {
            throw ForgeError(
                .usage, "source.unsupported-url", "`\(location)` is not a repository on this machine",
                hint: "clone it and name the folder, or write `file:///…`")
        }
        return path
    }

    /// Nil when a `%` is not followed by two digits, or the result is not UTF-8.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let digits = String(rest.prefix(2)), digits.count == 2, let value = UInt8(digits, radix: 16), value != 0 else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
