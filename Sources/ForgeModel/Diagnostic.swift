/// Where in a user's file something was found. Lines and columns count from 1.
package struct SourceLocation: Hashable, Sendable, Codable {
    package let file: String
    package let line: Int?
    package let column: Int?

    package init(file: String, line: Int? = nil, column: Int? = nil) {
        self.file = file
        self.line = line
        self.column = column
    }
}

extension SourceLocation: CustomStringConvertible {
    package var description: String {
        [file, line.map(String.init), line == nil ? nil : column.map(String.init)].compactMap(\.self).joined(separator: ":")
    }
}

/// One remark for a person: what, where, and what to do next. Lower case, no full stop, names in backticks.
package struct Diagnostic: Hashable, Sendable, Codable {
    package let message: String
    package let location: SourceLocation?
    package let hint: String?

    package init(_ message: String, at location: SourceLocation? = nil, hint: String? = nil) {
        self.message = message
        self.location = location
        self.hint = hint
    }
}
