package import ForgeModel
package import ForgeReleases
internal import ForgeStore

/// Where an artifact goes next, as far as that is known when it is built, and the variables there.
package struct Destination: Sendable, Hashable {
    package let project: ProjectSlug?
    package let environment: DeployEnvironment?
    /// The number of a preview.
    package let preview: Int?
    /// What the project's owner set there.
    package var variables: [String: String]

    package init(
        project: ProjectSlug? = nil, environment: DeployEnvironment? = nil, preview: Int? = nil, variables: [String: String] = [:]
    ) {
        self.project = project
        self.environment = environment
        self.preview = preview
        self.variables = variables
    }

    package init(_ place: ReleasePlace, variables: [String: String]) {
        self.init(project: place.project, environment: place.environment, preview: place.preview, variables: variables)
    }

    /// For messages: `staging of `tides``, `no environment`.
    var display: String {
        let number = preview.map { " \($0)" } ?? ""
        return switch (project, environment) {
        case (let project?, let environment?): "\(environment.rawValue)\(number) of `\(project)`"
        case (nil, let environment?): environment.rawValue + number
        case (let project?, nil): "`\(project)`"
        case (nil, nil): "no environment"
        }
    }

    /// The platform's variables (seed design, "Environment Variables"), those of them that are known.
    func platform(commit: String?, gatewayPort: Int) -> [String: String] {
        var values: [String: String] = [:]
        values[PlatformVariable.project] = project?.text
        values[PlatformVariable.environment] = environment?.rawValue
        values[PlatformVariable.commit] = commit
        if let project, let environment, let place = try? ReleasePlace(project: project, environment: environment, preview: preview) {
            values.merge(
                PlatformVariable.values(
                    project: project.text, environment: environment, host: place.host, port: gatewayPort, commit: commit)
            ) { $1 }
        }
        return values
    }
}

/// What the build steps of a plan get of the variables of a place: what a value of `[env]` names, and what the framework makes
/// public. Only who reads a variable is bound to it.
struct BuildVariables: Sendable {
    private let destination: Destination
    private let platform: [String: String]
    private let vault: Vault

    init(_ destination: Destination, commit: String?, gatewayPort: Int, vault: Vault) {
        self.destination = destination
        self.vault = vault
        platform = destination.platform(commit: commit, gatewayPort: gatewayPort)
    }

    struct Filled: Sendable {
        /// With a tag where the value of a variable of the place would stand: the plan is stored, and so is what is made of it.
        let plan: BuildPlan
        /// Step id → these variables.
        let values: [String: [String: String]]
        /// Step id → what of these nobody else is to see.
        let secrets: [String: [Secret]]
        let binding: BuildRecord.Binding
    }

    /// The plan with every `$NAME` of its build steps' environments filled in and `$$` made `$`. What is not known is left empty,
    /// with a warning that names it.
    func filled(into plan: BuildPlan) -> Filled {
        var reads: Set<String> = []
        var values: [String: [String: String]] = [:]
        var secrets: [String: [Secret]] = [:]
        // What an install step gets decides what is installed: nothing of a place.
        let steps = plan.steps.map { step in
            guard step.network == .none else { return step }
            var step = step
            for (name, text) in step.environment {
                var names: Set<String> = []
                let value = expand(text, &names)
                reads.formUnion(names)
                let isSealed = names.contains { platform[$0] == nil && destination.variables[$0] != nil }
                step.environment[name] = isSealed ? sealed(value) : value
                guard isSealed else { continue }
                values[step.id, default: [:]][name] = value
                secrets[step.id, default: []] += self.secrets(behind: names, of: step) + [Secret(name: name, value: value)]
            }
            for (name, value) in destination.variables where step.publicVariables.contains(where: { name.hasPrefix($0) }) {
                reads.insert(name)
                step.environment[name] = sealed(value)
                values[step.id, default: [:]][name] = value
            }
            return step
        }
        let unknown = reads.filter { value(of: $0) == nil }.sorted()
        var filled = BuildPlan(
            preset: plan.preset, root: plan.root, steps: steps, artifact: plan.artifact, toolchains: plan.toolchains,
            warnings: plan.warnings + unknown.map(warning), system: plan.system)
        filled.toolchainOrigins = plan.toolchainOrigins
        return Filled(plan: filled, values: values, secrets: secrets, binding: binding(reads, plan))
    }

    /// What the framework makes public is no secret.
    private func secrets(behind names: Set<String>, of step: Step) -> [Secret] {
        names.sorted().compactMap { name in
            guard platform[name] == nil, !step.publicVariables.contains(where: { name.hasPrefix($0) }) else { return nil }
            return destination.variables[name].map { Secret(name: name, value: $0) }
        }
    }

    /// The names of what `binding` has read that is different here.
    func differences(from binding: BuildRecord.Binding) -> [String] {
        let isSamePlace =
            binding.project == destination.project?.text && binding.environment == destination.environment
            && binding.preview == destination.preview
        if isSamePlace, binding.project != nil, binding.environment != nil { return [] }
        let changed = binding.reads.filter { $0.tag != value(of: $0.name).map(tag) }.map(\.name)
        let known = Set(binding.reads.map(\.name))
        let added = destination.variables.keys.filter { name in
            !known.contains(name) && binding.prefixes.contains { name.hasPrefix($0) }
        }
        return (changed + added).sorted()
    }

    private func binding(_ reads: Set<String>, _ plan: BuildPlan) -> BuildRecord.Binding {
        // The commit is the artifact's own.
        let bound = reads.filter { $0 != PlatformVariable.commit }.sorted()
        return BuildRecord.Binding(
            project: destination.project?.text, environment: destination.environment, preview: destination.preview,
            reads: bound.map { .init(name: $0, tag: value(of: $0).map(tag)) }, prefixes: Set(plan.steps.flatMap(\.publicVariables)).sorted()
        )
    }

    private func value(of name: String) -> String? { platform[name] ?? destination.variables[name] }

    private func tag(_ value: String) -> String { vault.tag(Array(value.utf8)) }

    private func sealed(_ value: String) -> String { "sealed:\(tag(value))" }

    private func expand(_ text: String, _ names: inout Set<String>) -> String {
        VariableText.expand(text) { name in
            names.insert(name)
            return .value(value(of: name) ?? "")
        }
    }

    private func warning(_ name: String) -> Diagnostic {
        if name.hasPrefix(PlatformVariable.prefix) {
            return Diagnostic(
                "`$\(name)` is not known in this build and was left empty", hint: "it is filled in by `forge deploy --project NAME`")
        }
        guard let project = destination.project, let environment = destination.environment else {
            return Diagnostic(
                "`$\(name)` is not known in this build and was left empty",
                hint: "give it with `--env-file FILE`, or write `$$` for a dollar sign")
        }
        let place = VariablePlace(project: project, environment: environment)
        return Diagnostic(
            "`$\(name)` is not set in \(place.display) and was left empty",
            hint: "`forge env set \(name)=… \(place.options)`, or write `$$` for a dollar sign")
    }
}
