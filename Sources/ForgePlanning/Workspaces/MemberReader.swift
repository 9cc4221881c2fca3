internal import ForgeManifests
internal import ForgeModel
internal import ForgePresets
internal import ForgeTOML

/// Reads who a workspace's members are and what they ask of each other.
struct MemberReader {
    /// What one manifest says.
    private struct Manifest {
        var name: String
        /// Names of packages, as the ecosystem compares them.
        var asks: Set<String> = []
        /// Folders it points to, below the workspace's root.
        var folders: Set<RelativePath> = []
        var programs: Set<RelativePath> = []
    }

    let files: ProjectFiles
    let manager: PackageManager
    let rule: WorkspaceRule

    /// `folders`, and the root when it is a package itself.
    /// - Throws: `ForgeError` `workspace.duplicate-name`, `detect.manifest-syntax`
    func members(_ folders: [RelativePath]) throws -> [Workspace.Member] {
        var manifests: [(path: RelativePath, manifest: Manifest)] = []
        for path in Set(folders + [.root]).sorted() {
            if let manifest = try manifest(path) { manifests.append((path, manifest)) }
        }
        var byName: [String: RelativePath] = [:]
        for (path, manifest) in manifests {
            if let other = byName.updateValue(path, forKey: manifest.name), !other.isRoot {
                throw duplicate(manifest.name, other, path)
            }
        }
        let known = Set(manifests.map(\.path))
        let generators = Set(manager.generated?.packages ?? [])
        return manifests.map { path, manifest in
            let asked = Set(manifest.asks.compactMap { byName[$0] }).union(manifest.folders.intersection(known)).subtracting([path])
            return Workspace.Member(
                path: path, ecosystem: manager.ecosystem, name: manifest.name, dependencies: asked.sorted(),
                folders: manifest.folders.subtracting(known).sorted(), programs: manifest.programs.sorted(),
                generates: !manifest.asks.isDisjoint(with: generators))
        }
    }

    private func manifest(_ folder: RelativePath) throws -> Manifest? {
        let path = folder.appending(Manifests.path(rule.manifest))
        switch manager.ecosystem {
        case .npm: return try files.json(path).map { npm($0, folder) }
        case .pypi: return try files.toml(path).flatMap { python($0, folder) }
        case .cargo: return try files.toml(path).flatMap { try cargo($0, folder) }
        case .go: return try files.text(path).flatMap { go(GoFile($0), folder) }
        default: return nil
        }
    }

    private func npm(_ document: JSONNode, _ folder: RelativePath) -> Manifest {
        var manifest = Manifest(name: document["name"]?.string ?? folder.name)
        for section in ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"] {
            for member in document[section]?.members ?? [] {
                let wanted = member.node.string ?? ""
                manifest.asks.insert(MemberReader.aliased(wanted) ?? member.key)
                for scheme in ["file:", "link:", "portal:"] where wanted.hasPrefix(scheme) {
                    insert(String(wanted.dropFirst(scheme.count)), from: folder, into: &manifest)
                }
            }
        }
        // A program is linked where it is there when everything is installed, and only then.
        let programs = document["bin"].map { [$0] + $0.members.map(\.node) } ?? []
        for program in programs.compactMap(\.string) { path(program, from: folder).map { _ = manifest.programs.insert($0) } }
        return manifest
    }

    /// The package behind `workspace:other@^1`.
    private static func aliased(_ requirement: String) -> String? {
        guard requirement.hasPrefix("workspace:") else { return nil }
        let rest = requirement.dropFirst("workspace:".count)
        guard let at = rest.lastIndex(of: "@"), at != rest.startIndex else { return nil }
        return String(rest[..<at])
    }

    private func python(_ document: TOMLTable, _ folder: RelativePath) -> Manifest? {
        let name = document.at(pointer: "/project/name")?.string ?? document.at(pointer: "/tool/poetry/name")?.string
        guard let name = name ?? (folder.isRoot ? nil : folder.name) else { return nil }
        var manifest = Manifest(name: Dependency.normalize(name, .pypi))
        let file = files.display(folder.appending(Manifests.path(rule.manifest)))
        manifest.asks = Set(PythonManifest(table: document, file: file).pyproject().map(\.name))
        for source in document.at(pointer: "/tool/uv/sources")?.table?.entries ?? [] {
            if let path = source.node.table?["path"]?.string { insert(path, from: folder, into: &manifest) }
        }
        return manifest
    }

    private func cargo(_ document: TOMLTable, _ folder: RelativePath) throws -> Manifest? {
        guard let name = document.at(pointer: "/package/name")?.string else { return nil }
        var manifest = Manifest(name: name)
        let shared = try files.toml(Manifests.path(rule.file))?.at(pointer: "/workspace/dependencies")?.table
        let sections = [document] + (document["target"]?.table?.entries.compactMap(\.node.table) ?? [])
        for section in sections {
            for key in ["dependencies", "dev-dependencies", "build-dependencies"] {
                for entry in section[key]?.table?.entries ?? [] {
                    if let path = entry.node.table?["path"]?.string { insert(path, from: folder, into: &manifest) }
                    guard entry.node.table?["workspace"]?.value == .boolean(true) else { continue }
                    if let path = shared?[entry.key]?.table?["path"]?.string { insert(path, from: .root, into: &manifest) }
                }
            }
        }
        return manifest
    }

    private func go(_ file: GoFile, _ folder: RelativePath) -> Manifest? {
        guard let module = file.module else { return nil }
        var manifest = Manifest(name: module, asks: Set(file.requires))
        for path in file.replacements { insert(path, from: folder, into: &manifest) }
        return manifest
    }

    /// A path as a manifest in `folder` writes it; one that leaves the workspace is nothing that a step could see.
    private func insert(_ text: String, from folder: RelativePath, into manifest: inout Manifest) {
        path(text, from: folder).map { _ = manifest.folders.insert($0) }
    }

    private func path(_ text: String, from folder: RelativePath) -> RelativePath? {
        guard !text.hasPrefix("/"), !text.hasPrefix("~") else { return nil }
        var path = folder
        for part in text.split(separator: "/") where part != "." {
            if part == "..", path.isRoot { return nil }
            path = part == ".." ? path.parent : path.appending(component: String(part))
        }
        return path
    }

    private func duplicate(_ name: String, _ one: RelativePath, _ other: RelativePath) -> ForgeError {
        func file(_ path: RelativePath) -> String { files.display(path.appending(Manifests.path(rule.manifest))) }
        return ForgeError(
            .configuration, "workspace.duplicate-name",
            "two members of the workspace are called `\(name)`: `\(file(one))` and `\(file(other))`",
            at: SourceLocation(file: file(other)), hint: "give one of them another `name`")
    }
}
