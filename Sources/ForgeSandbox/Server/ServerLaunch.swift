internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// A server between the start of `forge-sandbox` and the removal of what was made for it.
struct ServerLaunch: Sendable {
    let place: ServerPlace
    let helper: SandboxHelper
    private let installation: SandboxInstallation
    private let arrivals: AsyncStream<SandboxReport.Arrival>
    private let report: Task<SandboxReport, any Error>
    private let drained: Task<Void, any Error>

    /// The tasks outlive the caller, as the server does; `end` waits for them.
    static func begin(
        _ request: ServerRequest, configuration: Descriptor, in sandbox: ServerSandbox, place: ServerPlace,
        output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) throws -> ServerLaunch {
        let helper = try SandboxHelper.launch(
            sandbox.installation, place.arguments(for: request), configuration: configuration, in: place.home.path, range: place.range,
            locks: place.slot.map { [$0.lock] } ?? [])
        let (arrivals, found) = AsyncStream.makeStream(of: SandboxReport.Arrival.self)
        let report = Task {
            try await BlockingPool.run {
                defer { found.finish() }
                return try SandboxReport.read(from: helper.report) { found.yield($0) }
            }
        }
        let drained = Task { try await BlockingPool.run { try helper.pump(to: output) } }
        return ServerLaunch(
            place: place, helper: helper, installation: sandbox.installation, arrivals: arrivals, report: report, drained: drained)
    }

    /// The server's network namespace and its first process, once the runtime has started the command.
    /// - Throws: `ForgeError` when it could not; `CancellationError`.
    func started() async throws -> (namespace: Descriptor, process: Descriptor) {
        var namespace: Descriptor?
        var process: Descriptor?
        for await arrival in arrivals {
            switch arrival {
            case .namespace(let descriptor): namespace = descriptor
            case .process(let descriptor): process = descriptor
            case .running: if let namespace, let process { return (namespace, process) }
            case .listener: break
            }
        }
        helper.lifeline.cut(.cancelled)
        try Task.checkCancellation()
        throw breakdown(try await installation.reason(report.value, in: place.home.path))
    }

    private func breakdown(_ reason: String) -> ForgeError {
        if reason.contains("executable file") {
            return ForgeError(
                .deploy, "server.no-command", "the server's command is not in the sandbox: \(reason)", hint: "check the command's name")
        }
        return ForgeError(
            .deploy, "server.not-started", "the server's sandbox could not be set up: \(reason)",
            hint: "`\(installation.runtime.name)` needs user namespaces, loop devices and cgroups; nothing was run without isolation")
    }

    /// Waits for the end of every process and gives everything back.
    func end(_ inside: Inside) async -> ServerExit {
        _ = try? await helper.child.wait()
        // Should `forge-sandbox` have been killed: what stands frozen cannot die.
        try? await place.group.thaw()
        _ = await drained.result
        let report = try? await report.value
        inside.close()
        await place.remove()
        return ServerExit(report, isStopped: inside.isStopping)
    }
}

extension ServerExit {
    init(_ report: SandboxReport?, isStopped: Bool) {
        let told: Ending? = (report?.signal).map { .signaled($0) } ?? (report?.exit).map { .exited($0) }
        self.init(ending: told ?? .signaled(SIGKILL), cause: Self.cause(report, told, isStopped: isStopped))
    }

    private static func cause(_ report: SandboxReport?, _ told: Ending?, isStopped: Bool) -> Cause {
        if isStopped { return .stopped }
        guard let report, let told else { return .lost }
        if told == .exited(0) { return .itself }
        if report.outOfMemory { return .outOfMemory }
        return report.outOfProcesses ? .outOfProcesses : .itself
    }
}
