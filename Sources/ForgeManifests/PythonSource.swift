/// What a Python file says on its face: imports, objects made at top level, top-level functions. Lexed, never executed.
package struct PythonSource: Hashable, Sendable {
    package struct Import: Hashable, Sendable {
        package let module: String
        package let line: Int
    }

    package struct Object: Hashable, Sendable {
        package let name: String
        /// As far as imports tell: `flask.Flask`, or the bare name.
        package let constructor: String
        package let line: Int
    }

    package struct Function: Hashable, Sendable {
        package let name: String
        package let line: Int
    }

    package private(set) var imports: [Import] = []
    package private(set) var objects: [Object] = []
    package private(set) var functions: [Function] = []
    /// Local name → qualified name.
    private var bindings: [String: String] = [:]

    package init(_ text: String) {
        var lexer = PythonLexer(text)
        while let line = lexer.nextLogicalLine() { read(line) }
    }

    package func imports(_ module: String) -> Import? {
        imports.first { $0.module == module || $0.module.hasPrefix(module + ".") }
    }

    private mutating func read(_ line: PythonLexer.Line) {
        let words = line.tokens
        guard let first = words.first else { return }
        switch first.text {
        case "import" where first.kind == .name: readImport(words)
        case "from" where first.kind == .name: readFrom(words)
        case "def" where line.indent == 0: addFunction(words.dropFirst())
        case "async" where line.indent == 0 && words.dropFirst().first?.text == "def": addFunction(words.dropFirst(2))
        default: if line.indent == 0 { readAssignment(words) }
        }
    }

    private mutating func addFunction(_ rest: ArraySlice<PythonLexer.Token>) {
        if let name = rest.first, name.kind == .name { functions.append(Function(name: name.text, line: name.line)) }
    }

    private mutating func readImport(_ words: [PythonLexer.Token]) {
        for item in words.dropFirst().split(whereSeparator: { $0.text == "," }) {
            let parts = item.prefix { $0.text != "as" }
            let module = parts.map(\.text).joined()
            guard let first = parts.first else { continue }
            imports.append(Import(module: module, line: first.line))
            if let alias = item.last, item.count > parts.count + 1 {
                bindings[alias.text] = module
            } else {
                bindings[first.text] = first.text
            }
        }
    }

    private mutating func readFrom(_ words: [PythonLexer.Token]) {
        guard let split = words.firstIndex(where: { $0.text == "import" && $0.kind == .name }), split > 1 else { return }
        let module = words[1..<split].map(\.text).joined()
        guard !module.hasPrefix(".") else { return }
        imports.append(Import(module: module, line: words[0].line))
        let names = words[(split + 1)...].filter { $0.text != "(" && $0.text != ")" }
        for item in names.split(whereSeparator: { $0.text == "," }) {
            guard let name = item.first, let local = item.last else { continue }
            bindings[local.text] = "\(module).\(name.text)"
        }
    }

    /// `a = b = module.Name(…)`, with or without an annotation.
    private mutating func readAssignment(_ words: [PythonLexer.Token]) {
        var names: [PythonLexer.Token] = []
        var rest = words[...]
        if rest.count > 2, rest.first?.kind == .name, rest[rest.startIndex + 1].text == ":",
            let equals = rest.firstIndex(where: { $0.text == "=" })
        {
            names.append(rest[rest.startIndex])
            rest = rest[(equals + 1)...]
        }
        while rest.count > 2, let name = rest.first, name.kind == .name, rest[rest.startIndex + 1].text == "=" {
            names.append(name)
            rest = rest.dropFirst(2)
        }
        let callee = rest.prefix { $0.kind == .name || $0.text == "." }
        guard !names.isEmpty, let head = callee.first, rest.dropFirst(callee.count).first?.text == "(" else { return }
        let written = callee.map(\.text).joined()
        let qualified = bindings[head.text].map { $0 + written.dropFirst(head.text.count) } ?? written
        for name in names { objects.append(Object(name: name.text, constructor: qualified, line: name.line)) }
    }
}
