/// What a target writes to its standard output: `hello` first, `released` or `failed` last.
public enum TargetMessage: Hashable, Sendable {
    case hello(TargetHello)
    /// Free text about what is being done now, for people.
    case progress(String)
    case request(ServiceRequest)
    /// The release is ready; `url` is where it answers, nil when the host's route says so.
    case released(url: String?)
    case failed(TargetFailure)
}

/// The target's first line.
public struct TargetHello: Hashable, Sendable, Codable {
    /// The version the target speaks.
    public let `protocol`: Int
    /// The name in its `plugin.toml`.
    public let name: String
    /// The target's own version, for people.
    public let version: String
    /// The artifact kinds it takes.
    public let kinds: [String]
    /// What it can be asked for: `deploy`.
    public let capabilities: [String]

    /// Makes a greeting from its parts.
    public init(
        protocol: Int = TargetProtocol.version, name: String, version: String, kinds: [String], capabilities: [String] = ["deploy"]
    ) {
        self.protocol = `protocol`
        self.name = name
        self.version = version
        self.kinds = kinds
        self.capabilities = capabilities
    }
}

/// Why a deploy did not happen: words for the person who asked for it.
public struct TargetFailure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// Stable, dotted, lower case, of the target's own choosing: `static.no-files`.
    public let code: String
    /// Lower case, no full stop.
    public let message: String
    /// What to do next.
    public let hint: String?

    /// Makes a failure from its parts.
    public init(code: String, message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The message.
    public var description: String { message }
}

/// A call of a host service. Ids are the target's own; several calls may be open at once.
public struct ServiceRequest: Hashable, Sendable {
    /// Comes back with the response.
    public let id: Int
    /// The service and its arguments.
    public let call: ServiceCall

    /// Makes a call under `id`.
    public init(id: Int, call: ServiceCall) {
        self.id = id
        self.call = call
    }
}

/// The host services of this version, and any other name, which a host answers with `service.unknown`.
public enum ServiceCall: Hashable, Sendable {
    /// `artifact.materialize`: lay the release's artifact out as read-only files.
    case materialize(MaterializeArguments)
    /// `route.publish`: let the gateway serve the release once it is active.
    case publishRoute(RouteArguments)
    /// `route.withdraw`: let the gateway stop serving a host name of this release.
    case withdrawRoute(WithdrawArguments)
    /// `app.launch`: start the artifact's server on the host, for this release.
    case launchApp(LaunchArguments)
    /// `app.check`: wait until a launched server is healthy, or learn why it is not.
    case checkApp(AppArguments)
    /// `app.stop`: stop a launched server that no route leads to.
    case stopApp(AppArguments)
    /// `app.logs`: the last lines a launched server wrote.
    case appLogs(AppArguments)
    case other(String)

    /// The name on the wire.
    public var service: String {
        switch self {
        case .materialize: "artifact.materialize"
        case .publishRoute: "route.publish"
        case .withdrawRoute: "route.withdraw"
        case .launchApp: "app.launch"
        case .checkApp: "app.check"
        case .stopApp: "app.stop"
        case .appLogs: "app.logs"
        case .other(let name): name
        }
    }

    /// The names a host of this version offers.
    public static let offered = [
        "app.check", "app.launch", "app.logs", "app.stop", "artifact.materialize", "route.publish", "route.withdraw",
    ]
}

/// Arguments of `artifact.materialize`.
public struct MaterializeArguments: Hashable, Sendable, Codable {
    /// The digest of the deploy request's artifact; no other is given out.
    public let artifact: String

    /// Asks for `artifact`.
    public init(artifact: String) { self.artifact = artifact }
}

/// Arguments of `route.publish`. The route changes at the very moment the release becomes active, never before.
public struct RouteArguments: Hashable, Sendable, Codable {
    /// The deploy request's `host`.
    public let host: String
    /// The deploy request's artifact digest.
    public let artifact: String
    /// The directory of the artifact that is the site's root, relative; nil is the whole artifact.
    public let directory: String?
    /// A file of that directory that answers every path that has no file (single-page applications); nil for none.
    public let fallback: String?
    /// The launched server that answers, instead of files; nil for files.
    public let app: String?

    /// Makes arguments from their parts.
    public init(host: String, artifact: String, directory: String? = nil, fallback: String? = nil, app: String? = nil) {
        self.host = host
        self.artifact = artifact
        self.directory = directory
        self.fallback = fallback
        self.app = app
    }
}

/// Arguments of `route.withdraw`.
public struct WithdrawArguments: Hashable, Sendable, Codable {
    /// The deploy request's `host`.
    public let host: String

    /// Names the host.
    public init(host: String) { self.host = host }
}

/// Arguments of `app.launch`.
public struct LaunchArguments: Hashable, Sendable, Codable {
    /// The digest of the deploy request's artifact.
    public let artifact: String

    /// Asks for a server of `artifact`.
    public init(artifact: String) { self.artifact = artifact }
}

/// Arguments of the other services about a launched server.
public struct AppArguments: Hashable, Sendable, Codable {
    /// As `app.launch` named it.
    public let app: String

    /// Names the server.
    public init(app: String) { self.app = app }
}
