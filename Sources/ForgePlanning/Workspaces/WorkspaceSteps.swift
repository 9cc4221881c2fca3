internal import ForgeModel
internal import ForgePresets

/// Places the steps of one app among those of its workspace: one installation, the members it is built from, then its own.
/// All paths that come out are below the workspace's root. Steps that several apps have are the same in all of them.
struct WorkspaceSteps {
    let context: WorkspaceContext
    /// Of the app.
    let deriver: Deriver
    let manager: PackageManager?
    let kind: Artifact.Kind

    private var workspace: Workspace { context.workspace }
    private var folder: RelativePath { context.folder }

    /// The steps in order, and which of them serve the build alone.
    func arranged(_ own: [ResolvedStep]) throws -> (steps: [ResolvedStep], leavesOut: [String]) {
        let libraries = try libraries()
        let install = own.first { $0.registries != nil && $0.registries?.manager == manager?.id }
        guard let manager, let install, context.manager(manager.ecosystem) != nil else {
            let expanded = try InstallExpansion(deriver: deriver, manager: manager, kind: kind).expanded(own)
            return (try libraries + expanded.steps.map { try placed($0, after: []) }, expanded.leavesOut.map(context.id))
        }
        let rest = own.filter { $0.id != install.id }
        let installation = try WorkspaceInstallation(context: context, deriver: deriver, manager: manager, kind: kind)
            .steps(from: install, isBuilt: !rest.isEmpty || !libraries.isEmpty)
        let first = installation.ready.map { [$0] } ?? []
        return try (
            installation.steps + libraries.map { $0.needing(first + $0.needs) }
                + rest.map { try placed($0, after: first, install: install.id) },
            installation.leavesOut
        )
    }

    /// A step of the app's own, as its preset gives it.
    private func placed(_ step: ResolvedStep, after ready: [String], install: String? = nil) throws -> ResolvedStep {
        var placed = step
        placed.id = context.id(step.id)
        let site = context.site
        func inside(_ path: String) -> String { site.isRoot || path.contains("..") ? path : "\(site.string)/\(path)" }
        let directory = step.directory.map(site.appending) ?? site
        placed.directory = directory.isRoot ? nil : directory
        let libraries = step.registries == nil ? try needs(of: folder) : []
        placed.needs = ready + step.needs.filter { $0 != install }.map(context.id) + libraries
        placed.excludes = step.inputs.isEmpty ? strangers(to: folder) : nil
        placed.inputs = step.inputs.map(inside)
        placed.outputs = step.outputs.map(inside)
        placed.caches = step.caches.map(inside)
        placed.scratch = step.scratch.map(inside)
        placed.environment = step.environment.mapValues(installed)
        placed.registries = step.registries.map { own in
            .init(
                manager: own.manager, origins: own.origins, replaces: own.replaces, lockfile: own.lockfile.map(site.appending),
                witnesses: own.witnesses.map(site.appending))
        }
        return placed
    }

    /// A variable that names what the shared installation leaves means it where that lies: at the root.
    private func installed(_ value: String) -> String {
        guard let manager, manager.outputs.contains(value), manager.workspace?.installation == .shared,
            context.manager(manager.ecosystem) != nil
        else { return value }
        return String(repeating: "../", count: context.site.string.split(separator: "/").count) + value
    }

    private func strangers(to folder: RelativePath) -> [RelativePath]? {
        let strangers = workspace.strangers(to: folder)
        return strangers.isEmpty ? nil : strangers
    }

    /// One step for each member below the app that has something to build, each after those it needs.
    private func libraries() throws -> [ResolvedStep] {
        var steps: [ResolvedStep] = []
        var seen: Set<RelativePath> = [folder]
        func visit(_ member: RelativePath) throws {
            guard seen.insert(member).inserted else { return }
            for other in before(member) { try visit(other) }
            if let step = try library(member) { steps.append(step) }
        }
        for member in before(folder) { try visit(member) }
        return steps
    }

    /// An app in a circle with a library is nobody's library.
    private func before(_ member: RelativePath) -> [RelativePath] {
        workspace.builtBefore(member).filter { !(context.apps.contains($0) && workspace.closure(of: $0).contains(member)) }
    }

    /// The steps of all that is built before; not those that others of them wait for anyway.
    private func needs(of member: RelativePath) throws -> [String] {
        let built = try before(member).filter { try build(of: $0) != nil }
        return built.filter { one in !built.contains { before($0).contains(one) } }.map { context.id(building: $0) }
    }

    /// What a member is built with, and by which rule; nil when it has nothing to build.
    private func build(of folder: RelativePath) throws -> (command: Derived, rule: WorkspaceRule, deriver: Deriver)? {
        for member in workspace.members where member.path == folder && member.ecosystem == manager?.ecosystem {
            guard let rule = workspace.manager(member.ecosystem)?.workspace, !rule.build.sources.isEmpty else { continue }
            let deriver = try Deriver(preset: deriver.preset, facts: context.facts(of: folder))
            if let command = try deriver.first(of: rule.build, key: "build") { return (command, rule, deriver) }
        }
        return nil
    }

    private func library(_ folder: RelativePath) throws -> ResolvedStep? {
        guard let (build, rule, deriver) = try build(of: folder) else { return nil }
        let output = try deriver.first(of: rule.output, key: "output").map { "\(folder.string)/\($0.text)" }
        return ResolvedStep(
            id: context.id(building: folder), title: build.text, directory: folder, excludes: strangers(to: folder), isShared: true,
            needs: try needs(of: folder), command: build.command, inputs: [], outputs: output.map { [$0] } ?? [], caches: [], scratch: [],
            network: .none, environment: [:], registries: nil)
    }
}

extension ResolvedStep {
    func needing(_ needs: [String]) -> ResolvedStep {
        var step = self
        step.needs = needs
        return step
    }
}
