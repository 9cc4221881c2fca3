import ForgeEgress
import ForgeEngine
import ForgeEvents
import ForgeModel
import ForgeStore
import ForgeTestSupport
import Foundation
import Synchronization
import Testing

/// An engine over a store of its own and steps that are Swift closures.
final class EngineWorkshop: Sendable {
    typealias Body = @Sendable (StepExecution, Store) async throws -> StepRun.Outcome

    let store: Store
    private let root: String
    fileprivate typealias Run = @Sendable (StepExecution, Store) async throws -> StepRun
    private let bodies = Mutex<[String: Run]>([:])

    init() async throws {
        root = "\(try Folder.temporaryRoot())/forge-engine-test-\(UUID().uuidString)"
        store = try await Store.open(at: root + "/store")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// What the step `id` does when it is executed (it must not hold the workshop, which holds it); a step without a body makes its outputs, each a file with the step's command.
    func on(_ id: String, _ body: @escaping Body) { onRun(id) { StepRun(outcome: try await body($0, $1), durationMs: 5) } }

    /// The same for a step that tells more than its outcome.
    func onRun(_ id: String, _ body: @escaping @Sendable (StepExecution, Store) async throws -> StepRun) {
        bodies.withLock { $0[id] = body }
    }

    struct Outcome {
        let result: Result<BuildReport, any Error>
        let events: [ForgeEvent.Payload]

        var report: BuildReport { get throws { try result.get() } }
        var error: ForgeError? { if case .failure(let error as ForgeError) = result { error } else { nil } }

        /// `step outcome` and, where it was executed, `: reason`.
        var told: [String] {
            get throws { try report.steps.map { "\($0.step.id) \($0.outcome)" + ($0.reason.map { ": \($0)" } ?? "") } }
        }

        var reasons: [String] {
            events.compactMap { event -> String? in
                guard case .reason(_, let text) = event else { return nil }
                return text
            }
        }

        /// `start a`, `executed a` … in the order of the events.
        var course: [String] {
            var names: [Int: String] = [:]
            return events.compactMap { event in
                switch event {
                case .started(let span):
                    names[span.id] = span.name
                    return "start \(span.name)"
                case .finished(let id, let outcome, _, _, _): return "\(outcome) \(names[id] ?? "?")"
                default: return nil
                }
            }
        }
    }

    func build(
        _ steps: [Step], source: [String: String] = ["a.txt": "a"], root appRoot: String = "", toolchains: [String: String] = [:],
        scope: String = "site",
        useCache: Bool = true, leavesOut: [String] = [], keeps: [String]? = nil, trust: Trust = .trusted
    ) async throws -> Outcome {
        let events = EventHub()
        let stream = events.subscribe()
        let listening = Task { await stream.reduce(into: []) { $0.append($1.payload) } }
        let tree = try await store.trees.ingest(MemorySource(source))
        var artifact = ArtifactSpec(kind: .static, output: .root, launch: nil, routes: [], leavesOut: leavesOut)
        artifact.keeps = keeps
        let plan = BuildPlan(
            preset: PresetReference(id: "test", name: "Test", digest: tree), root: try RelativePath(parsing: appRoot), steps: steps,
            artifact: artifact, toolchains: [:], warnings: [])
        let runner = ScriptedRunner(store: store, bodies: bodies.withLock { $0 })
        let engine = BuildEngine(store: store, runner: runner, events: events, slots: StepSlots(cores: 16, memory: .max))
        let request = BuildEngine.Request(
            plan: plan, source: tree, toolchains: toolchains, scope: scope, useCache: useCache, logDirectory: root + "/logs",
            network: { step, _ in
                StepNetwork(policy: EgressPolicy(), environment: ["REGISTRY_OF": step.registries?.manager ?? "nobody"])
            },
            trust: trust)
        let result: Result<BuildReport, any Error>
        do { result = .success(try await engine.build(request)) } catch { result = .failure(error) }
        events.finish()
        return Outcome(result: result, events: await listening.value)
    }

    /// Several plans of one source, with what happened.
    func build(plans: [[Step]], source: [String: String]) async throws -> (reports: [BuildReport], events: [ForgeEvent.Payload]) {
        let events = EventHub()
        let stream = events.subscribe()
        let listening = Task { await stream.reduce(into: []) { $0.append($1.payload) } }
        let tree = try await store.trees.ingest(MemorySource(source))
        let runner = ScriptedRunner(store: store, bodies: bodies.withLock { $0 })
        let engine = BuildEngine(store: store, runner: runner, events: events, slots: StepSlots(cores: 16, memory: .max))
        let requests = plans.map { steps in
            BuildEngine.Request(
                plan: BuildPlan(
                    preset: PresetReference(id: "test", name: "Test", digest: tree), root: .root, steps: steps,
                    artifact: ArtifactSpec(kind: .static, output: .root, launch: nil, routes: []), toolchains: [:], warnings: []),
                source: tree, toolchains: [:], scope: "site", useCache: true, logDirectory: root + "/logs",
                network: { _, _ in StepNetwork(policy: EgressPolicy(), environment: [:]) })
        }
        defer { events.finish() }
        let reports = try await engine.build(requests)
        events.finish()
        return (reports, await listening.value)
    }

    func texts(_ root: Digest) throws -> [String: String] { try store.texts(root) }

    /// Takes a blob out of the store, as a disk that forgets would.
    func lose(_ text: String) async throws {
        let digest = try await store.content.write(Array(text.utf8))
        try FileManager.default.removeItem(atPath: store.content.path(of: digest, executable: false))
    }
}

extension Store {
    /// Path → text of a stored tree.
    func texts(_ root: Digest) throws -> [String: String] {
        let tree = trees.sourceTree(root)
        var found: [String: String] = [:]
        func walk(_ folder: RelativePath) throws {
            for entry in try tree.entries(of: folder) {
                let path = folder.appending(component: entry.name)
                if entry.node == .directory {
                    try walk(path)
                } else {
                    found[path.string] = String(decoding: try tree.read(path, limit: .max) ?? [], as: UTF8.self)
                }
            }
        }
        try walk(.root)
        return found
    }
}

extension StepRun.Outcome {
    static func files(_ files: [String: String], in store: Store) async throws -> StepRun.Outcome {
        .succeeded(outputs: try await store.trees.ingest(MemorySource(files)), undeclared: [])
    }

    static let failed = StepRun.Outcome.failed(code: "step.failed", "exited with code 1", hint: nil)
}

private struct ScriptedRunner: StepRunner {
    let store: Store
    let bodies: [String: EngineWorkshop.Run]

    func identity() async throws -> String { "script 1.0" }

    func execute(_ execution: StepExecution, output: @escaping @Sendable ([UInt8]) -> Void) async throws -> StepRun {
        output(Array("\(execution.step.id) runs\n".utf8))
        let standard: EngineWorkshop.Run = { execution, store in
            let text = execution.action.command.joined(separator: " ")
            let files = Dictionary(uniqueKeysWithValues: execution.action.outputPaths.map { ($0.string, text) })
            return StepRun(outcome: try await .files(files, in: store), durationMs: 5)
        }
        return try await (bodies[execution.step.id] ?? standard)(execution, store)
    }
}

extension Step {
    static func named(
        _ id: String, in directory: String? = nil, needs: [String] = [], command: [String]? = nil, environment: [String: String] = [:],
        inputs: [String] = [], excludes: [String]? = nil, outputs: [String]? = nil, caches: [String] = [], network: Network = .none,
        registries: Registries? = nil
    ) -> Step {
        let paths = (outputs ?? [id + ".out"]).compactMap { try? RelativePath(parsing: $0) }
        return Step(
            id: id, title: id, directory: directory.flatMap { try? RelativePath(parsing: $0) }, needs: needs,
            command: command ?? ["make", id], environment: environment, inputs: inputs,
            excludes: excludes?.compactMap { try? RelativePath(parsing: $0) }, outputs: paths,
            caches: caches.compactMap { try? RelativePath(parsing: $0) }, network: network, registries: registries, limits: .standard)
    }
}

/// Source files in memory.
struct MemorySource: SourceTree {
    private var files: [RelativePath: [UInt8]] = [:]
    private var folders: [RelativePath: Set<String>] = [.root: []]

    init(_ texts: [String: String]) throws {
        for (name, text) in texts {
            var path = try RelativePath(parsing: name)
            files[path] = Array(text.utf8)
            while !path.isRoot {
                folders[path.parent, default: []].insert(path.name)
                path = path.parent
            }
        }
    }

    func node(at path: RelativePath) -> SourceNode? {
        if folders[path] != nil { return .directory }
        return files[path].map { .file(executable: false, size: Int64($0.count)) }
    }

    func entries(of path: RelativePath) -> [SourceEntry] {
        (folders[path] ?? []).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    func read(_ path: RelativePath, limit: Int) -> [UInt8]? { files[path].map { Array($0.prefix(limit)) } }
}

/// Lets tasks go on once as many as `count` have arrived: steps can only pass it together.
actor Rendezvous {
    private let count: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(of count: Int) { self.count = count }

    func arrive() async {
        guard waiting.count + 1 < count else {
            waiting.forEach { $0.resume() }
            waiting = []
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }
}
