internal import ForgeSystem
internal import ForgeTargetProtocol

/// One conversation with a plugin, from the greeting to its last word. Nothing the plugin sends is taken on trust.
struct PluginConversation: Sendable {
    /// The plugin broke a rule: `message` goes on after its name.
    struct Fault: Error {
        let code: String
        let message: String
    }

    /// The plugin's output ended before its last word.
    struct OutputEnded: Error {}

    let descriptor: TargetDescriptor
    let limits: TargetLimits
    let pipes: PluginPipes
    let services: @Sendable (ServiceRequest) async -> ServiceResponse
    let progress: @Sendable (String) -> Void

    func hold(_ request: DeployRequest) async throws -> String? {
        try await withTaskCancellationHandler {
            var lines = LineReader(pipes: pipes, limit: limits.outputBytes)
            try await limited(limits.hello, "said nothing for \(limits.hello)") { try await greet(&lines, request) }
            return try await limited(limits.deploy, "was not done after \(limits.deploy)") {
                try await send(.deploy(request))
                return try await converse(&lines)
            }
        } onCancel: {
            pipes.interrupt(.cancelled)
        }
    }

    private func greet(_ lines: inout LineReader, _ request: DeployRequest) async throws {
        try await send(.hello(HostHello(services: ServiceCall.offered)))
        guard case .hello(let hello) = try await lines.next() else { throw ProtocolViolation("something else before its `hello`") }
        guard hello.protocol == TargetProtocol.version else {
            throw Fault(
                code: "target.protocol-version", message: "speaks protocol \(hello.protocol), this forge speaks \(TargetProtocol.version)")
        }
        guard hello.name == descriptor.name else {
            let name = PlainText.line(hello.name, limit: 80)
            throw Fault(code: "target.wrong-name", message: "calls itself `\(name)`, unlike its `plugin.toml`")
        }
        guard hello.kinds.contains(request.artifact.kind), hello.capabilities.contains("deploy") else {
            throw Fault(code: "target.wrong-kind", message: "cannot deploy a `\(request.artifact.kind)` artifact, unlike its `plugin.toml`")
        }
    }

    private func converse(_ lines: inout LineReader) async throws -> String? {
        while true {
            switch try await lines.next() {
            case .hello: throw ProtocolViolation("a second `hello`")
            case .progress(let text): progress(PlainText.line(text, limit: 300))
            case .request(let request): try await send(.response(await services(request)))
            case .released(let url):
                if let url { try check(url) }
                return url
            case .failed(let failure): throw failure
            }
        }
    }

    private func check(_ url: String) throws {
        let isPlain = url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "<") }
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), isPlain, url.utf8.count <= 2048 else {
            throw Fault(code: "target.invalid-url", message: "gave `\(PlainText.line(url, limit: 80))` as its URL")
        }
    }

    private func send(_ message: HostMessage) async throws {
        let line = try MessageLine.encode(message)
        try await BlockingPool.run { [pipes] in try pipes.send(line) }
    }

    /// Interrupts the conversation after `limit`; what it had to do is in `words`.
    private func limited<Value>(_ limit: Duration, _ words: String, _ body: () async throws -> Value) async throws -> Value {
        let timer = Task { [pipes] in
            try await Task.sleep(for: limit)
            pipes.interrupt(.timeLimit)
        }
        defer { timer.cancel() }
        do { return try await body() } catch PluginPipes.Interruption.timeLimit {
            throw Fault(code: "target.timeout", message: words)
        }
    }
}

/// The plugin's messages one by one, up to a number of bytes in all.
private struct LineReader {
    let pipes: PluginPipes
    let limit: Int
    private var splitter = LineSplitter()
    private var waiting: ArraySlice<[UInt8]> = []
    private var taken = 0

    init(pipes: PluginPipes, limit: Int) {
        self.pipes = pipes
        self.limit = limit
    }

    mutating func next() async throws -> TargetMessage {
        while true {
            if let line = waiting.popFirst() { return try MessageLine.decode(TargetMessage.self, from: line) }
            let bytes = try await BlockingPool.run { [pipes] in try pipes.readOutput() }
            guard !bytes.isEmpty else { throw PluginConversation.OutputEnded() }
            taken += bytes.count
            guard taken <= limit else {
                throw PluginConversation.Fault(code: "target.flood", message: "sent more than \(limit) bytes of messages")
            }
            waiting = try splitter.take(bytes)[...]
        }
    }
}
