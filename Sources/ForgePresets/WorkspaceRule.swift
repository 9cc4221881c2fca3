/// How a package manager's projects are several in one: which file lists their folders, and what is done for one of them apart.
package struct WorkspaceRule: Hashable, Sendable {
    package enum Format: String, Sendable, CaseIterable { case json, toml, yaml, gowork }

    /// One install for everything at the workspace's root, or one for each app in its own folder.
    package enum Installation: String, Sendable, CaseIterable { case shared, app }

    package let format: Format
    /// At the workspace's root.
    package let file: String
    /// Pointers to the list of patterns; the first that leads to a list counts. None for `gowork`, which has one list.
    package let members: [String]
    /// The same for patterns of folders that are no members.
    package let exclude: [String]
    /// The file that makes a folder a member.
    package let manifest: String
    /// Whether a member that is listed by name has to be there.
    package let isStrict: Bool
    package let installation: Installation
    /// Set for the install of one app besides; `{{workspace.member}}` is the app's folder.
    package let environment: [String: Template]
    /// In place of the manager's `[production]`: what one app runs with. Empty: what all of them do.
    package let production: Derivation
    /// What a member is built with that others need; yields nothing where there is nothing to build.
    package let build: Derivation
    /// The folder it writes.
    package let output: Derivation
}

extension WorkspaceRule {
    /// The placeholders that stand for the app's folder and for the name of its package.
    package static let member = "workspace.member"
    package static let name = "workspace.name"

    init?(_ reader: TableReader) {
        let before = reader.faults.faults.count
        let format = Format.allCases.first { reader.has($0.rawValue) }
        guard let format, let file = reader.string(format.rawValue) else {
            Format.allCases.forEach { _ = reader.node($0.rawValue) }
            reader.faults.add(
                "`\(reader.name)` names no file that lists members", at: reader.location,
                hint: "write `json`, `toml`, `yaml` or `gowork`, like `json = \"package.json\"`")
            return nil
        }
        self.format = format
        self.file = file.value
        members = WorkspaceRule.pointers(reader, "members")
        exclude = WorkspaceRule.pointers(reader, "exclude")
        let manifest = reader.requiredString("manifest")
        isStrict = reader.bool("strict")?.value ?? false
        installation = reader.word("install", as: Installation.self)?.value ?? .shared
        environment = Dictionary(reader.stringTable("environment").map { ($0.key, Template($0.value.value)) }) { $1 }
        production = reader.tableReader("production", name: "[workspace.production]").map(DerivationDecoder().derivation) ?? .none
        build = reader.tableReader("build", name: "[workspace.build]").map(DerivationDecoder().derivation) ?? .none
        output = reader.tableReader("output", name: "[workspace.output]").map(DerivationDecoder().derivation) ?? .none
        if format != .gowork, members.isEmpty {
            reader.faults.add("`\(reader.name)` has no `members`", at: reader.location, hint: "add `members = \"/workspaces\"`")
        }
        reader.finish()
        guard reader.faults.faults.count == before, let manifest else { return nil }
        self.manifest = manifest.value
    }

    private static func pointers(_ reader: TableReader, _ key: String) -> [String] {
        (reader.strings(key) ?? []).map { pointer in
            if !pointer.value.hasPrefix("/") {
                reader.faults.add(
                    "pointer `\(pointer.value)` does not begin with `/`", at: pointer.location, hint: "write it like `/workspaces`")
            }
            return pointer.value
        }
    }
}

extension Derivation {
    static var none: Derivation { Derivation(sources: []) }
}
