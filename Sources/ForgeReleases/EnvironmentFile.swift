internal import ForgeModel
internal import ForgeSystem

/// The variables of a file in the syntax of `.env` files.
///
/// A line is `NAME=value`, with `export` before it or not, blank, or a comment. A value may stand in `'single'`, `"double"` or
/// `` `back` `` quotes and then go over several lines; in double quotes `\n`, `\r`, `\t`, `\"` and `\\` are what they are in C.
/// Without quotes it ends at white space followed by `#`. `$` stands for itself: nothing is filled in. Of two lines for one
/// name the later counts.
package struct EnvironmentFile: Hashable, Sendable {
    package static let sizeLimit = 1 << 20

    package let variables: [String: String]

    /// Reads the file at `path`. Blocks.
    /// - Throws: `ForgeError` `variables.no-file`, `variables.invalid-file` with every fault and its line; never with a value.
    package static func read(_ path: String) throws -> EnvironmentFile {
        do {
            guard let bytes = try Files.read(path, limit: sizeLimit + 1) else {
                throw ForgeError(.configuration, "variables.no-file", "there is no file `\(path)` to read variables from")
            }
            return try EnvironmentFile(parsing: bytes, file: path)
        } catch let error as SystemError {
            throw ForgeError(.configuration, "variables.no-file", "`\(path)` cannot be read: \(error.reason)")
        }
    }

    /// - Throws: as `read`.
    package init(parsing bytes: [UInt8], file: String) throws {
        guard bytes.count <= Self.sizeLimit else {
            throw ForgeError(.configuration, "variables.invalid-file", "`\(file)` is larger than 1 MB", at: SourceLocation(file: file))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ForgeError(
                .configuration, "variables.invalid-file", "`\(file)` is not UTF-8 text", at: SourceLocation(file: file))
        }
        var parser = EnvironmentParser(text.unicodeScalars.first == "\u{FEFF}" ? Array(bytes.dropFirst(3)) : bytes, file: file)
        parser.parse()
        guard parser.faults.isEmpty else { throw ForgeError(.configuration, "variables.invalid-file", findings: parser.faults) }
        variables = parser.variables
    }

    /// The text that is read back as `variables`, sorted by name.
    package static func text(_ variables: [String: String]) -> String {
        variables.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))\n" }.joined()
    }

    private static func quoted(_ value: String) -> String {
        let plain = value.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "_-./:@%+,=?&~".utf8.contains(byte)
        }
        if plain { return value }
        if !value.utf8.contains(where: { $0 == UInt8(ascii: "'") || $0 < 0x20 }) { return "'\(value)'" }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\"", "\\": text += "\\" + String(scalar)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

private struct EnvironmentParser {
    private let bytes: [UInt8]
    private let file: String
    private var index = 0
    private var line = 1
    private(set) var variables: [String: String] = [:]
    private(set) var faults: [Diagnostic] = []

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
    }

    mutating func parse() {
        while index < bytes.count {
            skipSpace()
            if !isAtEndOfLine, peek != UInt8(ascii: "#") { assignment() }
            while !isAtEndOfLine { index += 1 }
            advance()
        }
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private var isAtEndOfLine: Bool { peek == nil || peek == UInt8(ascii: "\n") }

    private mutating func advance() {
        if peek == UInt8(ascii: "\n") { line += 1 }
        index += 1
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private mutating func skipSpace() { while let byte = peek, Self.isSpace(byte) { index += 1 } }

    private mutating func word() -> String {
        let start = index
        while let byte = peek, byte != UInt8(ascii: "="), byte != UInt8(ascii: "\n"), !Self.isSpace(byte) { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func assignment() {
        let place = SourceLocation(file: file, line: line)
        var name = word()
        skipSpace()
        if name == "export", !isAtEndOfLine, peek != UInt8(ascii: "=") {
            name = word()
            skipSpace()
        }
        guard peek == UInt8(ascii: "=") else {
            // What stands here may be the rest of a secret: it is not shown.
            faults.append(Diagnostic("the line is not `NAME=value`", at: place, hint: "put a value of several lines in quotes"))
            return
        }
        index += 1
        skipSpace()
        guard let value = value(at: place) else { return }
        if let fault = VariableRule.fault(name: VariableName.isValid(name) ? name : "…", value: value) {
            let message =
                VariableName.isValid(name) ? fault.message : "what stands before `=` is not the name of a variable: \(VariableName.rule)"
            faults.append(Diagnostic(message, at: place, hint: VariableName.isValid(name) ? fault.hint : nil))
        } else {
            variables[name] = value
        }
    }

    /// Nil after a fault.
    private mutating func value(at place: SourceLocation) -> String? {
        guard let quote = peek, [UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`")].contains(quote) else { return plain() }
        index += 1
        var value: [UInt8] = []
        while let byte = peek, byte != quote {
            advance()
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\""), let next = peek {
                if let escaped = Self.escapes[next] {
                    index += 1
                    value.append(escaped)
                    continue
                }
            }
            value.append(byte)
        }
        guard peek == quote else {
            faults.append(Diagnostic("the quote that begins here has no end", at: place))
            return nil
        }
        index += 1
        skipSpace()
        guard isAtEndOfLine || peek == UInt8(ascii: "#") else {
            faults.append(
                Diagnostic(
                    "something follows the closing quote", at: SourceLocation(file: file, line: line),
                    hint: "write a quote of the same kind inside it as `\\\"`, or use the other quotes"))
            return nil
        }
        return String(decoding: value, as: UTF8.self)
    }

    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09, UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C,
        UInt8(ascii: "$"): 0x24,
    ]

    private mutating func plain() -> String {
        let start = index
        while !isAtEndOfLine, !(peek == UInt8(ascii: "#") && (index == start || Self.isSpace(bytes[index - 1]))) { index += 1 }
        var end = index
        while end > start, Self.isSpace(bytes[end - 1]) { end -= 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }
}
