package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// One conversation with the gateway of this machine. Requests are answered one at a time; what the connection has launched
/// is its own until a route leads there.
package actor ControlClient {
    private let socket: Descriptor
    private var lines = ControlLines()
    private var waiting: [[UInt8]] = []

    /// Connects to the gateway's socket.
    /// - Throws: `ForgeError` `gateway.not-running` with the command that starts it.
    package static func connect(_ path: String) async throws -> ControlClient {
        do { return ControlClient(try await BlockingPool.run { try LocalSocket.connect(path) }) } catch let error as SystemError
            where [ENOENT, ECONNREFUSED, ENOTSOCK].contains(error.errno)
        {
            throw ForgeError(
                .deploy, "gateway.not-running", "the gateway is not running, and it is what runs servers", hint: "start it: `forge gateway`"
            )
        }
    }

    private init(_ socket: Descriptor) { self.socket = socket }

    /// Starts the server of `app`. Returns whether a kept one was taken.
    package func launch(_ app: AppSpecification) async throws -> Bool {
        guard case .launched(let kept) = try await ask(.launch(app)) else { throw Self.misunderstood }
        return kept
    }

    /// Waits until the launched server is healthy; returns the milliseconds from its start.
    package func check(_ release: String, progress: @Sendable (String) -> Void) async throws -> Int {
        guard case .healthy(let milliseconds) = try await ask(.check(release: release), progress) else { throw Self.misunderstood }
        return milliseconds
    }

    package func retire(_ release: String) async throws { _ = try await ask(.retire(release: release)) }

    /// Returns when the gateway's routes are as the table says.
    package func settle() async throws { _ = try await ask(.settle) }

    package func list() async throws -> [AppStatus] {
        guard case .apps(let apps) = try await ask(.list) else { throw Self.misunderstood }
        return apps
    }

    /// - Throws: `ControlFailure` for the gateway's own refusals; `ForgeError` when it went away; `CancellationError`
    private func ask(_ request: ControlRequest, _ progress: @Sendable (String) -> Void = { _ in }) async throws -> ControlReply {
        let line = try ControlLine.encode(request)
        do {
            try await BlockingPool.run { [socket] in try socket.write(line, to: "gateway") }
            while true {
                switch try await next() {
                case .progress(let text): progress(text)
                case .failed(let failure): throw failure
                case let reply: return reply
                }
            }
        } catch let error as SystemError {
            try Task.checkCancellation()
            throw Self.gone(error)
        }
    }

    /// Cancelling ends the conversation, which gives up what it has launched.
    private func next() async throws -> ControlReply {
        while waiting.isEmpty {
            let bytes = try await withTaskCancellationHandler {
                try await BlockingPool.run { [socket] in try LocalSocket.receive(socket) }
            } onCancel: {
                shutdown(socket.raw, Int32(SHUT_RDWR))
            }
            try Task.checkCancellation()
            guard !bytes.isEmpty else { throw Self.gone(nil) }
            waiting += try lines.take(bytes)
        }
        return try ControlLine.decode(ControlReply.self, from: waiting.removeFirst())
    }

    private static func gone(_ cause: SystemError?) -> ForgeError {
        ForgeError(
            .deploy, "gateway.lost", "the gateway ended in the middle of the deploy", hint: "start it again: `forge gateway`, then repeat",
            cause: cause)
    }

    private static let misunderstood = ForgeError(
        .deploy, "gateway.other-version", "the gateway that runs is of another version of Forge",
        hint: "stop it and start this one's: `forge gateway`"
    )
}
