/// A JSON value and where it begins, so that messages and evidence can point at it.
package struct JSONNode: Hashable, Sendable {
    package indirect enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        /// As written: versions such as `1.10` keep their digits.
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([Member])
    }

    package struct Member: Hashable, Sendable {
        package let key: String
        package let line: Int
        package let node: JSONNode

        package init(key: String, line: Int, node: JSONNode) { (self.key, self.line, self.node) = (key, line, node) }
    }

    package let value: Value
    package let line: Int
    package let column: Int

    package init(value: Value, line: Int, column: Int) { (self.value, self.line, self.column) = (value, line, column) }

    package var string: String? { if case .string(let text) = value { text } else { nil } }
    package var elements: [JSONNode] { if case .array(let elements) = value { elements } else { [] } }
    package var members: [Member] { if case .object(let members) = value { members } else { [] } }

    /// Text of a string, a number or a boolean.
    package var scalar: String? {
        switch value {
        case .string(let text), .number(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .null, .array, .object: nil
        }
    }

    /// The last member called `key`, as every JSON parser of the ecosystem takes it.
    package subscript(key: String) -> JSONNode? { members.last { $0.key == key }?.node }

    /// Follows a JSON pointer (`/scripts/build`); `""` is the value itself.
    package func at(pointer: String) -> JSONNode? {
        var node = self
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = String(part).replacing("~1", with: "/").replacing("~0", with: "~")
            if case .array(let elements) = node.value, let index = Int(key), elements.indices.contains(index) {
                node = elements[index]
            } else if let next = node[key] {
                node = next
            } else {
                return nil
            }
        }
        return node
    }
}

/// The first thing in a text that is not JSON; line and column count from 1.
package struct JSONSyntaxError: Error, Hashable, Sendable {
    package let message: String
    package let line: Int
    package let column: Int
}

/// A parser (RFC 8259) that knows where it is. Nesting is bounded, so any bytes may come in. Of JSON5 it takes, where it may, what people
/// write: comments, commas before a closing bracket, keys without quotes, single quotes.
package struct JSONParser {
    private let text: [Unicode.Scalar]
    private let isJSON5: Bool
    private var at = 0
    private var line = 1
    private var lineStart = 0
    private var depth = 0

    package static func parse(_ text: String, isJSON5: Bool = false) throws(JSONSyntaxError) -> JSONNode {
        var parser = JSONParser(text: Array(text.unicodeScalars), isJSON5: isJSON5)
        parser.skipSpace()
        let node = try parser.value()
        parser.skipSpace()
        guard parser.at == parser.text.count else { throw parser.fault("unexpected \(parser.found) after the end of the value") }
        return node
    }

    private init(text: [Unicode.Scalar], isJSON5: Bool) {
        self.text = text
        self.isJSON5 = isJSON5
    }

    private var next: Unicode.Scalar? { at < text.count ? text[at] : nil }
    private var found: String { next.map { "`\($0)`" } ?? "end of file" }
    private func fault(_ message: String) -> JSONSyntaxError { JSONSyntaxError(message: message, line: line, column: at - lineStart + 1) }

    private mutating func skipSpace() {
        while let scalar = next, scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" {
            at += 1
            let ends = scalar == "\n" || (scalar == "\r" && next != "\n")
            if ends { (line, lineStart) = (line + 1, at) }
        }
        if isJSON5, next == "/", skipComment() { skipSpace() }
    }

    /// False when no comment begins here.
    private mutating func skipComment() -> Bool {
        guard at + 1 < text.count, text[at + 1] == "/" || text[at + 1] == "*" else { return false }
        let isBlock = text[at + 1] == "*"
        at += 2
        while let scalar = next {
            if isBlock, scalar == "*", at + 1 < text.count, text[at + 1] == "/" {
                at += 2
                return true
            }
            if !isBlock, scalar == "\n" || scalar == "\r" { return true }
            at += 1
            if scalar == "\n" { (line, lineStart) = (line + 1, at) }
        }
        return true
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 128 else { throw fault("values nest more than 128 deep") }
        let (line, column) = (line, at - lineStart + 1)
        let value: JSONNode.Value
        switch next {
        case "{": value = try object()
        case "[": value = try array()
        case "\"": value = .string(try string())
        case "'" where isJSON5: value = .string(try string())
        case "t": value = try word("true", .bool(true))
        case "f": value = try word("false", .bool(false))
        case "n": value = try word("null", .null)
        case let scalar? where scalar == "-" || ("0"..."9").contains(scalar): value = try number()
        default: throw fault("expected a value, found \(found)")
        }
        return JSONNode(value: value, line: line, column: column)
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONNode.Value {
        at += 1
        var members: [JSONNode.Member] = []
        skipSpace()
        while next != "}" {
            if !members.isEmpty { try comma(before: "}") }
            if next == "}" { break }
            let line = line
            let key = try key()
            skipSpace()
            guard next == ":" else { throw fault("expected `:` after the key `\(key)`, found \(found)") }
            at += 1
            skipSpace()
            members.append(JSONNode.Member(key: key, line: line, node: try value()))
            skipSpace()
        }
        at += 1
        return .object(members)
    }

    private mutating func key() throws(JSONSyntaxError) -> String {
        if next == "\"" || (isJSON5 && next == "'") { return try string() }
        let start = at
        while isJSON5, let scalar = next, scalar.properties.isXIDContinue || scalar == "$" { at += 1 }
        guard at > start else { throw fault("expected a key in double quotes, found \(found)") }
        return String(String.UnicodeScalarView(text[start..<at]))
    }

    private mutating func array() throws(JSONSyntaxError) -> JSONNode.Value {
        at += 1
        var elements: [JSONNode] = []
        skipSpace()
        while next != "]" {
            if !elements.isEmpty { try comma(before: "]") }
            if next == "]" { break }
            elements.append(try value())
            skipSpace()
        }
        at += 1
        return .array(elements)
    }

    private mutating func comma(before close: Unicode.Scalar) throws(JSONSyntaxError) {
        guard next == "," else { throw fault("expected `,` or `\(close)`, found \(found)") }
        let comma = fault("a comma before `\(close)`")
        at += 1
        skipSpace()
        guard isJSON5 || next != close else { throw comma }
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        let quote = next
        at += 1
        var units: [UInt16] = []
        while let scalar = next, scalar != quote {
            guard scalar.value >= 0x20 else { throw fault("a string ends before the line does: close it or write `\\n`") }
            at += 1
            if scalar == "\\" { units.append(try escape()) } else { units += Array(String(scalar).utf16) }
        }
        guard next == quote else { throw fault("a string is not closed") }
        at += 1
        return String(decoding: units, as: UTF16.self)
    }

    private mutating func escape() throws(JSONSyntaxError) -> UInt16 {
        let plain: [Unicode.Scalar: UInt16] = ["\"": 34, "'": 39, "\\": 92, "/": 47, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9]
        guard let scalar = next else { throw fault("a string is not closed") }
        if let unit = plain[scalar], isJSON5 || scalar != "'" {
            at += 1
            return unit
        }
        guard scalar == "u", at + 4 < text.count else { throw fault("unknown escape `\\\(scalar)`") }
        let digits = String(String.UnicodeScalarView(text[(at + 1)...(at + 4)]))
        guard digits.allSatisfy(\.isHexDigit), let unit = UInt16(digits, radix: 16) else {
            throw fault("`\\u` needs four hexadecimal digits")
        }
        at += 5
        return unit
    }

    private mutating func number() throws(JSONSyntaxError) -> JSONNode.Value {
        let start = at
        while let scalar = next, ("0"..."9").contains(scalar) || "+-.eE".unicodeScalars.contains(scalar) { at += 1 }
        let written = String(String.UnicodeScalarView(text[start..<at]))
        guard Double(written) != nil, !written.hasPrefix("+"), !written.hasSuffix(".") else {
            at = start
            throw fault("`\(written)` is not a number")
        }
        return .number(written)
    }

    private mutating func word(_ word: String, _ value: JSONNode.Value) throws(JSONSyntaxError) -> JSONNode.Value {
        let scalars = Array(word.unicodeScalars)
        guard text[at...].starts(with: scalars) else { throw fault("expected `\(word)`") }
        at += scalars.count
        return value
    }
}
