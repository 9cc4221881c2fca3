internal import ForgeModel
internal import ForgeReleases

/// The variables that the platform gives to a project's own `[env]` (seed design, "Environment Variables"): filled into the
/// plan where a value names them, so that only who uses one is bound to it.
struct PlatformVariables: Sendable {
    private let values: [String: String]

    /// - Parameters:
    ///   - place: where the artifact goes; nil when it is only built.
    ///   - gatewayPort: for the project's address.
    init(commit: String?, place: ReleasePlace?, gatewayPort: Int) {
        var values = place.map { place in
            PlatformVariable.values(
                project: place.project.text, environment: place.environment, host: place.host, port: gatewayPort, commit: commit)
        }
        if place == nil, let commit { values = [PlatformVariable.commit: commit] }
        self.values = values ?? [:]
    }

    /// The plan with every `$CROWDFORGE_…` of its steps' environments filled in and `$$` made `$`. What is not known is left
    /// empty, with a warning that names it.
    func filled(into plan: BuildPlan) -> BuildPlan {
        var unknown: Set<String> = []
        let steps = plan.steps.map { step in
            var step = step
            step.environment = step.environment.mapValues { expand($0, &unknown) }
            return step
        }
        let warnings = unknown.sorted().map {
            Diagnostic("`$\($0)` is not known in this build and was left empty", hint: "it is filled in by `forge deploy --project NAME`")
        }
        return BuildPlan(
            preset: plan.preset, root: plan.root, steps: steps, artifact: plan.artifact, toolchains: plan.toolchains,
            warnings: plan.warnings + warnings)
    }

    private func expand(_ text: String, _ unknown: inout Set<String>) -> String {
        VariableText.expand(text) { name in
            if let value = values[name] { return .value(value) }
            guard name.hasPrefix(PlatformVariable.prefix) else { return .literal }
            unknown.insert(name)
            return .value("")
        }
    }
}
