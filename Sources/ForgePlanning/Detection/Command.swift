internal import ForgeModel

/// Something to run: an argument list, or a line for the shell.
package enum Command: Hashable, Sendable {
    case argv([String])
    case shell(String)

    /// As a person would type it.
    package var typed: String {
        switch self {
        case .argv(let words): words.map(CommandText.quote).joined(separator: " ")
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

    /// A range of versions of which those count that are in `other` too; nil where this names one version, or alternatives.
    func narrowed(by other: Derived) -> Derived? {
        let isRange = text.contains { "<>=~^*x ".contains($0) } || text.split(separator: ".").count < 3
        guard isRange, !text.contains("||"), !other.text.contains("||") else { return nil }
        return Derived(value: .text("\(text) \(other.text)"), source: source, rule: rule, requires: requires, inputs: inputs)
    }

    package var command: Command {
        switch value {
        case .text(let text): .shell(text)
        case .command(let command): command
        }
    }
}
