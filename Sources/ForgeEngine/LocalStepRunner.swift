internal import ForgeEgress
internal import ForgeModel
package import ForgeSandbox
package import ForgeStore

/// Executes actions in this machine's sandbox over materialised trees.
package actor LocalStepRunner: StepRunner {
    private enum State {
        case unopened
        case opening(Task<any Sandbox, any Error>)
    }

    private let trees: TreeStore
    private let open: @Sendable () async throws -> any Sandbox
    private var state = State.unopened

    /// `open` is called once, before the first execution: a build that is wholly cached needs no sandbox.
    package init(trees: TreeStore, open: @escaping @Sendable () async throws -> any Sandbox) {
        self.trees = trees
        self.open = open
    }

    package func identity() async throws -> String { try await sandbox().identity }

    private func sandbox() async throws -> any Sandbox {
        if case .opening(let task) = state { return try await task.value }
        let task = Task { try await open() }
        state = .opening(task)
        return try await task.value
    }

    package func execute(_ execution: StepExecution, output: @escaping @Sendable ([UInt8]) -> Void) async throws -> StepRun {
        let sandbox = try await sandbox()
        var layers: [String] = []
        for root in execution.layers { layers.append(try await trees.materialize(root)) }
        for (path, root) in execution.caches.sorted(by: { $0.key.string < $1.key.string }) {
            layers.append(try await trees.materialize(trees.nest(root, at: path)))
        }
        let action = execution.action
        var environment = action.environment.merging(execution.values) { $1 }
            .merging(execution.network?.environment ?? [:]) { own, _ in own }
        if execution.step.environment["PATH"] == nil { environment["PATH"] = execution.system.searchPath(environment["PATH"]) }
        var request = SandboxRequest(
            layers: layers, command: action.command, environment: environment, workingDirectory: action.workingDirectory,
            limits: execution.step.limits, network: execution.network?.policy, responder: execution.network?.responder,
            system: try await files(of: execution.system))
        for toolchain in execution.toolchains {
            request.mounts.append(ReadOnlyMount(source: try await trees.materialize(toolchain.tree), path: toolchain.path))
        }
        let trees = self.trees
        let step = execution.step
        return try await sandbox.run(request, output: { output(Array($0)) }) { result in
            async let caches =
                result.succeeded && result.conclusion == nil ? Self.caches(of: result, step: step, action: action, trees: trees) : [:]
            let outcome = try await Self.judged(result, step: step, action: action, trees: trees)
            return StepRun(
                outcome: outcome, durationMs: Int(result.duration / .milliseconds(1)), caches: await caches, egress: result.egress,
                packages: result.conclusion?.packages ?? [])
        }
    }

    private func files(of system: StepSystem) async throws -> SystemFiles {
        switch system {
        case .host: .host
        case .hostWithPackages(let usr): .hostWithPackages(try await trees.materialize(usr))
        case .root(let root, _): .root(try await trees.materialize(root))
        }
    }

    /// What the step added to its tool caches. One that cannot be kept is none: it would only have saved time.
    private static func caches(
        of result: SandboxResult, step: Step, action: Action, trees: TreeStore
    ) async -> [RelativePath: Digest] {
        var kept: [RelativePath: Digest] = [:]
        for cache in step.caches.map(step.local) {
            let path = action.workingDirectory.appending(cache)
            guard let found = try? await trees.collect(from: result.upper, paths: [cache], below: action.workingDirectory),
                found.files > 0, let root = try? await trees.subtree(found.root, at: cache)
            else { continue }
            kept[path] = root
        }
        return kept
    }

    /// What its registries tell of it counts more than its exit status.
    private static func judged(
        _ result: SandboxResult, step: Step, action: Action, trees: TreeStore
    ) async throws -> StepRun.Outcome {
        if let failure = result.conclusion?.failure { return .failed(code: failure.code, failure.message, hint: failure.hint) }
        let outcome = try await outcome(of: result, step: step, action: action, trees: trees)
        guard case .failed = outcome, let excuse = result.conclusion?.excuse else { return outcome }
        return .failed(code: excuse.code, excuse.message, hint: excuse.hint)
    }

    private static func outcome(
        of result: SandboxResult, step: Step, action: Action, trees: TreeStore
    ) async throws -> StepRun.Outcome {
        switch result.ending {
        case .exited(0):
            return try await outputs(of: result, step: step, action: action, trees: trees)
        case .exited(127): return .failed(code: "step.no-command", "found no such command (exit code 127)", hint: nil)
        case .exited(let code): return .failed(code: "step.failed", "exited with code \(code)", hint: nil)
        case .signaled(let signal): return .failed(code: "step.signaled", "was ended by signal \(signal)", hint: nil)
        case .exceeded(let limit):
            let (what, hint) = describe(limit, step.limits)
            return .failed(code: limit.rawValue, what, hint: hint)
        }
    }

    private static func outputs(
        of result: SandboxResult, step: Step, action: Action, trees: TreeStore
    ) async throws -> StepRun.Outcome {
        // A tool cache may lie inside an output (`.next/cache` in `.next`): it is no part of the result.
        let caches = step.caches.map(step.local)
        guard let amends = action.amends else {
            let collected = try await trees.collect(from: result.upper, paths: action.outputPaths, below: action.workingDirectory)
            let outputs = try await trees.select(collected.root, including: [], excluding: caches)
            return .succeeded(outputs: outputs, undeclared: collected.undeclared)
        }
        let declared = action.outputPaths.map(action.workingDirectory.appending)
        let collected = try await trees.collect(from: result.upper, paths: declared + amends.map(Self.literalPart), below: .root)
        let outputs = try await trees.select(
            collected.root, including: declared.map(\.string) + amends, excluding: caches.map(action.workingDirectory.appending))
        return .succeeded(outputs: outputs, undeclared: collected.undeclared)
    }

    /// The folders that a glob names before its first wildcard.
    private static func literalPart(of glob: String) -> RelativePath {
        let components = glob.split(separator: "/").prefix { !$0.contains("*") && !$0.contains("?") }
        return (try? RelativePath(parsing: components.joined(separator: "/"))) ?? .root
    }

    private static func describe(_ limit: SandboxResult.Limit, _ limits: Step.Limits) -> (String, String?) {
        func mebibytes(_ bytes: Int64) -> String { "\(bytes >> 20) MiB" }
        switch limit {
        case .time:
            return ("ran longer than its \(limits.timeoutSeconds) s and was stopped", "raise `timeout` under `[build]` in crowdforge.toml")
        case .memory:
            return ("needed more than its \(mebibytes(limits.memoryBytes)) of memory", "raise `memory` under `[build]` in crowdforge.toml")
        case .processes: return ("started more than its \(limits.processes) processes", "look for a process that starts itself again")
        case .disk: return ("filled its disk of \(mebibytes(limits.diskBytes))", "write less, or clean up what later commands do not need")
        case .inodes:
            return (
                "made more files than the \(limits.inodes ?? Step.Limits.standardInodes) that its disk holds",
                "make fewer, or clean up what later commands do not need"
            )
        case .descriptors:
            return (
                "said that it could open no more files: a process may have \(limits.openFiles ?? Step.Limits.standardOpenFiles) at once",
                "close files, or lower the command's parallelism"
            )
        case .egress: return ("asked for a server again and again in vain and was stopped", nil)
        case .log: return ("wrote more than \(mebibytes(limits.logBytes)) to its log and was stopped", "make the command quieter")
        }
    }
}
