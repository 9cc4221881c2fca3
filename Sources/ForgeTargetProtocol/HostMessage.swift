/// What the host writes to a target's standard input, in this order: `hello`, one `deploy`, and a `response` for every
/// `request` of the target.
public enum HostMessage: Hashable, Sendable {
    case hello(HostHello)
    case deploy(DeployRequest)
    case response(ServiceResponse)
}

/// The host's first line.
public struct HostHello: Hashable, Sendable, Codable {
    /// The version the host speaks.
    public let `protocol`: Int
    /// Names of the host services a target may call.
    public let services: [String]

    /// A greeting in version `protocol`, offering `services`.
    public init(protocol: Int = TargetProtocol.version, services: [String]) {
        self.protocol = `protocol`
        self.services = services
    }
}

/// The one thing a target is asked for: bring this artifact to this place.
public struct DeployRequest: Hashable, Sendable, Codable {
    /// The release to be; unique on the host.
    public let release: String
    /// The project's slug.
    public let project: String
    /// `production`, `staging` or `preview`.
    public let environment: String
    /// The number of a preview; nil elsewhere.
    public let preview: Int?
    /// The host name this release owns on the host's gateway.
    public let host: String
    /// What to release.
    public let artifact: ArtifactDescription

    /// Makes a request from its parts.
    public init(
        release: String, project: String, environment: String, preview: Int?, host: String, artifact: ArtifactDescription
    ) {
        self.release = release
        self.project = project
        self.environment = environment
        self.preview = preview
        self.host = host
        self.artifact = artifact
    }
}

/// What is to be released. Its files are had from `artifact.materialize`.
public struct ArtifactDescription: Hashable, Sendable, Codable {
    /// `sha256:<hex>`.
    public let digest: String
    /// `static`, `container`, `function` or `image`.
    public let kind: String
    /// Sum of its files in bytes.
    public let size: Int64
    /// Number of its files.
    public let files: Int
    /// Of a site: the file in it that is to answer every path without one.
    public let fallback: String?

    /// Makes a description from its parts.
    public init(digest: String, kind: String, size: Int64, files: Int, fallback: String? = nil) {
        self.fallback = fallback
        self.digest = digest
        self.kind = kind
        self.size = size
        self.files = files
    }
}

/// The answer to the request of the same `id`: either `result` or `error`.
public struct ServiceResponse: Hashable, Sendable {
    /// The request's id.
    public let id: Int
    /// What the service gave, or why it refused.
    public let outcome: Result<ServiceResult, ServiceFailure>

    /// Answers request `id` with `outcome`.
    public init(id: Int, outcome: Result<ServiceResult, ServiceFailure>) {
        self.id = id
        self.outcome = outcome
    }
}

/// What a service gave back; a service leaves out the keys that are not its own.
public struct ServiceResult: Hashable, Sendable, Codable {
    /// `artifact.materialize`: an absolute, read-only directory that stays until the deploy has ended.
    public let path: String?
    /// `route.publish`: where the release will answer once it is active.
    public let url: String?
    /// `app.launch`: the name of the server that now runs.
    public let app: String?
    /// `app.check`: milliseconds from its start to its first healthy answer.
    public let healthyMs: Int?
    /// `app.logs`: the last lines, without their ends and without control characters.
    public let lines: [String]?

    /// A result with the given keys.
    public init(path: String? = nil, url: String? = nil, app: String? = nil, healthyMs: Int? = nil, lines: [String]? = nil) {
        self.path = path
        self.url = url
        self.app = app
        self.healthyMs = healthyMs
        self.lines = lines
    }
}

/// Why a service refused. The target may go on without it or fail.
public struct ServiceFailure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// Stable and dotted: `route.foreign-host`.
    public let code: String
    /// For people: lower case, no full stop.
    public let message: String
    /// What to do next; nil when the host has no advice.
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

extension HostMessage: Codable {
    private enum Keys: String, CodingKey { case type }

    /// - Throws: `ProtocolViolation` when the type is not one of the host's.
    public init(from decoder: any Decoder) throws {
        let type = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .type)
        switch type {
        case "hello": self = .hello(try HostHello(from: decoder))
        case "deploy": self = .deploy(try DeployRequest(from: decoder))
        case "response": self = .response(try ServiceResponse(from: decoder))
        default: throw ProtocolViolation("a message of unknown type `\(type.prefix(64))`")
        }
    }

    /// Writes the message with its `type`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        switch self {
        case .hello(let hello):
            try container.encode("hello", forKey: .type)
            try hello.encode(to: encoder)
        case .deploy(let request):
            try container.encode("deploy", forKey: .type)
            try request.encode(to: encoder)
        case .response(let response):
            try container.encode("response", forKey: .type)
            try response.encode(to: encoder)
        }
    }
}

extension ServiceResponse: Codable {
    private enum Keys: String, CodingKey { case id, result, error }

    /// - Throws: `ProtocolViolation` when neither a result nor an error is there.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        id = try container.decode(Int.self, forKey: .id)
        if let failure = try container.decodeIfPresent(ServiceFailure.self, forKey: .error) {
            outcome = .failure(failure)
        } else if let result = try container.decodeIfPresent(ServiceResult.self, forKey: .result) {
            outcome = .success(result)
        } else {
            throw ProtocolViolation("a response without `result` and `error`")
        }
    }

    /// Writes `id` and either `result` or `error`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(id, forKey: .id)
        switch outcome {
        case .success(let result): try container.encode(result, forKey: .result)
        case .failure(let failure): try container.encode(failure, forKey: .error)
        }
    }
}
