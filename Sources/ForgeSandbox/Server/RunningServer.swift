internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// A server that was started. It runs until it ends, is stopped, or this process dies, by whatever means; letting go of this
/// value does not end it.
package final class RunningServer: Sendable {
    private let helper: SandboxHelper
    private let inside: Inside
    private let group: ControlGroup
    /// The server's first process, as a pidfd.
    private let process: Descriptor
    private let ending: Task<ServerExit, Never>

    private init(_ launch: ServerLaunch, inside: Inside, process: Descriptor) {
        helper = launch.helper
        group = launch.place.group
        self.inside = inside
        self.process = process
        ending = Task { await launch.end(inside) }
    }

    /// Starts `request` and returns once its command runs; that it listens is for the caller to find out with `connect`.
    ///
    /// `output` gets standard output and error as written, on a thread of its own; it may block, which holds the server back.
    /// - Throws: `ForgeError` when the sandbox could not be had or the command not be started; `CancellationError`.
    package static func start(
        _ request: ServerRequest, in sandbox: ServerSandbox, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) async throws -> RunningServer {
        try Task.checkCancellation()
        let place = try ServerPlace.claim(in: sandbox, network: request.network)
        let launch: ServerLaunch
        do {
            let configuration = try await place.prepare(request)
            launch = try ServerLaunch.begin(request, configuration: configuration, in: sandbox, place: place, output: output)
        } catch {
            await place.remove()
            throw error
        }
        do {
            let (namespace, process) = try await launch.started()
            return RunningServer(launch, inside: Inside(try NetworkNamespace(namespace)), process: process)
        } catch {
            launch.helper.lifeline.cut(.cancelled)
            _ = await launch.end(Inside(nil))
            throw error
        }
    }

    /// How it ended, once every process of it is dead and everything made for it is removed. Any number may wait.
    package func exit() async -> ServerExit { await ending.value }

    /// A TCP connection to 127.0.0.1:`port` inside. A few microseconds on the calling thread.
    /// - Throws: `SystemError`; `ECONNREFUSED` when nothing listens there, or the server has ended.
    package func connect(port: Int) throws -> ServerConnection {
        let (socket, isConnected) = try namespace().connect(port: port)
        return ServerConnection(socket: socket, isEstablished: isConnected)
    }

    /// The ports its processes listen on, at whatever address; sorted. None once it has ended.
    package func listeningPorts() throws -> [Int] { try inside.namespace?.listeningPorts() ?? [] }

    private func namespace() throws -> NetworkNamespace {
        guard let namespace = inside.namespace else { throw SystemError("connect", "a server that has ended", errno: ECONNREFUSED) }
        return namespace
    }

    /// Stops all its processes where they are; returns once they stand still. Its sockets stay open and it keeps its memory.
    package func freeze() async throws { try await group.freeze() }

    /// Lets them go on; returns once they do.
    package func thaw() async throws { try await group.thaw() }

    /// Bytes of memory in use, the kernel's cache of its files among them.
    package func memoryBytes() throws -> Int64 { try group.memoryBytes() }

    /// SIGTERM to the first process, SIGKILL to all after `grace`. A frozen server is thawed to hear it. One that would not hear
    /// it (the kernel keeps SIGTERM from a namespace's first process that has no handler) is killed at once.
    package func stop(grace: Duration) async -> ServerExit {
        inside.beginStopping()
        guard heedsTermination() else {
            helper.lifeline.cut(.stopped)
            return await exit()
        }
        ChildProcess.signal(SIGTERM, toProcessBehind: process)
        try? await group.thaw()
        let timer = Task { [lifeline = helper.lifeline] in
            try await Task.sleep(for: grace)
            lifeline.cut(.stopped)
        }
        defer { timer.cancel() }
        return await exit()
    }

    /// Whether SIGTERM is caught, or blocked and so waited for, by the first process.
    private func heedsTermination() -> Bool {
        guard let pid = Self.field("Pid:", in: "/proc/self/fdinfo/\(process.raw)"), let number = Int(pid), number > 0 else { return false }
        return ["SigCgt:", "SigBlk:"].contains { key in
            let mask = Self.field(key, in: "/proc/\(number)/status").flatMap { UInt64($0, radix: 16) } ?? 0
            return mask & (1 << UInt64(SIGTERM - 1)) != 0
        }
    }

    private static func field(_ key: String, in path: String) -> String? {
        let text = String(decoding: (try? Files.read(path, limit: 1 << 14)) ?? [], as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.dropFirst(key.count).split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
}

/// What changes while a server runs.
final class Inside: Sendable {
    private struct State {
        var namespace: NetworkNamespace?
        var isStopping = false
    }

    private let state: Mutex<State>

    init(_ namespace: NetworkNamespace?) { state = Mutex(State(namespace: namespace)) }

    var namespace: NetworkNamespace? { state.withLock { $0.namespace } }
    var isStopping: Bool { state.withLock { $0.isStopping } }

    func beginStopping() { state.withLock { $0.isStopping = true } }

    /// Lets go of the namespace, which lives no longer than its last holder.
    func close() { state.withLock { $0.namespace = nil } }
}
