internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePlatforms
internal import ForgePresets

/// Turns the winner of a ranking into a `Detection`.
struct DetectionBuilder {
    let facts: ProjectFacts
    let ranking: Detector.Ranking
    let winner: Detector.Match

    func build() throws -> Detection {
        let deriver = try Deriver(preset: winner.preset, facts: facts)
        let manager = try deriver.packageManager()
        var values = try Dictionary(uniqueKeysWithValues: deriver.keys.compactMap { key in try deriver.value(key).map { (key, $0) } })
        let templates = try winner.preset.steps.compactMap { try StepResolver(deriver: deriver, own: manager).resolve($0) }
        let named = Set(templates.compactMap { $0.registries?.manager }).subtracting([manager?.id ?? ""])
        let atRoot = Set(templates.compactMap { $0.directory == nil ? $0.registries?.manager : nil })
        let companions = try named.sorted().compactMap { try facts.catalog.packageManager($0) }
        let managers = (manager.map { [$0] } ?? []) + companions
        try checkConflicts(managers)
        for name in Set(winner.preset.toolchains + managers.flatMap { $0.toolchains + $0.pins }) {
            values["runtime.\(name)"] = try version(of: name, deriver)
        }
        let kind = kind(deriver, values)
        let platforms = PlatformAccount(facts: facts, preset: winner.preset, kind: kind, values: values).reports()
        let present = Set(templates.map(\.id))
        let companion = try CompanionInstallation(deriver: deriver, managers: companions).expanded(
            templates.map { $0.needing($0.needs.filter(present.contains)) })
        let own = companion.steps.map(\.inItsFolder)
        let installation =
            try facts.workspace.map {
                try WorkspaceSteps(context: $0, deriver: deriver, manager: manager, kind: kind).arranged(own)
            } ?? InstallExpansion(deriver: deriver, manager: manager, kind: kind).expanded(own)
        return Detection(
            preset: winner.preset, kind: kind, packageManager: manager, companions: companions, root: facts.files.root,
            place: place(manager), values: values,
            evidence: evidence,
            candidates: ranking.losers.map { item in
                Candidate(
                    preset: item.match.preset.id, name: item.match.preset.name, group: item.match.preset.group,
                    confidence: item.match.outcome.confidence, reason: item.reason)
            }, steps: installation.steps,
            leavesOut: installation.leavesOut + companion.leavesOut.map { facts.workspace?.id($0) ?? $0 }
                + servingTheBuildAlone(installation.steps, values["start"], besides: installation.leavesOut),
            generated: try generated(manager), dockerfile: try dockerfile(deriver),
            missing: try values["start"].flatMap { try missing($0, manager) }, platforms: platforms, movedIn: movedIn,
            warnings: try platforms.compactMap(\.diagnostic) + facts.movingIn.disagreements(facts.configuration)
                + warnings(manager, deriver, present: values["install"])
                + companions.filter { atRoot.contains($0.id) }.flatMap { try unlocked($0, deriver, isInstalled: true) }
                + NestedPackages(facts: facts).warnings([values["build"]?.rule ?? "script heroku-postbuild", values["start"]?.rule])
                + (kind == .static ? [] : [CompilingStart(facts: facts).warning(values["start"]?.rule)].compactMap(\.self)),
            filesRead: facts.files.filesRead.sorted(),
            filesAbsent: facts.files.filesAbsent.sorted())
    }

    /// A manifest or lockfile in which two versions stand is none, however much of it can be read.
    /// - Throws: `ForgeError` `detect.conflict`
    private func checkConflicts(_ managers: [PackageManager]) throws {
        for files in [facts.files] + (facts.workspace.map { [$0.root.files] } ?? []) {
            for name in managers.flatMap({ $0.manifests + $0.lockfiles }) {
                for path in try files.expand(Glob(name), limit: 16) {
                    guard let line = try files.conflict(in: path) else { continue }
                    throw ForgeError(
                        .configuration, "detect.conflict", "`\(files.display(path))` holds two versions that git could not merge",
                        at: SourceLocation(file: files.display(path), line: line),
                        hint: "settle what stands between `<<<<<<<` and `>>>>>>>`, or write the file again with the tool that makes it")
                }
            }
        }
    }

    /// A start that the project writes may need what the preset's does without.
    private func servingTheBuildAlone(_ steps: [ResolvedStep], _ start: Derived?, besides known: [String]) -> [String] {
        guard start?.source == winner.preset.provenance else { return [] }
        let ids = winner.preset.artifact.leavesOut.flatMap { id in [id, facts.workspace?.id(id) ?? id] }
        return steps.map(\.id).filter { ids.contains($0) && !known.contains($0) }
    }

    private func place(_ manager: PackageManager?) -> WorkspacePlace? {
        facts.workspace.map { context in
            WorkspacePlace(
                root: context.workspace.root, folder: context.site, build: context.id("build"),
                strangers: context.workspace.strangers(to: context.folder),
                sharesPrograms: manager.flatMap { context.manager($0.ecosystem) }?.workspace?.installation == .shared)
        }
    }

    /// Where several apps share an installation, all their steps speak of the same: one of them may generate what another one runs with.
    private func generated(_ manager: PackageManager?) throws -> [String] {
        guard let manager, let files = manager.generated else { return [] }
        guard let context = facts.workspace, context.manager(manager.ecosystem) != nil else {
            return try files.packages.contains { try facts.manifests.find($0, manager.ecosystem) != nil } ? files.paths : []
        }
        let members = context.workspace.members.filter { $0.ecosystem == manager.ecosystem }
        guard members.contains(where: \.generates) else { return [] }
        let folders = members.map(\.path).filter { !$0.isRoot }
        return files.paths + folders.flatMap { folder in files.paths.map { "\(folder.string)/\($0)" } }
    }

    private var movedIn: MovedIn {
        func text(_ slot: PlatformSetting.Slot) -> String? { facts.movingIn.setting(slot)?.text }
        return MovedIn(
            environment: facts.movingIn.environment, port: text(.port).flatMap { Int($0) }, healthPath: text(.health),
            fallback: text(.fallback).flatMap { try? RelativePath(parsing: $0) },
            site: facts.movingIn.sitePart?.site ?? SiteRules())
    }

    private var evidence: [Evidence] {
        guard let forced = facts.framework else { return winner.outcome.evidence }
        return [Evidence(clause: "`framework` in `\(forced.location.file)`", file: forced.location.file, line: forced.location.line)]
            + winner.outcome.evidence
    }

    /// A server that nothing starts but that has a folder to serve is a site.
    private func kind(_ deriver: Deriver, _ values: [String: Derived]) -> Artifact.Kind {
        guard deriver.kind == .container, values["start"] == nil, facts.configuration.build.output != nil else { return deriver.kind }
        return .static
    }

    private func version(of name: String, _ deriver: Deriver) throws -> Derived? {
        guard let toolchain = try facts.catalog.toolchain(name) else { return nil }
        let asked = try value(of: toolchain.version, name, deriver)
        guard let readable = try value(of: toolchain.lockfile, name, deriver) else { return asked }
        guard let asked else { return readable }
        return asked.narrowed(by: readable) ?? asked
    }

    private func value(of derivation: Derivation, _ name: String, _ deriver: Deriver) throws -> Derived? {
        if let own = try deriver.first(of: derivation, key: "runtime.\(name)") { return own }
        // Version files and lockfiles mostly lie at the workspace's root.
        return try facts.workspace.flatMap {
            try Deriver(preset: deriver.preset, facts: $0.root).first(of: derivation, key: "runtime.\(name)")
        }
    }

    private func dockerfile(_ deriver: Deriver) throws -> RelativePath? {
        guard let template = winner.preset.artifact.dockerfile else { return nil }
        return try template.filled { try deriver.placeholder($0)?.text }.flatMap { try? RelativePath(parsing: $0) }
    }

    private func missing(_ start: Derived, _ manager: PackageManager?) throws -> MissingDependency? {
        guard let ecosystem = winner.preset.ecosystem, let wanted = start.requires.first else { return nil }
        let locked = try facts.manifests.locked(ecosystem).union(facts.workspace?.root.manifests.locked(ecosystem) ?? [])
        for name in start.requires {
            let parts = RequirementParts(name, ecosystem)
            if try facts.manifests.find(name, ecosystem) != nil || (parts.extra == nil && locked.contains(parts.name)) { return nil }
        }
        return try advice(wanted, manager)
    }

    /// The line to add, in the words of the file it goes into.
    private func advice(_ name: String, _ manager: PackageManager?) throws -> MissingDependency {
        let (pyproject, pipfile) = (Manifests.path("pyproject.toml"), Manifests.path("Pipfile"))
        func line(_ file: RelativePath, _ line: String, _ section: String?) -> MissingDependency {
            MissingDependency(name: name, file: facts.files.display(file), line: line, section: section)
        }
        let package = Manifests.path("package.json")
        if manager?.ecosystem == .npm { return line(package, "\"\(name)\": \"*\",", "`dependencies`") }
        if manager?.id == "conda" { return line(Manifests.path("environment.yml"), "- \(name)", "`dependencies`") }
        // Poetry reads its own table or the standard's list: the file has one of them.
        let isStandard = try facts.files.toml(pyproject)?.at(pointer: "/project/dependencies") != nil
        if manager?.id == "poetry", !isStandard { return line(pyproject, "\(name) = \"*\"", "[tool.poetry.dependencies]") }
        let hasRequirements = try facts.files.isFile(Manifests.path("requirements.txt"))
        if manager?.id == "poetry" || !hasRequirements, try facts.files.isFile(pyproject) {
            return line(pyproject, "\"\(name)\",", "`dependencies` of [project]")
        }
        if !hasRequirements, try facts.files.isFile(pipfile) { return line(pipfile, "\(name) = \"*\"", "[packages]") }
        return line(Manifests.path("requirements.txt"), name, nil)
    }

    private func warnings(_ manager: PackageManager?, _ deriver: Deriver, present install: Derived?) throws -> [Diagnostic] {
        let news = try newerThanKnown().map { [$0] } ?? []
        return try news + unlocked(manager, deriver, isInstalled: install != nil)
    }

    /// A framework of a version that did not exist when its preset was written.
    private func newerThanKnown() throws -> Diagnostic? {
        guard let known = winner.preset.versions, let most = known.maxKnown, let ecosystem = winner.preset.ecosystem,
            let dependency = try facts.manifests.find(known.dependency, ecosystem),
            let version = VersionRange.lowest(of: dependency.requirement), VersionRange.isLess(most, Array(version.prefix(most.count)))
        else { return nil }
        return Diagnostic(
            "`\(dependency.name)` \(dependency.requirement) is newer than what is known of \(winner.preset.name)",
            at: SourceLocation(file: dependency.file, line: dependency.line),
            hint: "look at the plan; where it is wrong, `[build]` in `crowdforge.toml` says it")
    }

    private func unlocked(_ manager: PackageManager?, _ deriver: Deriver, isInstalled: Bool) throws -> [Diagnostic] {
        guard let manager, isInstalled else { return [] }
        if manager.lockfiles.isEmpty { return try unlockedList(manager, deriver).map { [$0] } ?? [] }
        // Members of a workspace share one lockfile.
        let files = facts.workspace?.manager(manager.ecosystem) == nil ? facts.files : facts.workspace?.root.files ?? facts.files
        guard try !manager.lockfiles.contains(where: { try files.isFile(Manifests.path($0)) }) else { return [] }
        let manifest = try manager.manifests.first { try files.isFile(Manifests.path($0)) } ?? manager.manifests.first ?? "the manifest"
        return [
            Diagnostic(
                "dependencies are not locked: there is no `\(manager.lockfiles[0])`",
                at: SourceLocation(file: files.display(Manifests.path(manifest))),
                hint: "install once with \(manager.name) and commit `\(manager.lockfiles[0])`")
        ]
    }

    /// For a manager whose lockfile is a manifest that pins and hashes everything; Maven and its like have none to write.
    private func unlockedList(_ manager: PackageManager, _ deriver: Deriver) throws -> Diagnostic? {
        guard manager.resolvedLockfile != nil else { return nil }
        let list = try deriver.manifest(manager)?.string
        let loose = try facts.manifests.dependencies(manager.ecosystem).first { $0.scope == .prod && !$0.requirement.hasPrefix("==") }
        if let loose, list == nil || list == manager.manifests.first {
            return Diagnostic(
                "dependencies are not locked: `\(loose.name)` may be another version tomorrow",
                at: SourceLocation(file: loose.file, line: loose.line), hint: "pin every version, like `\(loose.name)==…`")
        }
        guard let manifest = list ?? manager.manifests.first, try deriver.first(of: manager.resolve, of: manager, key: "resolve") != nil
        else { return nil }
        return Diagnostic(
            "dependencies are not locked: `\(manifest)` has no hashes, and does not list what they need in turn",
            at: SourceLocation(file: facts.files.display(Manifests.path(manifest))),
            hint: "commit a full list: `uv pip compile --generate-hashes`, or `pip-compile --generate-hashes`")
    }
}

extension Deriver {
    /// The same preset asked of a folder, as of a project that stands alone.
    func inside(_ folder: RelativePath) throws -> Deriver {
        let files = facts.files.folder(folder)
        return try Deriver(
            preset: preset, facts: ProjectFacts(files: files, configuration: ProjectConfiguration(), catalog: facts.catalog))
    }
}

extension ResolvedStep {
    /// A step that is about a folder, with its paths as they are below the project.
    fileprivate var inItsFolder: ResolvedStep {
        guard let directory else { return self }
        func inside(_ path: String) -> String { path.contains("..") ? path : "\(directory.string)/\(path)" }
        var step = self
        step.inputs = inputs.map(inside)
        step.outputs = outputs.map(inside)
        step.caches = caches.map(inside)
        step.registries = registries.map {
            .init(
                manager: $0.manager, origins: $0.origins, replaces: $0.replaces, lockfile: $0.lockfile.map(directory.appending),
                witnesses: $0.witnesses.map(directory.appending))
        }
        return step
    }
}

/// Fills the placeholders of one step; a step whose command has no value is left out.
struct StepResolver {
    let deriver: Deriver
    let manager: PackageManager?
    private let own: PackageManager?

    /// - Parameter own: of the preset's ecosystem.
    init(deriver: Deriver, own: PackageManager?) {
        self.init(deriver: deriver, own: own, manager: own)
    }

    private init(deriver: Deriver, own: PackageManager?, manager: PackageManager?) {
        (self.deriver, self.own, self.manager) = (deriver, own, manager)
    }

    /// Nil for a step that has nothing to run, one for an ecosystem that the project has no manifest of among them.
    func resolve(_ step: StepTemplate) throws -> ResolvedStep? {
        guard try deriver.evaluator.holds(step.when) else { return nil }
        if let folder = step.folder { return try resolved(step, in: folder) }
        guard let ecosystem = step.ecosystem, ecosystem != deriver.preset.ecosystem else { return try resolved(step) }
        guard let other = try deriver.facts.packageManager(ecosystem) else { return nil }
        return try StepResolver(deriver: deriver, own: own, manager: other).resolved(step)
    }

    /// Everything but its condition is asked of the folder; its paths are those there.
    private func resolved(_ step: StepTemplate, in folder: Template) throws -> ResolvedStep? {
        guard let ecosystem = step.ecosystem, let text = try folder.filled({ try deriver.placeholder($0)?.text }),
            let folder = try? RelativePath(parsing: text), !folder.isRoot
        else { return nil }
        let inside = try deriver.inside(folder)
        guard let manager = try inside.facts.packageManager(ecosystem) else { return nil }
        var found = try StepResolver(deriver: inside, own: nil, manager: manager).resolved(step)
        found?.directory = folder
        return found
    }

    private func resolved(_ step: StepTemplate) throws -> ResolvedStep? {
        guard let command = try command(step) else { return nil }
        let install = manager?.id == own?.id ? try deriver.value("install") : try manager.flatMap(deriver.install)
        let isInstall = step.run == .command("install") || step.run == .command("packageManager.install")
        var inputs = isInstall && install?.inputs != nil ? install?.inputs ?? [] : try paths(step.inputs, onlyPresent: true)
        // A project's own install command may read anything.
        if isInstall, install.map({ $0.rule.hasPrefix("config") || $0.rule.hasPrefix("platform ") }) == true { inputs = [] }
        if isInstall, !inputs.isEmpty, let list = try manager.flatMap(deriver.manifest)?.string, !inputs.contains(list) {
            inputs.append(list)
        }
        let environment = step.network == .registries ? manager?.environment ?? [:] : [:]
        return ResolvedStep(
            id: step.id, title: step.title ?? command.typed, directory: nil, excludes: nil, needs: step.needs, command: command,
            inputs: inputs.contains("**") ? [] : inputs,
            outputs: try paths(step.outputs, onlyPresent: false), caches: try paths(step.caches, onlyPresent: false),
            scratch: try paths(step.scratch, onlyPresent: false) + (step.network == .registries ? manager?.scratch ?? [] : []),
            network: step.network,
            environment: environment.merging(step.environment) { $1 },
            registries: step.network == .registries ? try registries() : nil)
    }

    func registries() throws -> Step.Registries? {
        try manager.map { manager in
            // A manager without a lockfile of its own is locked by a manifest that hashes everything.
            let list = try deriver.manifest(manager).map { [$0.string] } ?? Array(manager.manifests.prefix(1))
            let names = manager.lockfiles.isEmpty ? list : manager.lockfiles
            let lockfile = try names.first { try deriver.facts.files.isFile(Manifests.path($0)) }
            let own = try ProjectRegistries(facts: deriver.facts).named(manager.registries)
            return Step.Registries(
                manager: manager.id, origins: own.origins, replaces: own.replaces, lockfile: lockfile.map(Manifests.path),
                witnesses: manager.witnesses.map(Manifests.path))
        }
    }

    private func command(_ step: StepTemplate) throws -> Command? {
        switch step.run {
        case .command("packageManager.install"): return try manager.flatMap(deriver.install)?.command
        case .command(let name): return try deriver.placeholder(name)?.command
        case .argv(let words):
            let filled = try words.map { word in try word.filled { try deriver.placeholder($0)?.text } }
            return filled.contains(nil) ? nil : .argv(filled.compactMap { $0 })
        case .shell(let line):
            return try line.filled { name in try deriver.placeholder(name).map { CommandText.quote($0.text) } }.map(Command.shell)
        }
    }

    private func paths(_ templates: [Template], onlyPresent: Bool) throws -> [String] {
        var result: [String] = []
        for template in templates {
            if let name = template.solePlaceholder, name.hasPrefix("packageManager.") {
                result += list(String(name.dropFirst("packageManager.".count)))
            } else if let text = try template.filled({ try deriver.placeholder($0)?.text }) {
                result.append(text)
            }
        }
        guard onlyPresent else { return result }
        return try result.filter { path in
            try (try? Glob(path)).map { try !deriver.facts.files.expand($0, kind: .any).isEmpty } ?? true
        }
    }

    private func list(_ name: String) -> [String] {
        switch name {
        case "manifests": manager?.manifests ?? []
        case "lockfile": manager?.lockfiles ?? []
        case "configuration": manager?.configuration ?? []
        case "outputs": manager?.outputs ?? []
        case "caches": manager?.caches ?? []
        default: []
        }
    }
}
