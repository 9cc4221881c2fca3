package import ForgeEvents
internal import ForgeModel
internal import ForgeOperator
package import ForgePlanning
internal import ForgePresets
package import ForgeSources
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
    let presets: PresetShelf

    /// - Parameter environment: `FORGE_HOME`, `FORGE_DATA`, `HOME` and the XDG variables are read.
    /// - Throws: `ForgeError` when Forge's own folders cannot be told.
    package init(environment: [String: String], events: EventHub) throws {
        self.events = events
        self.environment = environment
        directories = try ForgeDirectories(environment: environment)
        installation = try Installation.find(environment: environment)
        stores = StoreDoor(directories.store)
        presets = PresetShelf(
            directories: [installation.presets, directories.presets],
            memo: DescriptorMemo(folder: directories.descriptors, sign: directories.plans))
    }

    /// Recognises the project, or the apps of a workspace, without building or storing anything.
    package func detect(_ request: SourceRequest) async throws -> Survey {
        let source = try await open(request)
        let packs = try await packs(of: source.tree)
        return try await BlockingPool.run { [presets] in try Self.survey(source, request.app, presets.catalog(for: source.tree, packs)) }
    }

    /// What every preset made of the project.
    package func explain(_ request: SourceRequest) async throws -> Explanation {
        let source = try await open(request)
        let packs = try await packs(of: source.tree)
        return try await BlockingPool.run { [presets] in
            let catalog = try presets.catalog(for: source.tree, packs)
            var configuration = try Self.configuration(source)
            if let app = request.app { configuration = try Self.survey(source, app, catalog).own?.configuration ?? configuration }
            return try Detector(catalog: catalog).explain(in: source.tree, configuration: configuration)
        }
    }

    /// What `build` would do, without doing it.
    package func plan(_ request: SourceRequest) async throws -> [AppPlan] {
        let source = try await open(request)
        let packs = try await packs(of: source.tree)
        let limits = try operatorConfiguration().limits
        let plans = try await BlockingPool.run { [presets] in
            try Self.plans(source, request.app, presets.catalog(for: source.tree, packs), limits)
        }
        try await checkImages(of: plans.map(\.plan))
        return plans
    }

    func operatorConfiguration() throws -> OperatorConfiguration {
        try OperatorConfiguration.load(directories.configuration, environment: environment)
    }

    /// What `crowdforge.toml` says, and which folder was asked for.
    static func configuration(_ source: SourceRequest.Opened) throws -> ProjectConfiguration {
        var configuration = try ProjectConfiguration.load(from: source.tree)
        if let folder = source.folder {
            configuration.build.root = Located(folder, at: SourceLocation(file: ProjectConfiguration.fileName))
        }
        return configuration
    }

    /// Pure but for reading the tree.
    static func survey(_ source: SourceRequest.Opened, _ app: String?, _ catalog: PresetCatalog) throws -> Survey {
        let survey = try Surveyor(catalog: catalog).survey(source.tree, configuration: configuration(source))
        return try app.map(survey.choosing) ?? survey
    }

    /// Pure but for reading the tree. One plan, or several for a workspace whose root is no app.
    static func plans(
        _ source: SourceRequest.Opened, _ app: String?, _ catalog: PresetCatalog, _ limits: OperatorLimits
    ) throws -> [AppPlan] {
        try Planner.plans(survey(source, app, catalog)).map {
            AppPlan(name: $0.name, root: $0.root, plan: limits.applied(to: $0.plan))
        }
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
