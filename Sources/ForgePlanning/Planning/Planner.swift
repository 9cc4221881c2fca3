package import ForgeModel
internal import ForgePresets

/// Turns a detection into what a build will do. Pure: no files, no clock, no environment of this machine.
package enum Planner {
    /// - Throws: `ForgeError` of category plan: `plan.server-missing`, `plan.start-missing`, `plan.dockerfile-missing`,
    ///   `plan.output-outside`, `plan.output-is-root`, `plan.outputs-overlap`.
    package static func plan(_ detection: Detection, configuration: ProjectConfiguration) throws -> BuildPlan {
        let draft = PlanDraft(detection: detection, configuration: configuration)
        if detection.kind == .container { try draft.checkStart() }
        if detection.kind == .image, detection.dockerfile == nil {
            throw ForgeError(
                .plan, "plan.dockerfile-missing", "there is no `Dockerfile` in `\(detection.root)`",
                at: configuration.build.framework?.location,
                hint: "add one, or let forge recognize the project by removing the `framework` line")
        }
        let steps = try draft.steps()
        var plan = BuildPlan(
            preset: detection.preset.reference, root: detection.place?.root ?? detection.root, steps: steps,
            artifact: try draft.artifact(steps),
            toolchains: draft.toolchains(steps), warnings: detection.warnings + draft.unusedSite, system: configuration.system)
        let origins = draft.toolchainOrigins(plan.toolchains)
        if !origins.isEmpty { plan.toolchainOrigins = origins }
        return plan
    }
}

private struct PlanDraft {
    let detection: Detection
    let configuration: ProjectConfiguration

    private var manager: PackageManager? { detection.packageManager }

    func checkStart() throws {
        guard detection.values["start"] != nil else {
            throw ForgeError(
                .plan, "plan.start-missing", "`\(detection.preset.name)` is a server, and nothing says how to start it",
                hint: "write `start = \"…\"` below `[build]` in `crowdforge.toml`, or `output = \"…\"` if it is a site")
        }
        guard let missing = detection.missing else { return }
        let place = missing.section.map { " in \($0)" } ?? ""
        throw ForgeError(
            .plan, "plan.server-missing",
            "`\(detection.preset.name)` has no server to run it: `\(missing.name)` is not among the dependencies",
            at: SourceLocation(file: missing.file), hint: "add the line `\(missing.line)` to `\(missing.file)`\(place)")
    }

    func steps() throws -> [Step] {
        let steps = try detection.steps.map(step)
        for (index, step) in steps.enumerated() {
            for output in step.outputs {
                for earlier in steps[..<index] {
                    // Of two that make the same, one may serve the build and the other the artifact.
                    guard detection.leavesOut.contains(step.id) == detection.leavesOut.contains(earlier.id) else { continue }
                    for other in earlier.outputs where output.isWithin(other) || other.isWithin(output) {
                        throw overlap(step, output, earlier, other)
                    }
                }
            }
        }
        return steps
    }

    private func step(_ resolved: ResolvedStep) throws -> Step {
        let outputs = try resolved.outputs.map { text in
            let path = try path(text, what: "output of step `\(resolved.id)`")
            guard !path.isRoot else { throw outputIsRoot(resolved) }
            return path
        }
        // An install depends on manifests and lockfile alone, so the project's variables stay out of its key; and
        // NODE_ENV=production would leave out what the build needs.
        // What several apps are built from knows the variables of all of them only.
        let whole = resolved.isShared ? configuration.shared : nil
        let own = resolved.network == .none ? whole?.environment ?? self.environment : [:]
        let environment = ["CI": "true"].merging(resolved.environment) { $1 }.merging(own) { $1 }
        var step = Step(
            id: resolved.id, title: resolved.title, directory: resolved.directory, needs: resolved.needs,
            command: resolved.isShared ? resolved.command.argv : argv(resolved.command), environment: environment,
            inputs: resolved.inputs, excludes: resolved.excludes, outputs: outputs,
            caches: try resolved.caches.map { try path($0, what: "cache of step `\(resolved.id)`") } + projectCaches(resolved),
            network: resolved.network, registries: resolved.registries,
            publicVariables: resolved.network == .none && !resolved.isShared ? detection.preset.publicVariables : [],
            limits: limits(isShared: resolved.isShared))
        if !resolved.scratch.isEmpty { step.scratch = resolved.scratch }
        if resolved.network == .none, !configuration.build.publishes.isEmpty { step.publishes = configuration.build.publishes }
        if resolved.network == .none, !resolved.needs.isEmpty, !detection.generated.isEmpty { step.amends = detection.generated }
        return step
    }

    /// What is literal elsewhere is so here: no `$` of it stands for anything.
    private var environment: [String: String] {
        detection.movedIn.environment.mapValues { $0.replacing("$", with: "$$") }.merging(configuration.environment) { $1 }
    }

    /// What the project says its own tools keep: for the steps that run them.
    private func projectCaches(_ step: ResolvedStep) -> [RelativePath] {
        guard step.network == .none, !step.isShared else { return [] }
        return configuration.build.caches.map { (step.directory ?? .root).appending($0) }
    }

    private func limits(isShared: Bool) -> Step.Limits {
        var limits = Step.Limits.standard
        let whole = isShared ? configuration.shared : nil
        if let seconds = whole.map(\.timeoutSeconds) ?? configuration.build.timeoutSeconds { limits.timeoutSeconds = seconds }
        if let bytes = whole.map(\.memoryBytes) ?? configuration.build.memoryBytes { limits.memoryBytes = bytes }
        return limits
    }

    /// A project's own line finds installed programs by name, as it does in a package script.
    private func argv(_ command: Command) -> [String] {
        if let place = detection.place, place.sharesPrograms, !place.folder.isRoot { return argv(command, in: place) }
        guard case .shell(let line) = command, isProjects(command), detection.values["install"] != nil, let folder = manager?.executables,
            line.split(separator: " ").first.map(String.init) != manager?.id
        else { return command.argv }
        return Command.shell("PATH=\"$PWD/\(folder):$PATH\"; \(line)").argv
    }

    /// In a workspace most programs lie at its root.
    private func argv(_ command: Command, in place: WorkspacePlace) -> [String] {
        guard let folder = manager?.executables else { return command.argv }
        let up = place.folder.components.map { _ in ".." }.joined(separator: "/")
        let path = "PATH=\"$PWD/\(folder):$PWD/\(up)/\(folder):$PATH\"; "
        switch command {
        case .argv(let words):
            guard let first = words.first, first.hasPrefix(folder + "/") else { return words }
            let line = Command.argv([String(first.dropFirst(folder.count + 1))] + words.dropFirst()).typed
            return Command.shell("\(path)exec \(line)").argv
        case .shell(let line):
            let isForeign = isProjects(command) || line.contains(folder + "/")
            guard isForeign, line.split(separator: " ").first.map(String.init) != manager?.id else { return command.argv }
            return Command.shell(path + (isProjects(command) ? line : line.replacing(folder + "/", with: ""))).argv
        }
    }

    private func isProjects(_ command: Command) -> Bool {
        detection.values.values.contains { value in
            value.command == command && ["config ", "platform ", "process "].contains { value.rule.hasPrefix($0) }
        }
    }

    func artifact(_ steps: [Step]) throws -> ArtifactSpec {
        let template = detection.preset.artifact
        switch detection.kind {
        case .image:
            return ArtifactSpec(kind: .image, output: .root, launch: nil, routes: configuration.routes, dockerfile: detection.dockerfile)
        case .static:
            var spec = ArtifactSpec(kind: .static, output: try output(), launch: nil, routes: configuration.routes)
            spec.fallback = configuration.site.fallback?.value ?? detection.movedIn.fallback
            if !configuration.site.rules.isEmpty { spec.site = configuration.site.rules }
            if !detection.movedIn.site.isEmpty { spec.movedInSite = detection.movedIn.site }
            return spec
        case .container, .function:
            let built = steps.contains { $0.id == detection.place?.build ?? "build" }
            let folder = detection.place?.folder ?? .root
            let launch = detection.values["start"].map { start in
                var launch = Launch(
                    command: argv(start.command), port: configuration.deploy.port ?? detection.movedIn.port ?? port ?? template.port,
                    healthPath: healthPath,
                    environment: standing.merging(environment) { $1 },
                    directory: folder.isRoot ? nil : folder)
                if !template.writable.isEmpty { launch.writable = template.writable.map(folder.appending) }
                return launch
            }
            let strangers = detection.place?.strangers ?? []
            var spec = ArtifactSpec(
                kind: detection.kind, output: built ? try output() : .root, excludes: strangers.isEmpty ? nil : strangers, launch: launch,
                routes: configuration.routes, leavesOut: detection.leavesOut,
                runtimes: detection.preset.toolchains + starters(launch))
            if !detection.generated.isEmpty { spec.keeps = detection.generated }
            return spec
        }
    }

    /// What the preset puts into a server's environment.
    private var standing: [String: String] {
        detection.preset.artifact.environment.compactMapValues { value in value.filled { detection.values[$0]?.text } }
    }

    /// Below the plan's root.
    private func output() throws -> RelativePath {
        let folder = detection.place?.folder ?? .root
        return folder.appending(try detection.values["output"].map { try path($0.text, what: "output (\($0.source))") } ?? .root)
    }

    private var healthPath: String? {
        switch configuration.deploy.health {
        case .path(let path): path
        case .tcp: nil
        case nil: detection.movedIn.healthPath ?? detection.preset.artifact.healthPath
        }
    }

    /// The package manager, where it is what starts the server and does not come with its language.
    private func starters(_ launch: Launch?) -> [String] {
        guard let manager, launch?.command.first == manager.id, manager.toolchains.contains(manager.id) else { return [] }
        return [manager.id]
    }

    private var port: Int? { detection.values["port"].flatMap { Int($0.text) }.flatMap { (1...65535).contains($0) ? $0 : nil } }

    /// What is said of a site by a project that is none.
    var unusedSite: [Diagnostic] {
        guard detection.kind != .static, configuration.site != ProjectConfiguration.Site(location: configuration.site.location) else {
            return []
        }
        return [
            Diagnostic(
                "`[site]` is for sites, and `\(detection.preset.name)` is a server, which answers for itself",
                at: configuration.site.location,
                hint: "remove the table, or let the server do what it says")
        ]
    }

    func toolchains(_ steps: [Step]) -> [String: String] {
        guard !steps.isEmpty || detection.kind == .container else { return [:] }
        let installs = steps.contains { $0.network == .registries }
        let own = installs ? manager.map { [$0] } ?? [] : []
        let managers = own + detection.companions
        let pins = managers.flatMap(\.pins).filter { detection.version(of: $0) != nil }
        let names = detection.preset.toolchains + managers.flatMap(\.toolchains) + pins
        return Dictionary(names.map { ($0, detection.version(of: $0) ?? "*") }) { first, _ in first }
    }

    func toolchainOrigins(_ toolchains: [String: String]) -> [String: ToolchainOrigin] {
        var origins: [String: ToolchainOrigin] = [:]
        for name in toolchains.keys {
            guard let value = detection.values["runtime.\(name)"] else { continue }
            origins[name] = ToolchainOrigin(file: value.source, rule: value.rule)
        }
        return origins
    }

    private func path(_ text: String, what: String) throws -> RelativePath {
        do throws(RelativePathError) { return try RelativePath(parsing: text) } catch {
            throw ForgeError(
                .plan, "plan.output-outside", "\(what): \(error)",
                hint: "write `output = \"…\"` below `[build]` in `crowdforge.toml`, with a folder of the project")
        }
    }

    private func outputIsRoot(_ step: ResolvedStep) -> ForgeError {
        ForgeError(
            .plan, "plan.output-is-root",
            "the output of step `\(step.id)` is the whole project: what it wrote could not be told from the source",
            at: configuration.build.output?.location, hint: "let it write to a folder and name it: `output = \"…\"` below `[build]`")
    }

    private func overlap(_ step: Step, _ output: RelativePath, _ other: Step, _ otherOutput: RelativePath) -> ForgeError {
        ForgeError(
            .plan, "plan.outputs-overlap",
            "output `\(output)` of step `\(step.id)` overlaps `\(otherOutput)` of step `\(other.id)`",
            at: configuration.build.output?.location, hint: "let each step write to a folder of its own")
    }
}
