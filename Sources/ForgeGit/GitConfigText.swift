/// The syntax of git's configuration files, for one that a stranger wrote: nothing is included, nothing expanded.
///
/// Source: git-config(1), "Syntax".
enum GitConfigText {
    struct Assignment: Hashable {
        /// In lower case, as sections and keys are compared.
        let section: String
        let subsection: String
        let key: String
        let value: String
    }

    /// Nil for what git would call a bad line.
    static func assignments(in text: String) -> [Assignment]? {
        var rest = text.unicodeScalars[...]
        if rest.first == "\u{FEFF}" { rest.removeFirst() }
        var section: (name: String, subsection: String)?
        var found: [Assignment] = []
        while let scalar = rest.first {
            switch scalar {
            case " ", "\t", "\n", "\r": rest.removeFirst()
            case "#", ";": rest = rest.drop { $0 != "\n" }
            case "[":
                guard let header = header(&rest) else { return nil }
                section = header
            default:
                guard let section, let key = word(&rest), let value = value(&rest) else { return nil }
                found.append(.init(section: section.name, subsection: section.subsection, key: key, value: value))
            }
        }
        return found
    }

    /// `[section "subsection"]`
    private static func header(_ rest: inout Substring.UnicodeScalarView) -> (name: String, subsection: String)? {
        rest.removeFirst()
        guard let name = word(&rest, alsoDots: true) else { return nil }
        rest = rest.drop { $0 == " " || $0 == "\t" }
        var subsection = ""
        if rest.first == "\"" {
            rest.removeFirst()
            while let scalar = rest.popFirst(), scalar != "\"" {
                guard scalar != "\n", let kept = scalar == "\\" ? rest.popFirst() : scalar, kept != "\n" else { return nil }
                subsection.unicodeScalars.append(kept)
            }
        }
        return rest.popFirst() == "]" ? (name, subsection) : nil
    }

    private static func word(_ rest: inout Substring.UnicodeScalarView, alsoDots: Bool = false) -> String? {
        let word = rest.prefix { $0.isASCII && ($0.properties.isAlphabetic || "0"..."9" ~= $0 || $0 == "-" || alsoDots && $0 == ".") }
        rest = rest[word.endIndex...]
        return word.isEmpty ? nil : String(word).lowercased()
    }

    /// What follows a key, to the end of its line; a key alone is `true`.
    private static func value(_ rest: inout Substring.UnicodeScalarView) -> String? {
        rest = rest.drop { $0 == " " || $0 == "\t" }
        guard rest.first == "=" else {
            guard rest.isEmpty || ["\n", "\r", "#", ";"].contains(rest[rest.startIndex]) else { return nil }
            return "true"
        }
        rest.removeFirst()
        rest = rest.drop { $0 == " " || $0 == "\t" }
        var (value, spaces, isQuoted) = ("", "", false)
        while let scalar = rest.popFirst(), scalar != "\n" {
            var scalar = scalar
            switch scalar {
            case "\"":
                isQuoted.toggle()
                continue
            case "#" where !isQuoted, ";" where !isQuoted:
                rest = rest.drop { $0 != "\n" }
                continue
            case " " where !isQuoted, "\t" where !isQuoted, "\r" where !isQuoted:
                spaces.unicodeScalars.append(scalar)
                continue
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                switch next {
                case "\n": continue
                case "n": scalar = "\n"
                case "t": scalar = "\t"
                case "b": scalar = "\u{8}"
                case "\\", "\"": scalar = next
                default: return nil
                }
            default: break
            }
            value += spaces
            value.unicodeScalars.append(scalar)
            spaces = ""
        }
        return isQuoted ? nil : value
    }
}
