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
        var values: [String: String] = [:]
        values["CROWDFORGE_COMMIT_SHA"] = commit
        if let place {
            values["CROWDFORGE_PROJECT_ID"] = place.project.text
            values["CROWDFORGE_ENV"] = place.environment.rawValue
            values["CROWDFORGE_PROJECT_URL"] = "http://\(place.host)" + (gatewayPort == 80 ? "" : ":\(gatewayPort)")
        }
        self.values = values
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
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
                continue
            }
            guard let (name, after) = reference(rest) else {
                result += "$"
                continue
            }
            if let value = values[name] { result += value } else { unknown.insert(name) }
            rest = after
        }
        return result + rest
    }

    /// The platform variable that `text`, which follows a `$`, names as `NAME` or `{NAME}`, and what comes after it.
    private func reference(_ text: Substring) -> (name: String, after: Substring)? {
        let braced = text.first == "{"
        let body = braced ? text.dropFirst() : text
        let name = body.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let after = body.dropFirst(name.count)
        guard name.hasPrefix("CROWDFORGE_"), !braced || after.first == "}" else { return nil }
        return (String(name), braced ? after.dropFirst() : after)
    }
}
