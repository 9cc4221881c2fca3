package import ForgeEvents
package import ForgeModel
package import ForgePlanning
internal import ForgePresets
internal import ForgeStore
internal import ForgeSystem

/// The composition root: one value a command, that leads from a source to a release and tells about it on `events`.
package struct Pipeline: Sendable {
    package let events: EventHub
    let directories: ForgeDirectories
    /// The operator's, as Forge was started with it.
    let environment: [String: String]
    let installation: Installation
    private let stores: StoreDoor

    /// - Parameter environment: `FORGE_HOME`, `FORGE_DATA`, `HOME` and the XDG variables are read.
    /// - Throws: `ForgeError` when Forge's own folders cannot be told.
    package init(environment: [String: String], events: EventHub) throws {
        self.events = events
        self.environment = environment
        directories = try ForgeDirectories(environment: environment)
        installation = try Installation.find(environment: environment)
        stores = StoreDoor(directories.store)
    }

    /// Recognises the project without building or storing anything.
    package func detect(_ request: SourceRequest) async throws -> Detection {
        let source = try await open(request)
        return try await BlockingPool.run { [installation] in
            let configuration = try ProjectConfiguration.load(from: source.tree)
            return try Detector(catalog: Self.catalog(installation)).detect(in: source.tree, configuration: configuration)
        }
    }

    /// What every preset made of the project.
    package func explain(_ request: SourceRequest) async throws -> Explanation {
        let source = try await open(request)
        return try await BlockingPool.run { [installation] in
            let configuration = try ProjectConfiguration.load(from: source.tree)
            return try Detector(catalog: Self.catalog(installation)).explain(in: source.tree, configuration: configuration)
        }
    }

    /// What `build` would do, without doing it.
    package func plan(_ request: SourceRequest) async throws -> BuildPlan {
        let source = try await open(request)
        let limits = try operatorConfiguration().limits
        return try await BlockingPool.run { [installation] in try Self.plan(source.tree, Self.catalog(installation), limits) }
    }

    func operatorConfiguration() throws -> OperatorConfiguration {
        try OperatorConfiguration.load(directories.configuration, environment: environment)
    }

    static func catalog(_ installation: Installation) throws -> PresetCatalog {
        try PresetCatalog.load(directories: [installation.presets])
    }

    /// Pure but for reading the tree.
    static func plan(_ tree: any SourceTree, _ catalog: PresetCatalog, _ limits: OperatorLimits) throws -> BuildPlan {
        let configuration = try ProjectConfiguration.load(from: tree)
        let detection = try Detector(catalog: catalog).detect(in: tree, configuration: configuration)
        return limits.applied(to: try Planner.plan(detection, configuration: configuration))
    }

    /// One for the whole command: what it counts on in the store is safe until its end.
    func openStore() async throws -> Store { try await stores.open() }

    /// Runs `body` as one span: its end is told whatever happens; the string is the span's detail.
    func spanned<Value: Sendable>(_ span: Span, _ body: () async throws -> (Value, detail: String?)) async throws -> Value {
        let start = ContinuousClock.now
        func finish(_ outcome: SpanOutcome, _ detail: String?) {
            let duration = Int((ContinuousClock.now - start) / .milliseconds(1))
            events.emit(.finished(span: span.id, outcome, durationMs: duration, detail: detail, logPath: nil))
        }
        events.emit(.started(span))
        do {
            let (value, detail) = try await body()
            finish(.done, detail)
            return value
        } catch {
            finish(error is CancellationError ? .cancelled : .failed, nil)
            throw error
        }
    }
}
