/// Where something stands in a text; both count from 1, columns in Unicode scalars.
package struct TOMLPosition: Hashable, Sendable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// One value of a TOML document, without its place.
package enum TOMLValue: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case float(Double)
    case boolean(Bool)
    /// Any date or time, as text in RFC 3339 form (`2026-07-01T10:00:00Z`).
    case date(String)
    case array([TOMLNode])
    case table(TOMLTable)
}

/// A value and where it begins. A table that a dotted key or a longer header made stands where its key does.
package struct TOMLNode: Hashable, Sendable {
    package let value: TOMLValue
    package let position: TOMLPosition

    package init(_ value: TOMLValue, at position: TOMLPosition) {
        self.value = value
        self.position = position
    }

    package var string: String? { if case .string(let text) = value { text } else { nil } }
    package var integer: Int64? { if case .integer(let number) = value { number } else { nil } }
    package var bool: Bool? { if case .boolean(let flag) = value { flag } else { nil } }
    package var array: [TOMLNode]? { if case .array(let elements) = value { elements } else { nil } }
    package var table: TOMLTable? { if case .table(let table) = value { table } else { nil } }

    /// A float, or an integer as one.
    package var number: Double? {
        switch value {
        case .float(let number): number
        case .integer(let number): Double(number)
        default: nil
        }
    }

    /// For messages: `expected an array, found a string`.
    package var typeName: String {
        switch value {
        case .string: "a string"
        case .integer: "an integer"
        case .float: "a float"
        case .boolean: "a boolean"
        case .date: "a date"
        case .array: "an array"
        case .table: "a table"
        }
    }
}

/// The entries of a table in the order in which their keys first appear in the file. Keys are unique.
package struct TOMLTable: Hashable, Sendable {
    package let entries: [TOMLEntry]
    package let position: TOMLPosition

    package init(entries: [TOMLEntry], position: TOMLPosition) {
        self.entries = entries
        self.position = position
    }

    /// The value of `key`; nil when there is none.
    package subscript(key: String) -> TOMLNode? {
        // Bytes, as TOML compares them: Swift's `==` takes two spellings of `é` for one.
        let count = key.utf8.count
        return entries.first { $0.key.utf8.count == count && $0.key.utf8.elementsEqual(key.utf8) }?.node
    }
}

package struct TOMLEntry: Hashable, Sendable {
    package let key: String
    package let keyPosition: TOMLPosition
    package let node: TOMLNode

    package init(key: String, keyPosition: TOMLPosition, node: TOMLNode) {
        self.key = key
        self.keyPosition = keyPosition
        self.node = node
    }
}

/// The first thing in a text that is not TOML.
package struct TOMLSyntaxError: Error, Hashable, Sendable {
    /// Lower case, no full stop: `malformed string: encountered end-of-file`.
    package let message: String
    package let position: TOMLPosition

    package init(_ message: String, at position: TOMLPosition) {
        self.message = message
        self.position = position
    }
}

extension TOMLSyntaxError: CustomStringConvertible {
    package var description: String { "\(position.line):\(position.column): \(message)" }
}
