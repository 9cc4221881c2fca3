internal import ForgePatterns
package import ForgeModel
package import ForgeTOML

/// What the project's manifests and lockfiles list, parsed once. Used by one detection on one thread.
package final class Manifests {
    let files: ProjectFiles
    private var known: [Ecosystem: [Dependency]] = [:]
    private var lockedNames: [Ecosystem: Set<String>] = [:]

    package init(files: ProjectFiles) { self.files = files }

    private static let umbrella = try? Glob("apps/*/mix.exs")

    /// Everything the manifests of an ecosystem ask for, in file order.
    package func dependencies(_ ecosystem: Ecosystem) throws -> [Dependency] {
        if let known = known[ecosystem] { return known }
        let all: [Dependency]
        switch ecosystem {
        case .npm: all = try npm()
        case .pypi: all = try pypi()
        case .cargo: all = try cargo()
        case .deno: all = try deno()
        case .composer: all = try composer()
        case .pub: all = try yaml("pubspec.yaml", ["dependencies": .prod, "dev_dependencies": .dev])
        case .shards: all = try yaml("shard.yml", ["dependencies": .prod, "development_dependencies": .dev])
        case .maven: all = try pom() + lines(ecosystem)
        case .go, .gem, .hex, .nuget, .swift: all = try lines(ecosystem)
        }
        known[ecosystem] = all
        return all
    }

    /// Names in lockfiles, whoever asked for them.
    package func locked(_ ecosystem: Ecosystem) throws -> Set<String> {
        if let known = lockedNames[ecosystem] { return known }
        let names = ecosystem == .pypi ? try pypiLocked() : []
        lockedNames[ecosystem] = names
        return names
    }

    /// `name` or `name[extra]`.
    package func find(_ wanted: String, _ ecosystem: Ecosystem) throws -> Dependency? {
        let parts = RequirementParts(wanted, ecosystem)
        return try dependencies(ecosystem).first { parts.fits($0) }
    }

    /// Whether an install would fetch anything.
    package func hasAny(_ ecosystem: Ecosystem) throws -> Bool {
        if try !dependencies(ecosystem).isEmpty { return true }
        switch ecosystem {
        case .npm: return try files.json(Manifests.path("package.json"))?["workspaces"] != nil
        case .pypi:
            if try files.isFile(Manifests.path("setup.py")) { return true }
            let lines = try files.text(Manifests.path("requirements.txt")).map(SourceText.lines) ?? []
            if lines.contains(where: { !$0.hasPrefix("#") && $0.contains { !$0.isWhitespace } }) { return true }
            return try files.toml(Manifests.path("pyproject.toml"))?["build-system"] != nil
        // Their managers also fetch what a project does not list: a build tool's plug-ins, a language's own library.
        case .gem, .composer, .maven, .nuget, .pub, .shards, .swift: return true
        // Apps under one umbrella list what they need themselves.
        case .hex: return try Manifests.umbrella.map { try !files.expand($0).isEmpty } ?? false
        case .cargo, .go, .deno: return false
        }
    }

    package func script(_ name: String) throws -> (line: String, at: JSONNode)? {
        guard let node = try files.json(Manifests.path("package.json"))?["scripts"]?[name], let text = node.string, !text.isEmpty else {
            return nil
        }
        return (text, node)
    }

    /// A package script, then those that it runs by name: `npm run build && yarn serve`, `run-s build serve`.
    package func scriptLines(_ name: String) throws -> [(name: String, line: String, at: JSONNode)] {
        var found: [(name: String, line: String, at: JSONNode)] = []
        var open = [name]
        while let name = open.popLast() {
            guard !found.contains(where: { $0.name == name }), let script = try script(name) else { continue }
            found.append((name, script.line, script.at))
            open += try called(script.line).reversed()
        }
        return found
    }

    private func called(_ line: String) throws -> [String] {
        var names: [String] = []
        var words = SourceText.words(of: line)[...]
        while let word = words.popFirst() {
            let isList = ["npm-run-all", "run-s", "run-p"].contains(word)
            guard isList || ["npm", "pnpm", "yarn", "bun"].contains(word) else { continue }
            words = words.drop { $0.hasPrefix("-") || $0 == "run" || $0 == "run-script" }
            while let name = words.first, try script(name) != nil {
                names.append(name)
                words.removeFirst()
                if isList { words = words.drop { $0.hasPrefix("-") } } else { break }
            }
        }
        return names
    }

    package func scripts() throws -> [JSONNode.Member] { try files.json(Manifests.path("package.json"))?["scripts"]?.members ?? [] }

    /// Only for names that are written in this program or were checked when their descriptor was.
    package static func path(_ literal: String) -> RelativePath {
        literal.split(separator: "/").filter { $0 != "." && $0 != ".." }.reduce(RelativePath.root) { $0.appending(component: String($1)) }
    }

    private func npm() throws -> [Dependency] {
        guard let manifest = try files.json(Manifests.path("package.json")) else { return [] }
        let sections: [(String, Dependency.Scope)] = [("dependencies", .prod), ("optionalDependencies", .prod), ("devDependencies", .dev)]
        let peers = Set(manifest["peerDependencies"]?.members.map(\.key) ?? [])
        return sections.flatMap { section, scope in
            (manifest[section]?.members ?? []).map { member in
                Dependency(
                    name: member.key, extras: [], scope: scope, isOfOthers: scope == .dev && peers.contains(member.key),
                    requirement: member.node.string ?? "", file: files.display(Manifests.path("package.json")), line: member.line)
            }
        }
    }

    private func pypi() throws -> [Dependency] {
        var seen: Set<RelativePath> = []
        var all = try requirements(Manifests.path("requirements.txt"), &seen)
        if let table = try files.toml(Manifests.path("pyproject.toml")) {
            all += PythonManifest(table: table, file: files.display(Manifests.path("pyproject.toml"))).pyproject()
        }
        if let table = try files.toml(Manifests.path("Pipfile")) {
            all += PythonManifest(table: table, file: files.display(Manifests.path("Pipfile"))).pipfile()
        }
        return all.isEmpty ? try conda() : all
    }

    private func requirements(_ path: RelativePath, _ seen: inout Set<RelativePath>) throws -> [Dependency] {
        guard seen.count < 16, seen.insert(path).inserted, let text = try files.text(path) else { return [] }
        var all: [Dependency] = []
        for (index, line) in SourceText.lines(text).enumerated() {
            if let other = Manifests.included(line), let next = try? RelativePath(parsing: other) {
                all += try requirements(path.parent.appending(next), &seen)
            } else if let item = RequirementLine(line) {
                all.append(
                    Dependency(
                        name: Dependency.normalize(item.name, .pypi), extras: item.extras, scope: .prod, requirement: item.requirement,
                        file: files.display(path), line: index + 1))
            }
        }
        return all
    }

    /// The file of `-r file` and `--requirement=file`.
    private static func included(_ line: String) -> String? {
        let trimmed = line.drop { $0.isWhitespace }
        for flag in ["-r", "--requirement"] where trimmed.hasPrefix(flag) {
            let name = trimmed.dropFirst(flag.count).drop { $0.isWhitespace || $0 == "=" }.prefix { !$0.isWhitespace }
            return name.isEmpty ? nil : String(name)
        }
        return nil
    }

    /// Lockfiles are long and simple: the names stand alone on lines.
    private func pypiLocked() throws -> Set<String> {
        var names: Set<String> = []
        for lockfile in ["uv.lock", "poetry.lock", "pdm.lock"] {
            guard let text = try files.text(Manifests.path(lockfile), limit: ProjectFiles.manifestLimit) else { continue }
            for line in SourceText.lines(text) where line.hasPrefix("name = \"") {
                names.insert(Dependency.normalize(String(line.dropFirst(8).prefix { $0 != "\"" }), .pypi))
            }
        }
        if let members = try? files.json(Manifests.path("Pipfile.lock"))?["default"]?.members {
            names.formUnion(members.map { Dependency.normalize($0.key, .pypi) })
        }
        return names
    }
}

/// `name[extra]` taken apart, to compare with what manifests list.
package struct RequirementParts {
    package let name: String
    package let extra: String?

    package init(_ text: String, _ ecosystem: Ecosystem) {
        let pieces = ecosystem == .pypi ? text.split(separator: "[") : [Substring(text)]
        name = Dependency.normalize(String(pieces.first ?? ""), ecosystem)
        extra = pieces.count > 1 ? String(pieces[1].dropLast()) : nil
    }

    package func fits(_ dependency: Dependency) -> Bool {
        guard dependency.name != name else { return extra.map(dependency.extras.contains) ?? true }
        // `group:*` is anything of a group; a Go module's name may end in its major version.
        if name.hasSuffix(":*") { return dependency.name.hasPrefix(name.dropLast()) }
        return name.contains("/") && dependency.name.hasPrefix(name + "/v") && dependency.ecosystem == .go
    }
}

/// The dependency tables of `pyproject.toml` (PEP 621, PEP 735, Poetry) and `Pipfile`.
package struct PythonManifest {
    private let table: TOMLTable
    private let file: String

    /// - Parameter file: as messages call it.
    package init(table: TOMLTable, file: String) { (self.table, self.file) = (table, file) }

    package func pyproject() -> [Dependency] {
        let project = table["project"]?.table
        var all = lines(project?["dependencies"]?.array, .prod)
        for extra in project?["optional-dependencies"]?.table?.entries ?? [] { all += lines(extra.node.array, .dev) }
        for group in table["dependency-groups"]?.table?.entries ?? [] { all += lines(group.node.array, .dev) }
        let tools = table["tool"]?.table
        all += lines(tools?["uv"]?.table?["dev-dependencies"]?.array, .dev)
        for group in tools?["pdm"]?.table?["dev-dependencies"]?.table?.entries ?? [] { all += lines(group.node.array, .dev) }
        let poetry = tools?["poetry"]?.table
        all += keys(poetry?["dependencies"]?.table, .prod)
        all += keys(poetry?["dev-dependencies"]?.table, .dev)
        for group in poetry?["group"]?.table?.entries ?? [] { all += keys(group.node.table?["dependencies"]?.table, .dev) }
        return all
    }

    func pipfile() -> [Dependency] { keys(table["packages"]?.table, .prod) + keys(table["dev-packages"]?.table, .dev) }

    private func lines(_ nodes: [TOMLNode]?, _ scope: Dependency.Scope) -> [Dependency] {
        (nodes ?? []).compactMap { node in
            guard let text = node.string, let item = RequirementLine(text) else { return nil }
            return Dependency(
                name: Dependency.normalize(item.name, .pypi), extras: item.extras, scope: scope, requirement: item.requirement, file: file,
                line: node.position.line)
        }
    }

    private func keys(_ table: TOMLTable?, _ scope: Dependency.Scope) -> [Dependency] {
        (table?.entries ?? []).compactMap { entry in
            guard entry.key.lowercased() != "python" else { return nil }
            let inner = entry.node.table
            return Dependency(
                name: Dependency.normalize(entry.key, .pypi), extras: (inner?["extras"]?.array ?? []).compactMap(\.string), scope: scope,
                requirement: entry.node.string ?? inner?["version"]?.string ?? "", file: file, line: entry.keyPosition.line)
        }
    }
}
