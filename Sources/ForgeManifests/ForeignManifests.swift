internal import ForgeModel
internal import ForgeTOML

/// Manifests of the ecosystems beside npm and PyPI. Those that are programs are searched line by line for what they list, never run.
extension Manifests {
    func cargo() throws -> [Dependency] {
        guard let table = try files.toml(Manifests.path("Cargo.toml")) else { return [] }
        let file = files.display(Manifests.path("Cargo.toml"))
        let sections: [(String, Dependency.Scope)] = [("dependencies", .prod), ("dev-dependencies", .dev), ("build-dependencies", .dev)]
        func all(_ table: TOMLTable?) -> [Dependency] {
            sections.flatMap { section, scope in
                (table?[section]?.table?.entries ?? []).map { entry in
                    Dependency(
                        name: entry.node.table?["package"]?.string ?? entry.key, ecosystem: .cargo,
                        extras: (entry.node.table?["features"]?.array ?? []).compactMap(\.string), scope: scope,
                        requirement: entry.node.string ?? entry.node.table?["version"]?.string ?? "", file: file,
                        line: entry.keyPosition.line)
                }
            }
        }
        let targets = (table["target"]?.table?.entries ?? []).flatMap { all($0.node.table) }
        return all(table) + targets + all(table["workspace"]?.table)
    }

    func composer() throws -> [Dependency] {
        let path = Manifests.path("composer.json")
        guard let manifest = try files.json(path) else { return [] }
        return [("require", Dependency.Scope.prod), ("require-dev", .dev)].flatMap { section, scope in
            (manifest[section]?.members ?? []).map { member in
                Dependency(
                    name: member.key.lowercased(), ecosystem: .composer, extras: [], scope: scope, requirement: member.node.string ?? "",
                    file: files.display(path), line: member.line)
            }
        }
    }

    func yaml(_ name: String, _ sections: KeyValuePairs<String, Dependency.Scope>) throws -> [Dependency] {
        let path = Manifests.path(name)
        guard let manifest = try files.yaml(path) else { return [] }
        return sections.flatMap { section, scope in
            (manifest[section]?.members ?? []).map { member in
                Dependency(
                    name: member.key, extras: [], scope: scope, requirement: member.node.string ?? "", file: files.display(path),
                    line: member.line)
            }
        }
    }

    /// The names of an import map, and the packages behind them.
    func deno() throws -> [Dependency] {
        var all: [Dependency] = []
        for name in ["deno.json", "deno.jsonc", "import_map.json"] {
            let path = Manifests.path(name)
            // An import map may be kept elsewhere, or be empty.
            let document = name == "import_map.json" ? try? files.json(path) : try files.json(path)
            for member in document?["imports"]?.members ?? [] {
                let target = member.node.string ?? ""
                let package = target.firstIndex(of: ":").map { target[target.index(after: $0)...] } ?? ""
                let version = package.dropFirst().firstIndex(of: "@")
                let names = [member.key, version.map { String(package[..<$0]) } ?? String(package)]
                for name in Set(names.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }).sorted() where !name.isEmpty {
                    all.append(
                        Dependency(
                            name: name, ecosystem: .deno, extras: [], scope: .prod,
                            requirement: version.map { String(package[package.index(after: $0)...]) } ?? "", file: files.display(path),
                            line: member.line))
                }
            }
        }
        return all
    }

    func pom() throws -> [Dependency] {
        let path = Manifests.path("pom.xml")
        return try files.text(path).map { ProjectObjectModel.dependencies(in: $0, file: files.display(path)) } ?? []
    }

    func lines(_ ecosystem: Ecosystem) throws -> [Dependency] {
        try ManifestLines.rules(of: ecosystem).flatMap { rule in
            try rule.globs.flatMap { try files.expand($0) }.flatMap { path in
                try files.text(path).map { rule.dependencies(in: $0, ecosystem, file: files.display(path)) } ?? []
            }
        }
    }
}
