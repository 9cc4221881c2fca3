package import ForgeModel

/// The variables a server is started with: what its project set, what its owner gave it, and the platform's own, the later
/// ones over the earlier.
package struct AppEnvironment: Sendable {
    package let variables: [String: String]

    /// - Parameters:
    ///   - owners: what `AppSpecification.variables` holds, opened.
    ///   - gatewayPort: for the project's address.
    package init(_ app: AppSpecification, owners: [String: String], gatewayPort: Int) {
        let platform = PlatformVariable.values(
            project: app.project, environment: app.environment, host: app.host, port: gatewayPort, commit: app.commit)
        let own = app.launch.environment.mapValues { text in
            VariableText.expand(text) { name in
                if let value = platform[name] ?? owners[name] { return .value(value) }
                return name.hasPrefix(PlatformVariable.prefix) ? .value("") : .literal
            }
        }
        variables = own.merging(owners) { $1 }.merging(platform) { $1 }.merging(["PORT": "\(app.launch.port)"]) { $1 }
    }
}
