internal import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// The sandbox of decision 6: an OCI bundle in user, PID, mount, network, IPC, UTS and cgroup namespaces of its own, without
/// capabilities, over id-mapped read-only layers and a bounded disk.
package struct OCISandbox: Sandbox {
    private let runtime: OCIRuntime
    private let helper: String
    private let directory: String

    package var identity: String { "\(runtime.name) \(runtime.version)" }

    /// Checks that this machine can isolate at all, and removes what a killed Forge left below `directory`.
    /// - Parameters:
    ///   - helper: absolute path of `forge-sandbox`.
    ///   - directory: where run directories and step disks are made.
    /// - Throws: `ForgeError` naming the missing layer; there is no silent fallback.
    package static func open(helper: String, directory: String, runtime preferred: String? = nil) async throws -> OCISandbox {
        guard geteuid() == 0 else {
            throw ForgeError(
                .build, "sandbox.needs-root",
                "building needs root for now: id ranges, id-mapped layers and step disks are the kernel's to give",
                hint: "run `sudo forge build`; the step itself never runs as root")
        }
        guard Files.exists(helper) else {
            throw ForgeError(.build, "sandbox.no-helper", "`\(helper)` is missing", hint: "build Forge whole: `make build`")
        }
        let runtime = try await OCIRuntime.find(preferred: preferred)
        try await sweep(directory)
        return OCISandbox(runtime: runtime, helper: helper, directory: directory)
    }

    /// Removes what a killed Forge left below `directory`: run directories, step disks, cgroups. Nothing of a living one.
    package static func sweep(_ directory: String) async throws {
        for name in try await BlockingPool.run({ try TemporaryDirectory.sweep(directory) }) { await removeCgroup(id(of: name)) }
    }

    package func run<Value: Sendable>(
        _ request: SandboxRequest, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        collect: @Sendable (SandboxResult) async throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let range = try IDRange.claim(in: "\(directory)/ids")
        let home = try TemporaryDirectory(in: directory, prefix: "step")
        do {
            let result = try await execute(request, in: home.path, range: range, output: output)
            let value = try await collect(result)
            try await BlockingPool.run { try home.remove() }
            withExtendedLifetime(range) {}
            return value
        } catch {
            await Self.removeCgroup(Self.id(of: home.path))
            try? await BlockingPool.run { try home.remove() }
            throw error
        }
    }

    /// Name of the container and its cgroup: made of the run directory's own name, `step-<random>`.
    private static func id(of home: String) -> String { "forge-" + (home.split(separator: "-").last ?? "") }

    /// What is left when `forge-sandbox` itself was killed; its processes die with it. rmdir answers EBUSY for some
    /// milliseconds after the last exit.
    private static func removeCgroup(_ id: String) async {
        for _ in 0..<400 {
            let isGone = await BlockingPool.run { cgroups(id).allSatisfy { rmdir($0) == 0 || errno != EBUSY } }
            if isGone { return }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The cgroup's folders: one in each hierarchy of v1, one in all of v2.
    private static func cgroups(_ id: String) -> [String] {
        let root = "/sys/fs/cgroup"
        let hierarchies = (try? Files.list(root)) ?? []
        return (["\(root)/\(id)"] + hierarchies.map { "\(root)/\($0)/\(id)" }).filter(Files.exists)
    }

    private func execute(
        _ request: SandboxRequest, in home: String, range: IDRange, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) async throws -> SandboxResult {
        let id = Self.id(of: home)
        try await BlockingPool.run { try OCIBundle(request: request, base: range.base, cgroup: id).write(to: home) }
        try await StepDisk.create(at: "\(home)/disk.img", bytes: request.limits.diskBytes)
        let started = ContinuousClock.now
        let (child, lifeline, streams) = try launch(request, id: id, in: home, range: range)
        let limit = request.limits.logBytes
        let (listeners, found) = AsyncStream.makeStream(of: Descriptor.self)
        async let report = BlockingPool.run {
            defer { found.finish() }
            return try SandboxReport.read(from: streams.report) { found.yield($0) }
        }
        async let egress = Self.serve(listeners, request.network, lifeline: lifeline)
        async let drained: Void = BlockingPool.run { try Self.pump(streams.output, limit: limit, lifeline: lifeline, to: output) }
        let timer = Task {
            try await Task.sleep(for: .seconds(request.limits.timeoutSeconds))
            lifeline.cut(.exceeded(.time))
        }
        defer { timer.cancel() }
        _ = try await withTaskCancellationHandler {
            try await child.wait()
        } onCancel: {
            lifeline.cut(.cancelled)
        }
        try await drained
        let duration = ContinuousClock.now - started
        return try await conclude(report, egress, lifeline: lifeline, home: home, duration: duration)
    }

    private struct Streams: Sendable {
        let output: Descriptor
        let report: Descriptor
    }

    private func launch(
        _ request: SandboxRequest, id: String, in home: String, range: IDRange
    ) throws -> (ChildProcess, Lifeline, Streams) {
        let (outputEnd, childOutput) = try Descriptor.pipe()
        let (childLifeline, lifelineEnd) = try Descriptor.pipe()
        let (reportEnd, childReport) = try Descriptor.socketPair()
        var arguments = [
            "--base", "\(range.base)", "--count", "\(IDRange.count)", "--user", "\(SandboxWorld.userID)", "--image", "disk.img",
            "--runtime",
            runtime.path, "--id", id, "--cgroup", id,
        ]
        if request.network != nil { arguments += ["--network", "\(SandboxWorld.proxyPort)"] }
        for layer in request.layers { arguments += ["--layer", layer] }
        let child = try ChildProcess.spawn(
            .init(
                helper, arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], workingDirectory: home,
                descriptors: [1: childOutput, 2: childOutput, 3: childLifeline, 4: childReport, 5: range.lock.descriptor],
                newSession: true))
        return (child, Lifeline(lifelineEnd), Streams(output: outputEnd, report: reportEnd))
    }

    /// Hands the step's output on until its last writer is gone; past `limit` bytes the step is killed and the rest dropped.
    private static func pump(
        _ descriptor: Descriptor, limit: Int64, lifeline: Lifeline, to output: (UnsafeRawBufferPointer) -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        var total: Int64 = 0
        while true {
            let count = try descriptor.read(into: buffer)
            if count == 0 { return }
            if total < limit { output(UnsafeRawBufferPointer(rebasing: buffer[..<min(count, Int(limit - total))])) }
            total += Int64(count)
            if total > limit { lifeline.cut(.exceeded(.log)) }
        }
    }

    /// Runs the step's proxy from the arrival of its socket until `forge-sandbox` is gone.
    private static func serve(
        _ listeners: AsyncStream<Descriptor>, _ policy: EgressPolicy?, lifeline: Lifeline
    ) async throws -> [EgressRecord] {
        var proxy: EgressProxy?
        for await listener in listeners {
            guard let policy, proxy == nil else { continue }
            do {
                proxy = try await EgressProxy.start(on: listener, policy: policy, onHopeless: { lifeline.cut(.exceeded(.egress)) })
            } catch {
                lifeline.cut(.withoutProxy)
                throw error
            }
        }
        return await proxy?.stop() ?? []
    }

    private func conclude(
        _ report: SandboxReport, _ egress: [EgressRecord], lifeline: Lifeline, home: String, duration: Duration
    ) async throws -> SandboxResult {
        if lifeline.reason == .cancelled { throw CancellationError() }
        guard let upper = report.upper, report.failure == nil, !report.runtimeFailed else {
            throw try await breakdown(report, lifeline: lifeline, home: home)
        }
        return SandboxResult(ending: try ending(report, lifeline: lifeline, upper: upper), duration: duration, upper: upper, egress: egress)
    }

    private func ending(_ report: SandboxReport, lifeline: Lifeline, upper: Descriptor) throws -> SandboxResult.Ending {
        if case .exceeded(let limit) = lifeline.reason { return .exceeded(limit) }
        if report.exit == 0 { return .exited(0) }
        if report.outOfMemory { return .exceeded(.memory) }
        if report.outOfProcesses { return .exceeded(.processes) }
        let free = try upper.freeSpace()
        if free.bytes < 1 << 20 || free.inodes == 0 { return .exceeded(.disk) }
        if let signal = report.signal { return .signaled(signal) }
        guard let exit = report.exit else {
            throw ForgeError(.build, "sandbox.lost", "the sandbox ended without telling how its step ended", hint: "run the build again")
        }
        return .exited(exit)
    }

    /// The sandbox could not be set up, or the runtime could not start the command.
    private func breakdown(_ report: SandboxReport, lifeline: Lifeline, home: String) async throws -> ForgeError {
        let log = try await BlockingPool.run { try Files.read("\(home)/runtime.log", limit: 1 << 16) ?? [] }
        let said = String(decoding: log, as: UTF8.self).split(separator: "\n").last.map(String.init)
        let reason = report.failure ?? said ?? "`forge-sandbox` died"
        if reason.contains("executable file") {
            return ForgeError(
                .build, "step.no-command", "the step's command is not in the sandbox: \(reason)", hint: "check the command's name")
        }
        return ForgeError(
            .build, "sandbox.failed", "the sandbox could not be set up: \(reason)",
            hint: "`\(runtime.name)` needs user namespaces, overlayfs, loop devices and cgroups; nothing was run without isolation")
    }
}
