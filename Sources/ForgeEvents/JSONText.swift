/// Writes JSON whose fields keep their order and which is safe to print: besides what JSON demands, everything a terminal
/// or a line reader could act on (DEL, C1, bidirectional controls, line separators) is escaped.
package struct JSONText: Sendable {
    package private(set) var text: String

    /// Any value, already written as JSON.
    private init(text: String) { self.text = text }

    package static let null = JSONText(text: "null")

    package static func integer(_ value: some FixedWidthInteger) -> JSONText { JSONText(text: String(value)) }

    package static func string(_ value: String) -> JSONText {
        var text = "\""
        for scalar in value.unicodeScalars { append(scalar, to: &text) }
        return JSONText(text: text + "\"")
    }

    package static func array(_ elements: [JSONText]) -> JSONText {
        JSONText(text: "[" + elements.map(\.text).joined(separator: ",") + "]")
    }

    /// Fields in the order given; those that are nil are left out.
    package static func object(_ fields: [(name: String, value: JSONText?)]) -> JSONText {
        let written = fields.compactMap { field in field.value.map { string(field.name).text + ":" + $0.text } }
        return JSONText(text: "{" + written.joined(separator: ",") + "}")
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case _ where needsEscape(scalar):
            let digits = String(scalar.value, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: text.unicodeScalars.append(scalar)
        }
    }

    /// All of them lie in the first plane, so one `\uXXXX` writes any of them.
    private static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
