/// The directives of a `go.mod` or `go.work`, as far as they say what lies where.
package struct GoFile {
    package struct Use {
        package let text: String
        package let line: Int
    }

    package private(set) var module: String?
    package private(set) var uses: [Use] = []
    package private(set) var requires: [String] = []
    /// Folders that stand in for modules, relative to the file's own.
    package private(set) var replacements: [String] = []

    package init(_ text: String) {
        var block: String?
        for (index, line) in SourceText.lines(text).enumerated() {
            var words = GoFile.words(line)
            guard let first = words.first else { continue }
            if first == ")" {
                block = nil
            } else if words.count == 2, words[1] == "(" {
                block = first
            } else {
                let directive = block ?? words.removeFirst()
                take(directive, words, line: index + 1)
            }
        }
    }

    private mutating func take(_ directive: String, _ words: [String], line: Int) {
        switch directive {
        case "module": module = words.first
        case "use": words.first.map { uses.append(Use(text: $0, line: line)) }
        case "require": words.first.map { requires.append($0) }
        case "replace":
            guard let arrow = words.firstIndex(of: "=>"), arrow + 1 < words.count else { return }
            let target = words[arrow + 1]
            if target.hasPrefix("./") || target.hasPrefix("../") { replacements.append(target) }
        default: break
        }
    }

    /// Without the comment; quotes are only needed for odd names.
    private static func words(_ line: String) -> [String] {
        let code = line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line[...]
        return code.split(whereSeparator: \.isWhitespace).map { $0.filter { $0 != "\"" && $0 != "`" } }
    }
}
