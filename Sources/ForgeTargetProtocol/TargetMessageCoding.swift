extension TargetMessage: Codable {
    private enum Keys: String, CodingKey { case type, text, url }

    /// - Throws: `ProtocolViolation` when the type is not one of a target's.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        let type = try container.decode(String.self, forKey: .type)
        switch type {
        case "hello": self = .hello(try TargetHello(from: decoder))
        case "progress": self = .progress(try container.decode(String.self, forKey: .text))
        case "request": self = .request(try ServiceRequest(from: decoder))
        case "released": self = .released(url: try container.decodeIfPresent(String.self, forKey: .url))
        case "failed": self = .failed(try TargetFailure(from: decoder))
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
        case .progress(let text):
            try container.encode("progress", forKey: .type)
            try container.encode(text, forKey: .text)
        case .request(let request):
            try container.encode("request", forKey: .type)
            try request.encode(to: encoder)
        case .released(let url):
            try container.encode("released", forKey: .type)
            try container.encodeIfPresent(url, forKey: .url)
        case .failed(let failure):
            try container.encode("failed", forKey: .type)
            try failure.encode(to: encoder)
        }
    }
}

extension ServiceRequest: Codable {
    private enum Keys: String, CodingKey { case id, service, arguments }

    /// - Throws: `DecodingError` when the arguments are not those of the service.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        id = try container.decode(Int.self, forKey: .id)
        let service = try container.decode(String.self, forKey: .service)
        switch service {
        case "artifact.materialize": call = .materialize(try container.decode(MaterializeArguments.self, forKey: .arguments))
        case "route.publish": call = .publishRoute(try container.decode(RouteArguments.self, forKey: .arguments))
        case "route.withdraw": call = .withdrawRoute(try container.decode(WithdrawArguments.self, forKey: .arguments))
        case "app.launch": call = .launchApp(try container.decode(LaunchArguments.self, forKey: .arguments))
        case "app.check": call = .checkApp(try container.decode(AppArguments.self, forKey: .arguments))
        case "app.stop": call = .stopApp(try container.decode(AppArguments.self, forKey: .arguments))
        case "app.logs": call = .appLogs(try container.decode(AppArguments.self, forKey: .arguments))
        default: call = .other(service)
        }
    }

    /// Writes `id`, `service` and `arguments`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(id, forKey: .id)
        try container.encode(call.service, forKey: .service)
        switch call {
        case .materialize(let arguments): try container.encode(arguments, forKey: .arguments)
        case .publishRoute(let arguments): try container.encode(arguments, forKey: .arguments)
        case .withdrawRoute(let arguments): try container.encode(arguments, forKey: .arguments)
        case .launchApp(let arguments): try container.encode(arguments, forKey: .arguments)
        case .checkApp(let arguments), .stopApp(let arguments), .appLogs(let arguments): try container.encode(arguments, forKey: .arguments)
        case .other: try container.encode([String: String](), forKey: .arguments)
        }
    }
}
