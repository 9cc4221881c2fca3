internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePresets

/// The steps that install what an app of a workspace needs. Their key is the lockfile and all manifests: the source of a member is
/// read only where its manifest says so.
struct WorkspaceInstallation {
    let context: WorkspaceContext
    /// Of the app.
    let deriver: Deriver
    let manager: PackageManager
    let kind: Artifact.Kind

    struct Steps {
        var steps: [ResolvedStep]
        /// The step that what is built comes after; nil when nothing is built.
        let ready: String?
        let leavesOut: [String]
    }

    private var root: ProjectFiles { context.root.files }
    private var folder: RelativePath { context.folder }

    /// - Parameters:
    ///   - install: the app's install step as its preset gives it.
    ///   - isBuilt: whether anything is built before the app runs.
    func steps(from install: ResolvedStep, isBuilt: Bool) throws -> Steps {
        guard let rule = manager.workspace else { return Steps(steps: [], ready: nil, leavesOut: []) }
        let atRoot = try Deriver(preset: deriver.preset, facts: context.root)
        atRoot.names[WorkspaceRule.member] = folder.display
        atRoot.names[WorkspaceRule.name] = context.workspace.member(folder, manager.ecosystem)?.name
        let isOwn = try deriver.value("install")?.source != manager.provenance
        var base = install
        base.isShared = true
        base.inputs = isOwn ? [] : try inputs(rule, readingTrees: true)
        base.registries = try StepResolver(deriver: atRoot, own: manager).registries()
        let programs = members.flatMap(\.programs)
        base.registries?.programs = programs.isEmpty ? nil : programs
        if rule.installation == .app { return try apart(base, rule, atRoot, isOwn: isOwn) }
        // One that an app alone says is no one else's.
        let configuration = deriver.facts.configuration
        let isAlone = isOwn && configuration.build.install != configuration.shared?.install
        base.id = isAlone ? context.id("install") : "install"
        base.directory = nil
        base.outputs = outputs
        base.caches = manager.caches
        base.scratch = manager.scratch
        if isOwn { return Steps(steps: [base], ready: base.id, leavesOut: []) }
        base.command =
            try atRoot.first(of: manager.frozen, of: manager, key: "frozen")?.command ?? atRoot.first(
                of: manager.install, of: manager, key: "install")?.command
            ?? base.command
        // Which versions there are to be is no matter of programs.
        var unlinked = base
        unlinked.inputs.removeAll { programs.map(\.string).contains($0) }
        let resolve = try InstallExpansion(deriver: atRoot, manager: manager, kind: kind).resolution(for: unlinked, manager)
        if let resolve { base = base.locked(by: resolve) }
        let production = try production(besides: base, rule, atRoot)
        guard let production else { return Steps(steps: [resolve, base].compactMap(\.self), ready: base.id, leavesOut: []) }
        return isBuilt
            ? Steps(steps: [resolve, base, production].compactMap(\.self), ready: base.id, leavesOut: [base.id])
            : Steps(steps: [resolve, production].compactMap(\.self), ready: nil, leavesOut: [])
    }

    /// An installation in the app's own folder.
    private func apart(_ install: ResolvedStep, _ rule: WorkspaceRule, _ atRoot: Deriver, isOwn: Bool) throws -> Steps {
        var step = install
        step.isShared = false
        step.id = context.id("install")
        step.directory = folder.isRoot ? nil : folder
        step.outputs = manager.outputs.map(inside)
        step.caches = manager.caches.map(inside)
        step.scratch = manager.scratch.map(inside)
        step.registries = step.registries.map { own in
            .init(
                manager: own.manager, origins: own.origins, replaces: own.replaces, lockfile: own.lockfile,
                witnesses: own.witnesses.map(folder.appending))
        }
        for (name, value) in rule.environment {
            step.environment[name] = value.filled { $0 == WorkspaceRule.member ? folder.display : nil }
        }
        if isOwn { return Steps(steps: [step], ready: step.id, leavesOut: []) }
        step.command = try atRoot.first(of: manager.frozen, of: manager, key: "frozen")?.command ?? step.command
        var shared = install
        // Versions are found out from manifests alone, and for all apps at once.
        shared.inputs = try inputs(rule, readingTrees: false)
        shared.directory = nil
        shared.caches = manager.caches
        shared.scratch = manager.scratch
        let resolve = try InstallExpansion(deriver: atRoot, manager: manager, kind: kind).resolution(for: shared, manager)
        if let resolve { step = step.locked(by: resolve) }
        return Steps(steps: [resolve, step].compactMap(\.self), ready: step.id, leavesOut: [])
    }

    /// What a server runs with: its own dependencies where the manager can tell them apart, else those of all members.
    private func production(besides install: ResolvedStep, _ rule: WorkspaceRule, _ atRoot: Deriver) throws -> ResolvedStep? {
        guard kind == .container || kind == .function, try !deriver.startsWithDevelopmentTool(manager.ecosystem) else { return nil }
        var step = install
        step.title = "install production dependencies"
        if !context.site.isRoot, let command = try atRoot.first(of: rule.production, of: manager, key: "production")?.command {
            step.id = context.id("production")
            step.command = command
            step.isShared = false
            return step
        }
        guard let command = try atRoot.first(of: manager.production, of: manager, key: "production")?.command else { return nil }
        step.id = "production"
        step.command = command
        return step
    }

    private func inside(_ path: String) -> String { folder.isRoot ? path : "\(folder.string)/\(path)" }

    private var members: [Workspace.Member] { context.workspace.members.filter { $0.ecosystem == manager.ecosystem } }

    private var outputs: [String] {
        manager.outputs + members.filter { !$0.path.isRoot }.flatMap { member in manager.outputs.map { "\(member.path.string)/\($0)" } }
    }

    /// Manifests of all members, what lies beside the lockfile, and whatever a manifest says that the install runs or reads. Empty: all.
    private func inputs(_ rule: WorkspaceRule, readingTrees: Bool) throws -> [String] {
        let names = manager.manifests + manager.lockfiles + manager.configuration + [rule.file]
        var inputs = try names.filter { try !root.expand(Glob($0), kind: .any).isEmpty }
        let closure = Set(context.workspace.closure(of: folder))
        for member in members {
            // What one app installs for itself is made of what it depends on, and of no other member's files.
            let isRead = readingTrees && (rule.installation == .shared || closure.contains(member.path))
            let readsTree = try isRead && reads(member.path)
            if readsTree && member.path.isRoot { return [] }
            let manifest = member.path.appending(Manifests.path(rule.manifest))
            if readsTree {
                inputs.append(member.path.appending(component: "**").string)
            } else if try root.isFile(manifest) {
                inputs.append(manifest.string)
            }
            for folder in isRead ? member.folders + member.programs : [] {
                if case .directory? = try root.node(folder) { inputs.append("\(folder.string)/**") } else { inputs.append(folder.string) }
            }
        }
        var seen: Set<String> = []
        return inputs.filter { seen.insert($0).inserted }
    }

    private func reads(_ member: RelativePath) throws -> Bool {
        guard let tree = manager.readsTree else { return false }
        let facts = member.isRoot ? context.root : context.facts(of: member)
        return try ClauseEvaluator(facts: facts) { true }.holds(tree)
    }
}

extension ResolvedStep {
    /// After a step that writes the lockfile.
    func locked(by resolve: ResolvedStep) -> ResolvedStep {
        var step = self
        step.needs.append(resolve.id)
        step.registries = registries.map {
            .init(
                manager: $0.manager, origins: $0.origins, replaces: $0.replaces, lockfile: Manifests.path(resolve.outputs[0]),
                witnesses: $0.witnesses)
        }
        step.registries?.programs = registries?.programs
        return step
    }
}
