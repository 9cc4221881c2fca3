internal import ForgeManifests
internal import ForgeModel

/// Packages of folders below one that is no workspace: people's scripts go there, and nothing installs what they need.
struct NestedPackages {
    let facts: ProjectFacts

    /// - Parameter rule: what the build or the start comes from.
    func warnings(_ rules: [String?]) throws -> [Diagnostic] {
        let manifest = Manifests.path("package.json")
        guard facts.workspace == nil, try facts.files.json(manifest)?["workspaces"] == nil else { return [] }
        var seen: Set<String> = []
        return try rules.compactMap { $0?.hasPrefix("script ") == true ? $0?.dropFirst("script ".count) : nil }.flatMap { name in
            try places(String(name)).compactMap { script, folder, line in
                guard seen.insert(folder).inserted, try needsPackages(folder) else { return nil }
                return Diagnostic(
                    "the script `\(script)` goes into `\(folder)`, whose packages are not installed",
                    at: SourceLocation(file: facts.files.display(manifest), line: line),
                    hint:
                        "make it a workspace: `\"workspaces\": [\"\(folder)\"]` in `package.json`, then install once and commit the lockfile; "
                        + "or list it in `crowdforge.toml` as an app of its own: `[[app]]` with `root = \"\(folder)\"`")
            }
        }
    }

    /// Folders that a script goes into, or one that it runs.
    private func places(_ name: String) throws -> [(script: String, folder: String, line: Int)] {
        guard let (text, _) = try facts.manifests.script(name) else { return [] }
        let words = SourceText.words(of: text)
        let called = zip(words, words.dropFirst()).filter { $0.0 == "run" }.map(\.1)
        return try ([name] + called).flatMap { name in
            guard let (text, node) = try facts.manifests.script(name) else { return [(script: String, folder: String, line: Int)]() }
            return Self.folders(text).map { (name, $0, node.line) }
        }
    }

    private static func folders(_ line: String) -> [String] {
        let words = SourceText.words(of: line)
        let named = zip(words, words.dropFirst()).filter { ["cd", "--prefix", "--cwd", "--dir", "-C"].contains($0.0) }.map(\.1)
        let joined = words.compactMap { word in
            ["--prefix=", "--cwd=", "--dir="].first(where: word.hasPrefix).map { String(word.dropFirst($0.count)) }
        }
        return (named + joined).compactMap { try? RelativePath(parsing: $0) }.filter { !$0.isRoot }.map { "\($0)" }
    }

    private func needsPackages(_ folder: String) throws -> Bool {
        guard let manifest = try facts.files.json(Manifests.path("\(folder)/package.json")) else { return false }
        return ["dependencies", "devDependencies"].contains { manifest[$0]?.members.isEmpty == false }
    }
}
