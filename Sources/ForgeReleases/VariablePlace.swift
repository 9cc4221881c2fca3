package import ForgeModel

/// Whose variables: one set for each environment of a project, and one that all previews of it share.
package struct VariablePlace: Hashable, Sendable {
    package let project: ProjectSlug
    package let environment: DeployEnvironment

    package init(project: ProjectSlug, environment: DeployEnvironment) {
        self.project = project
        self.environment = environment
    }

    /// For messages: `staging of `my-site``.
    package var display: String { "\(environment.rawValue) of `\(project)`" }

    /// The options that name it on the command line.
    package var options: String { "--project \(project)" + (environment == .production ? "" : " --env \(environment.rawValue)") }
}

extension ReleasePlace {
    package var variables: VariablePlace { VariablePlace(project: project, environment: environment) }
}

/// What a variable may be.
package enum VariableRule {
    package static let valueLimit = 64 << 10
    /// Variables of one place.
    package static let countLimit = 1000

    /// What is wrong with setting `name` to `value`; nil when nothing is. Never tells the value.
    package static func fault(name: String, value: String) -> Diagnostic? {
        if !VariableName.isValid(name) {
            return Diagnostic("`\(name)` is not the name of a variable: \(VariableName.rule)")
        }
        if let reason = VariableName.platform(name) {
            return Diagnostic(
                "`\(name)` cannot be set: \(reason)",
                hint: name == "PORT"
                    ? "leave it out; what a server listens on without it is `port` below `[deploy]`" : "choose another name")
        }
        if value.utf8.contains(0) { return Diagnostic("the value of `\(name)` holds a NUL byte, which no environment can") }
        if value.utf8.count > valueLimit {
            return Diagnostic(
                "the value of `\(name)` is longer than \(valueLimit >> 10) KiB", hint: "give the program a file, or a shorter value")
        }
        return nil
    }

    /// - Throws: `ForgeError` `variables.invalid` with every fault.
    package static func check(_ variables: [String: String]) throws {
        let faults = variables.sorted { $0.key < $1.key }.compactMap { fault(name: $0.key, value: $0.value) }
        if !faults.isEmpty { throw ForgeError(.configuration, "variables.invalid", findings: faults) }
    }
}
