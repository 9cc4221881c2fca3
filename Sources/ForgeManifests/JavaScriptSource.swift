/// The modules a JavaScript or TypeScript file names: `import … from "x"`, `import "x"`, `import("x")`, `require("x")`, `export … from "x"`.
/// Lexed, never executed.
package struct JavaScriptSource: Hashable, Sendable {
    package struct Import: Hashable, Sendable {
        package let module: String
        package let line: Int
    }

    package private(set) var imports: [Import] = []

    package init(_ text: String) {
        // The last word, and whether a bracket has opened since.
        var (word, opened) = ("", false)
        var line = 1
        let source = Array(Comments.strip(text, .js).unicodeScalars)
        var at = 0
        while at < source.count {
            let scalar = source[at]
            if scalar == "\"" || scalar == "'" || scalar == "`" {
                let string = JavaScriptSource.string(source, &at)
                let names = opened ? word == "require" || word == "import" : word == "from" || word == "import"
                if names { imports.append(Import(module: JavaScriptSource.bare(string), line: line)) }
                line += string.unicodeScalars.count { $0 == "\n" }
                (word, opened) = ("", false)
                continue
            }
            if scalar.properties.isXIDContinue || scalar == "$" {
                let start = at
                while at < source.count, source[at].properties.isXIDContinue || source[at] == "$" { at += 1 }
                (word, opened) = (String(String.UnicodeScalarView(source[start..<at])), false)
                continue
            }
            if scalar == "\n" { line += 1 }
            if scalar == "(" {
                opened = true
            } else if !scalar.properties.isWhitespace {
                (word, opened) = ("", false)
            }
            at += 1
        }
    }

    /// `express` also stands for `express/lib/router`; what ends in `/` or `:` for all that begins so.
    package func imports(_ module: String) -> Import? {
        let isStart = module.hasSuffix("/") || module.hasSuffix(":")
        return imports.first { $0.module == module || $0.module.hasPrefix(isStart ? module : module + "/") }
    }

    /// The content of the string that opens at `at`, which is then behind it; an unclosed one ends with its line.
    private static func string(_ source: [Unicode.Scalar], _ at: inout Int) -> String {
        let quote = source[at]
        at += 1
        var text = String.UnicodeScalarView()
        while at < source.count, source[at] != quote, quote == "`" || source[at] != "\n" {
            if source[at] == "\\", at + 1 < source.count { at += 1 }
            text.append(source[at])
            at += 1
        }
        if at < source.count, source[at] == quote { at += 1 }
        return String(text)
    }

    /// `npm:express@4` is `express`, `jsr:@hono/hono@^4` is `@hono/hono`.
    private static func bare(_ text: String) -> String {
        guard let scheme = ["npm:", "jsr:"].first(where: text.hasPrefix) else { return text }
        let name = text.dropFirst(scheme.count)
        guard let version = name.dropFirst().firstIndex(of: "@") else { return String(name) }
        let rest = name[version...].firstIndex(of: "/").map { name[$0...] } ?? ""
        return String(name[..<version]) + rest
    }
}
