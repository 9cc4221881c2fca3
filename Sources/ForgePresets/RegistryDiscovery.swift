package import ForgePatterns
internal import ForgeTOML

/// How a package manager's registries are learned: from its own configuration, never from a list in a descriptor.
package struct RegistryDiscovery: Hashable, Sendable {
    /// Commands run on the building machine, outside the project and with the operator's environment. Each line they print is
    /// `NAME=VALUE`, a variable that tells the package manager inside the sandbox the same, or a bare URL that is only reached.
    package let ask: [[String]]
    /// Where a project's own files name registries: the first group of the pattern, on every line that matches.
    package let project: [ProjectRule]

    package struct ProjectRule: Hashable, Sendable {
        package let pattern: Pattern
        package let globs: [Glob]
        /// Variables of `ask` that are not set where the project says it itself: they would win over its files.
        package let replaces: [String]
    }

    init() { (ask, project) = ([], []) }

    init(_ reader: TableReader) {
        let match = MatchDecoder()
        ask = (reader.node("ask")?.array ?? []).compactMap { command in
            let words = (command.array ?? []).compactMap(\.string)
            if words.isEmpty {
                reader.faults.add(
                    "`ask` holds commands, each a list of words", at: reader.place(of: command),
                    hint: "write `ask = [[\"npm\", \"config\"]]`")
            }
            return words.isEmpty ? nil : words
        }
        project = reader.tableReaders("project").compactMap { rule in
            let pattern = match.pattern(rule, "capture")
            let globs = match.globs(rule, "in")
            let replaces = (rule.strings("replaces") ?? []).map(\.value)
            rule.finish()
            guard let pattern, let globs else { return nil }
            if pattern.groups == 0 {
                rule.faults.add("`capture` has no group to take the URL from", at: rule.location, hint: "put `(` `)` around it")
            }
            return ProjectRule(pattern: pattern, globs: globs, replaces: replaces)
        }
        reader.finish()
    }
}
