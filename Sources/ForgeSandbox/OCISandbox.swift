internal import ForgeEgress
internal import ForgeModel
internal import ForgeSystem

/// The sandbox of decision 6: an OCI bundle in user, PID, mount, network, IPC, UTS and cgroup namespaces of its own, without
/// capabilities, over id-mapped read-only layers and a bounded disk.
package struct OCISandbox: Sandbox {
    let installation: SandboxInstallation
    #if DEBUG
        /// For tests that see whether its absence is noticed; release builds have no such thing.
        package var without: Set<SandboxLayer> = []
    #endif

    package var identity: String { installation.identity }

    var runtime: OCIRuntime { installation.runtime }

    /// Checks that this machine can isolate at all, and removes what a killed Forge left below `directory`.
    /// - Parameters:
    ///   - helper: absolute path of `forge-sandbox`.
    ///   - directory: where run directories and step disks are made.
    ///   - runtime: name or path of the one to take; without it crun, else runc.
    ///   - groupsAreOptional: whether a rootless step may run without control groups where none is delegated.
    ///   - verifiesAnew: whether a container has to come up now, whatever one proved since the machine was started.
    ///   - copiesLayers: true to do without id-mapped mounts though there are some; nil finds out.
    /// - Throws: `ForgeError` naming the missing layer; there is no silent fallback.
    package static func open(
        helper: String, directory: String, runtime: String? = nil, groupsAreOptional: Bool = false, verifiesAnew: Bool = false,
        copiesLayers: Bool? = nil
    ) async throws -> OCISandbox {
        let options = SandboxInstallation.Options(
            runtime: runtime, groupsAreOptional: groupsAreOptional, copiesLayers: copiesLayers, verifiesAnew: verifiesAnew)
        return OCISandbox(installation: try await .open(helper: helper, directory: directory, options: options))
    }

    /// Removes what a killed Forge left below `directory`: run directories, step disks, cgroups. Nothing of a living one.
    package static func sweep(_ directory: String) async throws { try await SandboxInstallation.sweep(directory) }

    package func run<Value: Sendable>(
        _ request: SandboxRequest, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        collect: @Sendable (SandboxResult) async throws -> Value
    ) async throws -> Value {
        try Task.checkCancellation()
        let directory = installation.directory
        let range = try IDRange.claim(
            in: "\(directory)/ids", preferring: installation.copiesLayers ? LayerCopies.ranges(in: directory) : [])
        let place = StepPlace(home: try TemporaryDirectory(in: directory, prefix: "step"), range: range)
        return try await place.lend {
            try await collect(execute(request, in: place.home.path, range: range, output: output))
        } failed: {
            await installation.group(ofRun: place.home.path).remove()
        }
    }

    private func execute(
        _ request: SandboxRequest, in home: String, range: IDRange, output: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) async throws -> SandboxResult {
        let started = ContinuousClock.now
        let ground = try await StepGround.prepare(request, in: home, range: range, installation, alteration: alteration)
        let helper = try SandboxHelper.launch(
            installation, arguments(for: request, ground.layers), disk: ground.disk, configuration: ground.configuration, in: home,
            range: range)
        let (arrivals, found) = AsyncStream.makeStream(of: SandboxReport.Arrival.self)
        async let traffic = Self.serve(arrivals, request, lifeline: helper.lifeline)
        let run = try await WatchedStep.untilItsEnd(helper, request.limits, since: started, to: output, arrivals: found)
        var result = try await conclude(run, traffic, lifeline: helper.lifeline, home: home)
        if run.said.saysThatDescriptorsRanOut, case .exited(let code) = result.ending, code != 0 { result.ending = .exceeded(.descriptors) }
        return result
    }

    private var alteration: @Sendable (inout RuntimeSpecification) -> Void {
        #if DEBUG
            let without = without
            return { specification in without.forEach { $0.remove(from: &specification) } }
        #else
            return { _ in }
        #endif
    }

    private func arguments(for request: SandboxRequest, _ layers: [String]) -> [String] {
        var arguments = request.network == nil ? [] : ["--network", "\(SandboxWorld.proxyPort)"]
        #if DEBUG
            arguments += ["--without", without.map(\.rawValue).joined(separator: ",")]
        #endif
        return arguments + request.mounts.flatMap { ["--mount", $0.source] } + request.system.arguments
            + layers.flatMap { ["--layer", $0] }
    }

    /// Runs the step's proxy from the arrival of its socket until `forge-sandbox` is gone.
    private static func serve(
        _ arrivals: AsyncStream<SandboxReport.Arrival>, _ request: SandboxRequest, lifeline: Lifeline
    ) async throws -> Traffic {
        var proxy: EgressProxy?
        for await case .listener(let listener) in arrivals {
            guard let policy = request.network, proxy == nil else { continue }
            do {
                proxy = try await EgressProxy.start(
                    on: listener, policy: policy, responder: request.responder, onHopeless: { lifeline.cut(.exceeded(.egress)) },
                    onDeath: { lifeline.cut(.proxyDied) })
            } catch {
                lifeline.cut(.withoutProxy)
                throw error
            }
        }
        let records = await proxy?.stop() ?? []
        return Traffic(records: records, conclusion: try await request.responder?.conclude())
    }

    private struct Traffic {
        let records: [EgressRecord]
        let conclusion: EgressConclusion?
    }

    private func conclude(
        _ run: WatchedStep, _ traffic: Traffic, lifeline: Lifeline, home: String
    ) async throws -> SandboxResult {
        let report = run.report
        if lifeline.reason == .cancelled { throw CancellationError() }
        if lifeline.reason == .proxyDied {
            throw ForgeError(
                .build, "egress.proxy-died", "the step's proxy, its only way out, broke down while it ran, so the step was stopped",
                hint: "run the build again")
        }
        guard let upper = report.upper, report.failure == nil, !report.runtimeFailed else {
            throw breakdown(try await installation.reason(report, in: home), layer: report.missingLayer)
        }
        return SandboxResult(
            ending: try ending(report, lifeline: lifeline, upper: upper), duration: run.duration, upper: upper, egress: traffic.records,
            conclusion: traffic.conclusion)
    }

    private func ending(_ report: SandboxReport, lifeline: Lifeline, upper: Descriptor) throws -> SandboxResult.Ending {
        if case .exceeded(let limit) = lifeline.reason { return .exceeded(limit) }
        if report.exit == 0 { return .exited(0) }
        if report.outOfMemory { return .exceeded(.memory) }
        if report.outOfProcesses { return .exceeded(.processes) }
        let free = try upper.freeSpace()
        if free.inodes == 0 { return .exceeded(.inodes) }
        if free.bytes < 1 << 20 { return .exceeded(.disk) }
        if let signal = report.signal { return .signaled(signal) }
        guard let exit = report.exit else { throw ForgeError.lostStep }
        return .exited(exit)
    }

    /// The sandbox could not be set up, or the runtime could not start the command.
    private func breakdown(_ reason: String, layer: String?) -> ForgeError {
        if reason.contains("executable file") {
            return ForgeError(
                .build, "step.no-command", "the step's command is not in the sandbox: \(reason)", hint: "check the command's name")
        }
        return installation.breakdown(reason, layer: layer)
    }
}
