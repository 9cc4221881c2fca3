internal import Yams

/// Reads YAML as what it mostly is: JSON in other letters. Scalars stay the text they are, so that versions keep their digits.
enum YAMLDocument {
    /// Aliases stand for copies: a small text can stand for a value that fills all memory.
    private static let valueLimit = 100_000

    /// The first document of `text`; an empty one is an empty object.
    static func parse(_ text: String) throws(JSONSyntaxError) -> JSONNode {
        let root: Node?
        do { root = try Parser(yaml: text).nextRoot() } catch { throw fault(error) }
        var left = valueLimit
        guard let root else { return JSONNode(value: .object([]), line: 1, column: 1) }
        return try value(root, depth: 0, &left)
    }

    private static func value(_ node: Node, depth: Int, _ left: inout Int) throws(JSONSyntaxError) -> JSONNode {
        let (line, column) = (node.mark?.line ?? 1, node.mark?.column ?? 1)
        left -= 1
        guard left > 0, depth <= 128 else {
            throw JSONSyntaxError(
                message: "it stands for more than \(valueLimit) values, or nests more than 128 deep", line: line, column: column)
        }
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
            return JSONNode(value: isNull ? .null : .string(scalar.string), line: line, column: column)
        case .sequence(let elements):
            var values: [JSONNode] = []
            for element in elements { values.append(try value(element, depth: depth + 1, &left)) }
            return JSONNode(value: .array(values), line: line, column: column)
        case .mapping(let entries):
            var members: [JSONNode.Member] = []
            for (key, entry) in entries {
                guard case .scalar(let name) = key else { continue }
                let node = try value(entry, depth: depth + 1, &left)
                members.append(JSONNode.Member(key: name.string, line: name.mark?.line ?? line, node: node))
            }
            return JSONNode(value: .object(members), line: line, column: column)
        case .alias: return JSONNode(value: .null, line: line, column: column)
        }
    }

    private static func fault(_ error: any Error) -> JSONSyntaxError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            JSONSyntaxError(message: problem, line: mark.line, column: mark.column)
        case .duplicatedKeysInMapping(let names, let context):
            JSONSyntaxError(
                message: "the key `\(names.first ?? "")` stands there twice", line: context.mark.line, column: context.mark.column)
        case .reader(let problem, _, _, _): JSONSyntaxError(message: problem, line: 1, column: 1)
        default: JSONSyntaxError(message: "it cannot be read", line: 1, column: 1)
        }
    }
}
