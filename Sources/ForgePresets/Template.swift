/// Text with `{{placeholders}}`.
package struct Template: Hashable, Sendable {
    package enum Part: Hashable, Sendable {
        case text(String)
        case placeholder(String)

        /// Without the braces.
        var word: String {
            switch self {
            case .text(let word), .placeholder(let word): word
            }
        }
    }

    package let parts: [Part]

    package init(_ text: String) {
        // Most texts hold none, and a catalogue holds thousands of texts.
        guard text.utf8.contains(UInt8(ascii: "{")) else {
            parts = text.isEmpty ? [] : [.text(text)]
            return
        }
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            if open.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<open.lowerBound]))) }
            parts.append(.placeholder(rest[open.upperBound..<close.lowerBound].trimmed))
            rest = rest[close.upperBound...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.parts = parts
    }

    package var placeholders: [String] {
        parts.compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }

    /// The name, when the whole text is one placeholder.
    package var solePlaceholder: String? { parts.count == 1 ? placeholders.first : nil }

    /// The text with every placeholder replaced; nil when one of them has no value.
    package func filled(_ value: (String) throws -> String?) rethrows -> String? {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .placeholder(let name):
                guard let text = try value(name) else { return nil }
                result += text
            }
        }
        return result
    }

    package var text: String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .placeholder(let name): "{{\(name)}}"
            }
        }.joined()
    }
}

extension Substring {
    var trimmed: String {
        var view = self
        while view.first?.isWhitespace == true { view.removeFirst() }
        while view.last?.isWhitespace == true { view.removeLast() }
        return String(view)
    }
}
