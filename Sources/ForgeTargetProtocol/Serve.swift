internal import Dispatch
internal import Glibc

/// Answers one deploy over `input` and `output` (standard input and output of a plugin) and returns when it is done or
/// the host has gone.
///
/// A plugin written in Swift is this call and a `DeployTarget`; nothing else may write to `output`.
public func serve(_ target: some DeployTarget, input: Int32 = 0, output: Int32 = 1) async {
    let conversation = TargetConversation(output: output)
    do {
        for try await line in lines(of: input) {
            switch try MessageLine.decode(HostMessage.self, from: line) {
            case .hello(let hello):
                guard hello.protocol == TargetProtocol.version else {
                    throw ProtocolViolation("protocol \(hello.protocol), this target speaks \(TargetProtocol.version)")
                }
                await conversation.send(.hello(target.hello))
            case .deploy(let request): await conversation.start(target, request)
            case .response(let response): await conversation.settle(response)
            }
            if await conversation.isOver { return }
        }
        await conversation.hostWentAway()
    } catch {
        await conversation.finish(.failed(TargetFailure(code: "target.protocol", message: "the host sent \(error)")))
    }
}

/// Reads on a thread of its own, so that a silent host never holds one of the cooperative pool.
private func lines(of descriptor: Int32) -> AsyncThrowingStream<[UInt8], any Error> {
    AsyncThrowingStream { continuation in
        DispatchQueue(label: "target.input").async {
            var splitter = LineSplitter()
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return continuation.finish() }
                do { for line in try splitter.take(buffer[..<count]) { continuation.yield(line) } } catch {
                    return continuation.finish(throwing: error)
                }
            }
        }
    }
}

/// The target's half of one conversation: open calls, and the last word said at most once.
actor TargetConversation {
    private enum State {
        case waiting
        case deploying(Task<Void, Never>)
        case over
    }

    private let output: Int32
    private var state = State.waiting
    private var nextID = 1
    private var open: [Int: CheckedContinuation<ServiceResult, any Error>] = [:]

    init(output: Int32) { self.output = output }

    var isOver: Bool { if case .over = state { true } else { false } }

    func start(_ target: some DeployTarget, _ request: DeployRequest) {
        guard case .waiting = state else {
            return finish(.failed(TargetFailure(code: "target.protocol", message: "the host sent a second `deploy`")))
        }
        let host = HostServices(conversation: self)
        state = .deploying(
            Task {
                do { self.finish(.released(url: try await target.deploy(request, host: host))) } catch let failure as TargetFailure {
                    self.finish(.failed(failure))
                } catch {
                    self.finish(.failed(TargetFailure(code: "target.failed", message: "\(error)")))
                }
            })
    }

    func call(_ call: ServiceCall) async throws -> ServiceResult {
        guard case .deploying = state else { throw ProtocolViolation("no answer: the deploy is over") }
        let id = nextID
        nextID += 1
        return try await withCheckedThrowingContinuation { continuation in
            open[id] = continuation
            send(.request(ServiceRequest(id: id, call: call)))
        }
    }

    func settle(_ response: ServiceResponse) {
        open.removeValue(forKey: response.id)?.resume(with: response.outcome.mapError { $0 })
    }

    func hostWentAway() {
        if case .deploying(let task) = state { task.cancel() }
        close()
    }

    func finish(_ last: TargetMessage) {
        if isOver { return }
        send(last)
        close()
    }

    private func close() {
        state = .over
        let left = open.values
        open = [:]
        for continuation in left { continuation.resume(throwing: ProtocolViolation("no answer: the host has gone")) }
    }

    func send(_ message: TargetMessage) {
        // A message this side cannot encode or a host that has gone leaves nobody to tell.
        guard !isOver, let line = try? MessageLine.encode(message) else { return }
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
