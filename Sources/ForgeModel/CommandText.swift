/// Commands as a person would type them. Only for people: nothing is executed from this text.
package enum CommandText {
    /// An argument list, each word quoted where the shell would see more in it; of `/bin/sh -euc LINE` the line without the shell, and of
    /// several lines the first. A script may open with a comment that says in short what it does: then that.
    package static func typed(_ command: [String]) -> String {
        guard command.count == 3, command[0] == "/bin/sh", command[1] == "-euc" else {
            return command.map(quote).joined(separator: " ")
        }
        let lines = command[2].split(separator: "\n")
        let first = lines.first.map(String.init) ?? ""
        return (first.hasPrefix("# ") ? String(first.dropFirst(2)) : first) + (lines.count > 1 ? " …" : "")
    }

    /// One word of a shell line, quoted only where the shell would see more in it.
    package static func quote(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "_-./:=@%+,".utf8.contains(byte)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
