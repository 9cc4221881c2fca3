internal import ForgeModel
internal import ForgePlanning
internal import ForgePresets
internal import ForgeSources
internal import ForgeSystem

/// `forge preset new`: what was written.
package struct PresetScaffold: Sendable, Encodable {
    package let id: String
    package let folder: String
    package let files: [String]
}

extension Pipeline {
    /// Writes a commented descriptor, a project that it recognizes and that project's golden plan: `check` and `test` pass at once.
    /// - Throws: `preset.id`, `preset.exists`
    package func newPreset(_ id: String, in folder: String) async throws -> PresetScaffold {
        guard id.wholeMatch(of: /[a-z0-9][a-z0-9-]{0,63}/) != nil else {
            throw ForgeError(
                .usage, "preset.id", "`\(id)` cannot be a preset's id",
                hint: "write lower-case letters, digits and `-`, like `my-framework`")
        }
        return try await BlockingPool.run {
            if let other = try presets.catalog().preset(id) {
                throw ForgeError(
                    .configuration, "preset.exists", "there is a preset `\(id)` already", at: SourceLocation(file: other.file),
                    hint: "choose another id, or see it with `forge preset show \(id)`")
            }
            let project = "\(folder)/\(PresetFolder.casesName)/\(id)-app"
            let texts = Self.scaffold(id).map { (file: $0.isCase ? "\(project)/\($0.name)" : "\(folder)/\($0.name)", text: $0.text) }
            let golden = "\(project).json"
            for file in texts.map(\.file) + [golden] where Files.exists(file) {
                throw ForgeError(
                    .configuration, "preset.exists", "`\(file)` is there already, and nothing is overwritten",
                    at: SourceLocation(file: file),
                    hint: "remove it, choose another id, or another folder with `--in`")
            }
            let schema = "\(Files.parent(of: installation.presets))/docs/schemas/\(Self.schema)"
            let copied = try Files.read(schema)
            if let bytes = copied {
                try Files.makeDirectory(folder)
                try Files.writeAtomically(bytes, to: "\(folder)/\(Self.schema)")
            }
            for (file, text) in texts {
                try Files.makeDirectory(Files.parent(of: file))
                try Files.writeAtomically(Array(text.utf8), to: file)
            }
            let check = try DescriptorCheck(PresetFolder.descriptors(at: [texts[0].file]).descriptors, besides: presets.directories)
            guard check.faults.isEmpty else { throw ForgeError(.bug, "preset.invalid", findings: check.faults) }
            _ = try Self.prove(("\(id)-app", LooseFolder(path: project)), in: folder, check.catalog, updating: true)
            let files = texts.map(\.file) + [golden] + (copied == nil ? [] : ["\(folder)/\(Self.schema)"])
            return PresetScaffold(id: id, folder: folder, files: files)
        }
    }

    /// What editors read beside it; a copy, so that it is found without a network.
    private static let schema = "preset.schema.json"

    private static func scaffold(_ id: String) -> [(name: String, isCase: Bool, text: String)] {
        let descriptor = """
            #:schema ./\(schema)
            # What this file can say: docs/writing-a-preset.md. All that a family says need not be said again:
            # `forge preset show \(id)` shows the whole.

            id = "\(id)"
            name = "\(id)"                       # as people call it
            extends = "site"                     # or node-site, node-server, python-server, go-server …
            language = "\(id)"
            # toolchains = ["node"]              # files of Presets/toolchains; this example's build needs the shell alone
            # supersedes = ["vite"]              # presets that match the same projects and are less to the point

            # How a project is recognized: by what it cannot be without.
            [match]
            file = "\(id).config"
            # Or by several things at once:
            # all = [{ dependency = "\(id)", ecosystem = "npm" }, { none = [{ file = "Dockerfile" }] }]

            # What builds it where the project does not say so itself.
            [derive.command]
            firstOf = [{ argv = ["sh", "build.sh"] }]

            # The folder that the build writes: from the project's own configuration, else the usual one.
            [derive.folder]
            firstOf = [
              { capture = '^output\\s*=\\s*(\\S+)', in = "\(id).config" },
              { literal = "public" },
            ]

            """
        return [
            ("\(id).toml", false, descriptor),
            ("\(id).config", true, "title = An example\noutput = site\n"),
            ("build.sh", true, "mkdir -p site && echo '<!doctype html><title>\(id)</title>' > site/index.html\n"),
        ]
    }
}
