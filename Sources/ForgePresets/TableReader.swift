package import ForgeModel
package import ForgeTOML

/// Reads one TOML table key by key. Wrong types and, at `finish()`, keys nobody asked for go to the log with their place.
package final class TableReader {
    package let table: TOMLTable
    package let file: String
    /// How messages call this table: `[build]`, a preset's `[[step]]`; empty for the document itself.
    package let name: String
    package let faults: FaultLog
    package let location: SourceLocation
    private var known: [String] = []

    package init(_ table: TOMLTable, at position: TOMLPosition? = nil, file: String, name: String, faults: FaultLog) {
        self.table = table
        self.file = file
        self.name = name
        self.faults = faults
        self.location = (position ?? table.position).location(in: file)
    }

    /// The node of `key`, which is from now on a known key.
    package func node(_ key: String) -> TOMLNode? {
        if !known.contains(key) {
            known.append(key)
            faults.keys?.add(key, of: name)
        }
        return table[key]
    }

    package func has(_ key: String) -> Bool { table[key] != nil }
    package func place(of node: TOMLNode) -> SourceLocation { node.position.location(in: file) }

    /// Where `key` itself is written.
    package func place(ofKey key: String) -> SourceLocation {
        table.entries.first { $0.key == key }?.keyPosition.location(in: file) ?? location
    }

    package func string(_ key: String) -> Located<String>? { read(key, expected: "a string", \.string) }
    package func bool(_ key: String) -> Located<Bool>? { read(key, expected: "a boolean", \.bool) }
    package func integer(_ key: String) -> Located<Int>? {
        read(key, expected: "an integer") { node in node.integer.flatMap { Int(exactly: $0) } }
    }

    package func requiredString(_ key: String) -> Located<String>? {
        if !has(key) { faults.add("\(subject) has no `\(key)`", at: location, hint: "add `\(key) = \"…\"`") }
        return string(key)
    }

    /// A string, or an array of strings.
    package func strings(_ key: String) -> [Located<String>]? {
        guard let node = node(key) else { return nil }
        if let text = node.string { return [Located(text, at: place(of: node))] }
        guard let elements = node.array else {
            wrongType(key, node, "a string or an array of strings")
            return nil
        }
        return elements.compactMap { element in
            if let text = element.string { return Located(text, at: place(of: element)) }
            wrongType(key, element, "a string")
            return nil
        }
    }

    /// A value that is one of a few words.
    package func word<Word: RawRepresentable & CaseIterable>(_ key: String, as type: Word.Type) -> Located<Word>?
    where Word.RawValue == String {
        guard let text = string(key) else { return nil }
        if let word = Word(rawValue: text.value) { return Located(word, at: text.location) }
        let all = Word.allCases.map(\.rawValue)
        let expected = all.map { "`\($0)`" }.joined(separator: ", ")
        faults.add(
            "`\(key)` cannot be `\(text.value)`: expected one of \(expected)", at: text.location,
            hint: NearestName.of(text.value, in: all).map { "did you mean `\($0)`?" })
        return nil
    }

    package func tableReader(_ key: String, name: String? = nil) -> TableReader? {
        guard let node = node(key) else { return nil }
        return reader(of: node, key: key, name: name ?? "[\(key)]")
    }

    /// The elements of an array of tables; empty when there is none.
    package func tableReaders(_ key: String, name: String? = nil) -> [TableReader] {
        guard let node = node(key) else { return [] }
        guard let elements = node.array else {
            wrongType(key, node, "an array of tables")
            return []
        }
        return elements.compactMap { reader(of: $0, key: key, name: name ?? "[[\(key)]]") }
    }

    /// A table of strings, in file order.
    package func stringTable(_ key: String) -> [(key: String, value: Located<String>)] {
        guard let reader = tableReader(key) else { return [] }
        return reader.table.entries.compactMap { entry in reader.string(entry.key).map { (entry.key, $0) } }
    }

    package func reader(of node: TOMLNode, key: String, name: String) -> TableReader? {
        guard let table = node.table else {
            wrongType(key, node, "a table")
            return nil
        }
        return TableReader(table, at: node.position, file: file, name: name, faults: faults)
    }

    package func wrongType(_ key: String, _ node: TOMLNode, _ expected: String, hint: String? = nil) {
        faults.add("`\(key)` must be \(expected), found \(node.typeName)", at: place(of: node), hint: hint)
    }

    /// Reports every key that was never asked for.
    package func finish() {
        for entry in table.entries where !known.contains(entry.key) {
            faults.add(
                "unknown key `\(entry.key)`" + (name.isEmpty ? "" : " in `\(name)`"), at: entry.keyPosition.location(in: file),
                hint: NearestName.hint(for: entry.key, in: known))
        }
    }

    /// For messages: the table's name, or the file.
    package var subject: String { name.isEmpty ? "`\(file)`" : "`\(name)`" }

    private func read<Value>(_ key: String, expected: String, _ access: (TOMLNode) -> Value?) -> Located<Value>? {
        guard let node = node(key) else { return nil }
        guard let value = access(node) else {
            wrongType(key, node, expected)
            return nil
        }
        return Located(value, at: place(of: node))
    }
}
