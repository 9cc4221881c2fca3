internal import ForgeControl
internal import ForgeModel
internal import ForgeSandbox
internal import ForgeSystem
internal import Glibc

/// How long a server is waited for, and how it is asked.
package struct HealthLimits: Hashable, Sendable {
    /// From its start until it listens.
    package var start = Duration.seconds(60)
    /// How long it may listen on other ports only.
    package var otherPort = Duration.seconds(10)
    package var tries = 3
    /// Between two tries.
    package var pause = Duration.seconds(1)
    /// For the head of one answer.
    package var answer = Duration.seconds(5)

    package init() {}
}

/// Finds out whether a server that was just started does what it is there for: it listens on its port and answers its health
/// path. Without a path listening is enough.
struct HealthCheck: Sendable {
    /// An answer's head may be this long; what follows it is not read.
    private static let headLimit = 64 << 10

    let launch: Launch
    let host: String
    let limits: HealthLimits

    /// Why a server is not healthy.
    struct Fault: Error, Hashable {
        let code: String
        let message: String
        let hint: String?
    }

    /// Returns once the server is healthy.
    /// - Throws: `Fault`; `CancellationError`
    func run(_ server: AppInstance, progress: @Sendable (String) -> Void) async throws {
        try await waitForPort(server, progress)
        guard let path = launch.healthPath else { return }
        var last = Fault(code: "health.no-answer", message: "`GET \(path)` was not answered", hint: nil)
        for attempt in 1...max(1, limits.tries) {
            if attempt > 1 {
                progress("\(last.message); trying again (\(attempt) of \(limits.tries))")
                try await Task.sleep(for: limits.pause)
            }
            if let ended = await server.ending { throw Self.ended(ended) }
            switch await ask(server, path) {
            case nil: return
            case let fault?: last = fault
            }
        }
        if let ended = await server.ending { throw Self.ended(ended) }
        throw Fault(code: last.code, message: "\(last.message), \(limits.tries) times", hint: last.hint)
    }

    /// Until something listens on the port.
    func waitForPort(_ server: AppInstance, _ progress: @Sendable (String) -> Void) async throws {
        let begin = ContinuousClock.now
        var seenOther: ContinuousClock.Instant?
        var pause = Duration.milliseconds(5)
        var isTold = false
        while true {
            if let ended = await server.ending { throw Self.ended(ended) }
            if (try? server.connect())?.isEstablished == true { return }
            let now = ContinuousClock.now
            let others = server.listeningPorts().filter { $0 != launch.port }
            seenOther = others.isEmpty ? nil : seenOther ?? now
            if let since = seenOther, now - since > limits.otherPort { throw wrongPort(others) }
            guard now - begin < limits.start else { throw others.isEmpty ? silent() : wrongPort(others) }
            if !isTold && now - begin > .seconds(1) {
                progress("waiting for port \(launch.port)")
                isTold = true
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(100))
        }
    }

    private func wrongPort(_ others: [Int]) -> Fault {
        let ports = others.prefix(3).map(String.init).joined(separator: ", ")
        return Fault(
            code: "health.wrong-port", message: "the server listens on port \(ports), not on \(launch.port)",
            hint: "let it listen on the port in the variable `PORT`")
    }

    private func silent() -> Fault {
        Fault(
            code: "health.not-listening", message: "nothing listens on port \(launch.port) after \(limits.start.components.seconds) s",
            hint: "let the server listen on the port in the variable `PORT`; `forge logs` shows what it wrote")
    }

    static func ended(_ reason: String) -> Fault {
        Fault(code: "app.ended", message: "the server \(reason) before it was healthy", hint: "`forge logs` shows what it wrote")
    }

    /// One request; nil when the answer will do. `/` may answer anything but a server's error: not every API has a front page.
    private func ask(_ server: AppInstance, _ path: String) async -> Fault? {
        let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: forge-health\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        let socket = try? await server.connect().established(within: limits.answer)
        let status = try? await BlockingPool.run { [limits] in try socket.flatMap { try Self.status($0, request, within: limits.answer) } }
        let fits = path == "/" ? 200..<500 : 200..<400
        guard let status else {
            return Fault(
                code: "health.no-answer", message: "`GET \(path)` was not answered within \(limits.answer.components.seconds) s",
                hint: "another health path: `health = \"/…\"` below `[deploy]` in crowdforge.toml")
        }
        if fits.contains(status) { return nil }
        return Fault(
            code: "health.unhealthy", message: "`GET \(path)` answered \(status)",
            hint: "another health path: `health = \"/…\"` below `[deploy]` in crowdforge.toml")
    }

    /// The status code of the answer; nil when the server closed or wrote something else. Blocks.
    private static func status(_ socket: Descriptor, _ request: String, within limit: Duration) throws -> Int? {
        let deadline = ContinuousClock.now + limit
        func left() -> Int { max(0, Int((deadline - .now) / .milliseconds(1))) }
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            guard try socket.waitWritable(milliseconds: left()) else { return nil }
            let count = rest.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 || errno == EAGAIN || errno == EINTR else { return nil }
            rest = rest.dropFirst(max(0, count))
        }
        var head: [UInt8] = []
        while head.count < headLimit {
            guard try socket.waitReadable(milliseconds: left()) else { return nil }
            let piece = try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = try socket.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if piece.isEmpty { return nil }
            head += piece
            if let status = statusCode(in: head) { return status }
        }
        return nil
    }

    /// The code of a whole status line (RFC 9112, 4).
    static func statusCode(in head: [UInt8]) -> Int? {
        guard let end = head.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let parts = String(decoding: head[..<end], as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, parts[0] == "HTTP/1.1" || parts[0] == "HTTP/1.0", let code = Int(parts[1].prefix(3)),
            (100...599).contains(code)
        else { return nil }
        return code
    }
}
