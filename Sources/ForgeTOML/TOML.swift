internal import CTOML

/// TOML 1.0 with the place of every key and value. Any bytes may come in: files are a stranger's.
package enum TOML {
    /// A longer text is an error.
    package static let maximumBytes = Int(FORGE_TOML_MAX_BYTES)

    /// Parses a whole document; a byte order mark at its start is allowed. Takes time linear in `bytes`, which are few
    /// (`maximumBytes`), and never touches a file.
    /// - Throws: `TOMLSyntaxError` with its place for anything that is not TOML, or that is nested too deeply.
    package static func parse(_ bytes: [UInt8]) throws(TOMLSyntaxError) -> TOMLTable {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let bytes = bytes.starts(with: mark) ? Array(bytes.dropFirst(mark.count)) : bytes
        if bytes.count <= maximumBytes, let offset = firstInvalidUTF8(in: bytes) {
            throw TOMLSyntaxError("invalid UTF-8", at: position(of: offset, in: bytes))
        }
        guard let document = bytes.withUnsafeBufferPointer({ forge_toml_parse($0.baseAddress, $0.count) }) else {
            throw TOMLSyntaxError("not enough memory to read the file", at: TOMLPosition(line: 1, column: 1))
        }
        defer { forge_toml_free(document) }
        var error = forge_toml_error()
        guard forge_toml_failed(document, &error) == 0 else {
            throw TOMLSyntaxError(
                text(error.message, error.message_length), at: TOMLPosition(line: Int(error.line), column: Int(error.column)))
        }
        var count = 0
        let nodes = UnsafeBufferPointer(start: forge_toml_nodes(document, &count), count: count)
        var reader = NodeReader(nodes: nodes)
        return reader.table()
    }

    private static func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        var rest = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        var valid = 0
        while true {
            switch parser.parseScalar(from: &rest) {
            case .valid(let scalar): valid += scalar.count
            case .emptyInput: return nil
            case .error: return valid
            }
        }
    }

    private static func position(of offset: Int, in bytes: [UInt8]) -> TOMLPosition {
        let before = bytes[..<offset]
        let lineStart = (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        return TOMLPosition(
            line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1)
    }
}

/// Builds the tree out of the shim's flat list. The shim bounds the depth, so recursion is safe.
private struct NodeReader {
    let nodes: UnsafeBufferPointer<forge_toml_node>
    var next = 0

    mutating func table() -> TOMLTable {
        let record = nodes[next]
        next += 1
        var entries: [TOMLEntry] = []
        entries.reserveCapacity(record.children)
        for _ in 0..<record.children {
            let child = nodes[next]
            entries.append(
                TOMLEntry(
                    key: text(child.key, child.key_length),
                    keyPosition: TOMLPosition(line: Int(child.key_line), column: Int(child.key_column)), node: node()))
        }
        return TOMLTable(entries: entries, position: record.position)
    }

    mutating func node() -> TOMLNode {
        let record = nodes[next]
        if record.kind == FORGE_TOML_TABLE { return TOMLNode(.table(table()), at: record.position) }
        next += 1
        return TOMLNode(value(of: record), at: record.position)
    }

    private mutating func value(of record: forge_toml_node) -> TOMLValue {
        switch record.kind {
        case FORGE_TOML_STRING: .string(text(record.text, record.text_length))
        case FORGE_TOML_INTEGER: .integer(record.integer)
        case FORGE_TOML_FLOAT: .float(record.number)
        case FORGE_TOML_BOOLEAN: .boolean(record.integer != 0)
        case FORGE_TOML_DATE: .date(text(record.text, record.text_length))
        default: .array((0..<record.children).map { _ in node() })
        }
    }
}

extension forge_toml_node {
    fileprivate var position: TOMLPosition { TOMLPosition(line: Int(line), column: Int(column)) }
}

private func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
    let bytes = UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length)
    return String(decoding: bytes, as: UTF8.self)
}
