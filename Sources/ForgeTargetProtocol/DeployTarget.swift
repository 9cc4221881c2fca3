/// A deploy target in Swift. Give it to `serve(_:)` in the plugin's entry point.
public protocol DeployTarget: Sendable {
    /// Who this is; the name is the one in `plugin.toml`.
    var hello: TargetHello { get }

    /// Brings `request.artifact` to its place and returns where it answers (nil: at the published route).
    /// - Throws: `TargetFailure` for what the person who deploys should read; any other error becomes `target.failed`.
    func deploy(_ request: DeployRequest, host: HostServices) async throws -> String?
}

/// What the host does for a target during one deploy.
public struct HostServices: Sendable {
    let conversation: TargetConversation

    /// Tells the person what is being done now.
    public func progress(_ text: String) async { await conversation.send(.progress(text)) }

    /// A read-only directory with the files of `artifact`.
    /// - Throws: `ServiceFailure`
    public func materialize(_ artifact: ArtifactDescription) async throws -> String {
        let result = try await conversation.call(.materialize(MaterializeArguments(artifact: artifact.digest)))
        guard let path = result.path else { throw ProtocolViolation("no `path` for `artifact.materialize`") }
        return path
    }

    /// Asks the gateway to serve the release; takes effect together with the release. Returns the URL.
    /// - Throws: `ServiceFailure`
    public func publishRoute(_ route: RouteArguments) async throws -> String? {
        try await conversation.call(.publishRoute(route)).url
    }

    /// Asks the gateway to stop serving `host`; takes effect together with the release.
    /// - Throws: `ServiceFailure`
    public func withdrawRoute(host: String) async throws {
        _ = try await conversation.call(.withdrawRoute(WithdrawArguments(host: host)))
    }

    /// Starts the artifact's server on the host, in its sandbox. Nobody reaches it before its route is published; when the
    /// deploy fails it is stopped. Returns its name.
    /// - Throws: `ServiceFailure`
    public func launchApp(_ artifact: ArtifactDescription) async throws -> String {
        guard let app = try await conversation.call(.launchApp(LaunchArguments(artifact: artifact.digest))).app else {
            throw ProtocolViolation("no `app` for `app.launch`")
        }
        return app
    }

    /// Waits until the server answers as it should; returns the milliseconds that took from its start.
    /// - Throws: `ServiceFailure` with the reason when it does not.
    public func checkApp(_ app: String) async throws -> Int {
        guard let milliseconds = try await conversation.call(.checkApp(AppArguments(app: app))).healthyMs else {
            throw ProtocolViolation("no `healthyMs` for `app.check`")
        }
        return milliseconds
    }

    /// Stops a server that no route leads to.
    /// - Throws: `ServiceFailure`
    public func stopApp(_ app: String) async throws { _ = try await conversation.call(.stopApp(AppArguments(app: app))) }

    /// The last lines the server wrote.
    /// - Throws: `ServiceFailure`
    public func appLogs(_ app: String) async throws -> [String] {
        try await conversation.call(.appLogs(AppArguments(app: app))).lines ?? []
    }
}
