/// Something to run: an argument list, or a line for the shell.
package enum Command: Hashable, Sendable {
    case argv([String])
    case shell(String)

    /// As a person would type it.
    package var typed: String {
        switch self {
        case .argv(let words): words.map(Command.quote).joined(separator: " ")
        case .shell(let line): line
        }
    }

    /// As it is executed.
    package var argv: [String] {
        switch self {
        case .argv(let words): words
        case .shell(let line): ["/bin/sh", "-euc", line]
        }
    }

    /// One word of a shell line, quoted only where the shell would see more in it.
    package static func quote(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "_-./:=@%+,".utf8.contains(byte)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}

/// A value and how it came to be.
package struct Derived: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case text(String)
        case command(Command)
    }

    package let value: Value
    /// The file it was read from, or `preset <id>`.
    package let source: String
    package let rule: String
    /// Dependencies of which one must be there (see `DerivationSource.requires`).
    package let requires: [String]
    /// For an install command: what it reads; nil: what its package manager says.
    package let inputs: [String]?

    package var text: String {
        switch value {
        case .text(let text): text
        case .command(let command): command.typed
        }
    }

    package var command: Command {
        switch value {
        case .text(let text): .shell(text)
        case .command(let command): command
        }
    }
}
