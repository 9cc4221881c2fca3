internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// No sandbox: a step as a plain child process in a private copy of its layers, for `--unsafe-local` on a machine that cannot isolate.
///
/// What still holds is in plain.c. There is no network of its own; the proxy is offered, and whoever does not want it is not held.
package struct UnsafeLocalSandbox: Sandbox {
    package static let identity = "none (unsafe-local)"

    private let helper: String
    private let directory: String
    private let isRoot: Bool

    package var identity: String { Self.identity }

    /// - Parameters:
    ///   - helper: absolute path of `forge-sandbox`.
    ///   - directory: for the locks of ids, and where an ordinary user's run directories are made.
    package init(helper: String, directory: String) {
        self.helper = helper
        self.directory = directory
        isRoot = geteuid() == 0
    }

    package func run<Value: Sendable>(
        _ request: SandboxRequest, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        collect: @Sendable (SandboxResult) async throws -> Value
    ) async throws -> Value {
        guard request.system == .host else {
            throw ForgeError(
                .build, "sandbox.no-image", "without a sandbox there is no other system than the machine's own",
                hint: "leave out `--unsafe-local`, or `image` and `packages` below `[build]`")
        }
        try Task.checkCancellation()
        let range = try IDRange.claim(in: "\(directory)/ids")
        let place = StepPlace(home: try await BlockingPool.run { try makeHome() }, range: range)
        return try await place.lend { try await collect(execute(request, in: place.home.path, range: range, output: output)) }
    }

    /// Root's step gets an id of its own, which must be able to walk to its folder from the root of the file system.
    private func makeHome() throws -> TemporaryDirectory {
        guard isRoot else { return try TemporaryDirectory(in: directory, prefix: "unsafe") }
        let parent = "/var/tmp"
        // What others left there under such a name is not this user's to remove.
        _ = try? TemporaryDirectory.sweep(parent, prefix: "forge-unsafe-local-")
        let home = try TemporaryDirectory(in: parent, prefix: "forge-unsafe-local")
        guard chmod(home.path, 0o711) == 0 else { throw SystemError.last("chmod", home.path) }
        return home
    }

    private func execute(
        _ request: SandboxRequest, in home: String, range: IDRange, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) async throws -> SandboxResult {
        let folder = UnsafeWorkFolder(home: home, owner: isRoot ? range.base + SandboxWorld.userID : nil)
        let before = try await BlockingPool.run { try folder.prepare(request.layers) }
        let proxy = try await UnsafeNetwork.open(for: request, in: folder)
        let started = ContinuousClock.now
        let helper = try SandboxHelper.launch(
            helper, arguments(request.limits, range), input: try command(request, folder, proxy?.environment ?? [:]), in: folder.own,
            locks: [range.lock])
        let run = try await WatchedStep.untilItsEnd(helper, request.limits, since: started, to: output)
        let traffic = try await proxy?.stop()
        let ending = try Self.ending(run.report, helper.lifeline)
        let upper = try await BlockingPool.run { try folder.separate(from: before) }
        return SandboxResult(
            ending: ending, duration: run.duration, upper: upper, egress: traffic?.records ?? [], conclusion: traffic?.conclusion)
    }

    private func arguments(_ limits: Step.Limits, _ range: IDRange) -> [String] {
        let ids = isRoot ? ["--base", "\(range.base)", "--user", "\(SandboxWorld.userID)"] : []
        return ["--plain", "1"] + ids + [
            "--memory", "\(limits.memoryBytes)", "--processes", "\(limits.processes)", "--file-size", "\(limits.diskBytes)",
        ]
    }

    /// In memory, because it holds the variables of the command. See plain.c.
    private func command(_ request: SandboxRequest, _ folder: UnsafeWorkFolder, _ network: [String: String]) throws -> Descriptor {
        let below = request.workingDirectory.isRoot ? "" : "/\(request.workingDirectory.string)"
        let environment = network.merging(request.environment) { $1 }.merging(["HOME": folder.userHome, "TMPDIR": folder.temporary]) { $1 }
        let words =
            ["\(folder.workspace)\(below)", "\(request.command.count)"] + request.command
            + environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return try Descriptor.inMemory(words.flatMap { Array($0.utf8) + [0] }, name: "command")
    }

    private static func ending(_ report: SandboxReport, _ lifeline: Lifeline) throws -> SandboxResult.Ending {
        if lifeline.reason == .cancelled { throw CancellationError() }
        if case .exceeded(let limit) = lifeline.reason { return .exceeded(limit) }
        if let failure = report.failure {
            throw ForgeError(
                .build, "sandbox.failed", "the step's process could not be started: \(failure)",
                hint: "`forge doctor` tells what this machine lacks")
        }
        if report.outOfMemory { return .exceeded(.memory) }
        if report.outOfProcesses { return .exceeded(.processes) }
        if let signal = report.signal { return signal == SIGXFSZ ? .exceeded(.disk) : .signaled(signal) }
        if let exit = report.exit { return .exited(exit) }
        throw ForgeError.lostStep
    }
}
