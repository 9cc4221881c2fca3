internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePresets

/// Makes of a preset's one install step what its package manager needs for it: a lockfile first where there is none, and a
/// second, smaller installation where a server is built with more than it runs with.
struct InstallExpansion {
    let deriver: Deriver
    let manager: PackageManager?
    let kind: Artifact.Kind

    /// The steps in the same order, and which of them serve the build alone.
    func expanded(_ steps: [ResolvedStep]) throws -> (steps: [ResolvedStep], leavesOut: [String]) {
        guard let manager, let index = steps.firstIndex(where: { $0.registries?.manager == manager.id }),
            let install = try deriver.value("install"), install.source == manager.provenance
        else { return (steps, []) }
        var expanded = steps
        let resolve = try resolution(for: steps[index], manager)
        var step = steps[index]
        if let resolve { step = step.locked(by: resolve) }
        step.command = try deriver.first(of: manager.frozen, of: manager, key: "frozen")?.command ?? step.command
        let production = try production(besides: step, in: steps, manager)
        if let production, production.id == step.id { step = production }
        expanded[index] = step
        if let production, production.id != step.id { expanded.insert(production, at: index + 1) }
        if let resolve { expanded.insert(resolve, at: index) }
        return (expanded, production.map { $0.id == step.id ? [] : [step.id] } ?? [])
    }

    /// The step that writes a lockfile; nil where the project has one.
    func resolution(for install: ResolvedStep, _ manager: PackageManager) throws -> ResolvedStep? {
        guard let lockfile = manager.resolvedLockfile,
            let command = try deriver.first(of: manager.resolve, of: manager, key: "resolve")?.command
        else {
            return nil
        }
        var step = install
        step.id = "resolve"
        step.title = "resolve versions"
        step.command = command
        step.outputs = [lockfile]
        step.registries = step.registries.map {
            .init(
                manager: $0.manager, origins: $0.origins, replaces: $0.replaces, lockfile: nil, witnesses: [Manifests.path(lockfile)])
        }
        return step
    }

    /// What a server runs with: the install step itself when nothing is built, else a step of its own when the project lists
    /// dependencies for development.
    private func production(besides install: ResolvedStep, in steps: [ResolvedStep], _ manager: PackageManager) throws -> ResolvedStep? {
        guard kind == .container || kind == .function, try !deriver.startsWithDevelopmentTool(manager.ecosystem),
            let command = try deriver.first(of: manager.production, of: manager, key: "production")?.command
        else { return nil }
        var step = install
        step.command = command
        guard steps.contains(where: { $0.needs.contains(install.id) }) else { return step }
        guard try deriver.facts.manifests.dependencies(manager.ecosystem).contains(where: { $0.scope == .dev }) else { return nil }
        step.id = "production"
        step.title = "install production dependencies"
        return step
    }
}

extension Deriver {
    /// Whether the server is started by what the project lists for development alone (`tsx server.ts`): then that stays installed.
    func startsWithDevelopmentTool(_ ecosystem: Ecosystem) throws -> Bool {
        guard let start = try value("start") else { return false }
        let listed = try facts.manifests.dependencies(ecosystem)
        let (tools, others) = (Set(listed.filter { $0.scope == .dev }.map(\.name)), Set(listed.filter { $0.scope == .prod }.map(\.name)))
        if start.requires.contains(where: tools.contains), !start.requires.contains(where: others.contains) { return true }
        let script = start.rule.hasPrefix("script ") ? String(start.rule.dropFirst("script ".count)) : nil
        let line = try script.flatMap { try facts.manifests.script($0)?.line } ?? start.text
        return SourceText.words(of: line).flatMap(Self.packages).contains { tools.contains($0) && !others.contains($0) }
    }

    /// The packages that a word of a command may mean: `node_modules/.bin/vite`, `ts-node/register`, `@swc-node/register`.
    private static func packages(_ word: String) -> [String] {
        let parts = word.split(separator: "/").map(String.init)
        if let bin = parts.lastIndex(of: ".bin"), bin + 1 < parts.count { return [parts[bin + 1]] }
        return [word, parts.prefix(word.hasPrefix("@") ? 2 : 1).joined(separator: "/")]
    }
}

/// What installs for other ecosystems than the preset's own: locked as that is, and there for the build alone.
struct CompanionInstallation {
    let deriver: Deriver
    let managers: [PackageManager]

    /// The steps in the same order, and which of them serve the build alone.
    func expanded(_ steps: [ResolvedStep]) throws -> (steps: [ResolvedStep], leavesOut: [String]) {
        var expanded: [ResolvedStep] = []
        var leavesOut: [String] = []
        for step in steps {
            guard let manager = managers.first(where: { $0.id == step.registries?.manager }) else {
                expanded.append(step)
                continue
            }
            let deriver = try step.directory.map(self.deriver.inside) ?? self.deriver
            var install = step
            install.command = try deriver.first(of: manager.frozen, of: manager, key: "frozen")?.command ?? step.command
            leavesOut.append(step.id)
            if var resolve = try InstallExpansion(deriver: deriver, manager: manager, kind: deriver.kind).resolution(for: step, manager) {
                resolve.id = "\(step.id)-resolve"
                install = install.locked(by: resolve)
                expanded.append(resolve)
                leavesOut.append(resolve.id)
            }
            expanded.append(install)
        }
        return (expanded, leavesOut)
    }
}

extension Preset {
    /// Where a value says it comes from when the preset gave it.
    var provenance: String { "preset \(id)" }
}

extension PackageManager {
    /// Where a value says it comes from when this manager gave it.
    var provenance: String { "package manager \(id)" }
}

/// The registries that a project's own files name.
struct ProjectRegistries {
    let facts: ProjectFacts

    /// Both sorted. What is no URL of a registry is not one: the manager itself will complain about it.
    func named(_ discovery: RegistryDiscovery) throws -> (origins: [EgressOrigin], replaces: [String]) {
        var origins: Set<EgressOrigin> = []
        var replaces: Set<String> = []
        for rule in discovery.project {
            for path in try rule.globs.flatMap({ try facts.files.expand($0) }) {
                let text = try facts.files.text(path, limit: ProjectFiles.manifestLimit)
                for line in text.map(SourceText.lines) ?? [] {
                    guard let groups = rule.pattern.firstMatch(in: line) else { continue }
                    replaces.formUnion(rule.replaces)
                    if let url = groups.dropFirst().compactMap({ $0 }).first, let origin = EgressOrigin(url: url) { origins.insert(origin) }
                }
            }
        }
        return (origins.sorted(), replaces.sorted())
    }
}
