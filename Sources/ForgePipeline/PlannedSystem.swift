internal import ForgeEgress
internal import ForgeEngine
internal import ForgeEvents
internal import ForgeImages
internal import ForgeModel
internal import ForgeOperator
internal import ForgeStore
internal import ForgeSystem
internal import ForgeToolchains
internal import Synchronization

/// The system that a plan's steps run in, on this machine.
struct PlannedSystem: Sendable {
    let build: BuildSystem
    let record: BuildRecord.System
    /// For what is launched later; nil for the machine's own.
    let artifact: @Sendable () async throws -> ArtifactSystem?
    /// Whether nothing of the machine's own shows.
    let isImage: Bool
    /// What lies over it, for `forge.lock`; nil for nothing.
    var locked: LockedSystem?
}

/// Finds out what plans run in.
struct SystemSource: Sendable {
    let pipeline: Pipeline
    let store: Store
    let trust: Trust
    let useCache: Bool
    let isOffline: Bool
    let kitchen: AppBuild.Kitchen
    /// Of the project.
    let scope: String
    let lock: LockFile?

    /// Where packages are laid over it, these are fetched and unpacked now.
    func system(for plan: BuildPlan) async throws -> PlannedSystem {
        guard !plan.steps.isEmpty || !plan.artifact.runtimes.isEmpty || plan.artifact.kind == .container else { return try await host() }
        let base = if let name = plan.system?.image { image(name) } else { try await host() }
        guard let packages = plan.system?.packages else { return base }
        return try await laid(packages, over: base, plan.preset)
    }

    private func image(_ image: ImageReference) -> PlannedSystem {
        let digest = image.digest ?? ""
        let pull = OneTime { try await self.pull(image) }
        return PlannedSystem(
            build: BuildSystem(identity: ["system": "sha256:\(digest)"]) {
                let stored = try await pull.value()
                return .root(stored.root, path: stored.path)
            },
            record: BuildRecord.System(name: image.description, digest: "sha256:\(digest)"),
            artifact: {
                let stored = try await pull.value()
                return ArtifactSystem(image: digest, root: stored.root, path: stored.path)
            }, isImage: true)
    }

    private func host() async throws -> PlannedSystem {
        let host = try await BlockingPool.run { try HostSystem.identify() }
        return PlannedSystem(
            build: BuildSystem(identity: ["system": host.release]) { .host },
            record: BuildRecord.System(name: host.release, digest: host.packages?.description), artifact: { nil }, isImage: false)
    }

    private func pull(_ image: ImageReference) async throws -> StoredImage {
        if let digest = image.digest, let stored = try await store.images.load(digest, for: .current) { return stored }
        let span = pipeline.events.newSpan(.source, "image")
        return try await pipeline.spanned(span) {
            let stored = try await pipeline.imagePuller(store, trust: trust, isOffline: isOffline).image(image) {
                pipeline.events.emit(.progress(span: span.id, $0))
            }
            return (stored, image.name)
        }
    }

    /// The tree of an image's root.
    func root(of image: ImageReference) async throws -> Digest { try await pull(image).root }

    private func laid(_ packages: [String], over base: PlannedSystem, _ preset: PresetReference) async throws -> PlannedSystem {
        let name = base.build.identity["system"] ?? base.record.name
        let locked = lock?.system(name, packages)
        let (outputs, list) = try await unpacked(packages, locked, on: base, preset)
        try locked.map { try check(list, against: $0) }
        let trees = store.trees
        guard let root = try await trees.subtree(outputs, at: RelativePath(parsing: SystemPackageSteps.root)) else {
            throw ForgeError(.build, "packages.none", "the packages \(packages.joined(separator: ", ")) bring no files")
        }
        let identity = base.build.identity.merging(["packages": root.description]) { $1 }
        let usr = try await trees.subtree(root, at: RelativePath(parsing: "usr"))
        let whole = OneTime {
            guard case .root(let image, let path) = try await base.build.open() else {
                return usr.map { StepSystem.hostWithPackages(usr: $0) } ?? .host
            }
            return .root(try await trees.removing(ImageAssembly.covered, from: trees.merge([image, root])), path: path)
        }
        return PlannedSystem(
            build: BuildSystem(identity: identity) { try await whole.value() },
            record: BuildRecord.System(name: base.record.name, digest: base.record.digest, packages: list),
            artifact: {
                switch try await whole.value() {
                case .host: nil
                case .hostWithPackages(let usr): ArtifactSystem(image: nil, root: usr, path: [])
                case .root(let root, let path): ArtifactSystem(image: try await base.artifact()?.image, root: root, path: path)
                }
            }, isImage: base.isImage, locked: LockedSystem(system: name, packages: packages, files: list))
    }

    /// - Throws: `lock.packages-changed`
    private func check(_ list: [SystemPackage], against locked: LockedSystem) throws {
        guard let changed = locked.changed(in: list).first else { return }
        let now = list.first { $0.name == changed.name }
        throw ForgeError(
            .build, "lock.packages-changed",
            "the system package `\(changed.name)` \(changed.version) is not the locked one: its file was \(changed.file.short), now \(now.map { "\($0.version) \($0.file.short)" } ?? "there is none")",
            at: SourceLocation(file: LockFile.fileName), hint: "`forge lock --update` takes what there is now")
    }

    /// - Throws: `lock.packages-gone` for what says so in the log
    private func build(_ request: BuildEngine.Request, _ locked: LockedSystem?) async throws -> BuildReport {
        let gone = Mutex<[String]>([])
        var request = request
        request.advice = { log in
            gone.withLock { $0 = SystemPackageSteps.gone(in: log) }
            return nil
        }
        do { return try await kitchen.engine.build(request) } catch {
            let names = gone.withLock { $0 }.map { "`\($0)`" }.joined(separator: ", ")
            guard !names.isEmpty else { throw error }
            throw ForgeError(
                .build, "lock.packages-gone", "no source that answered has the locked system packages any more: \(names)",
                at: SourceLocation(file: LockFile.fileName),
                hint: "`forge lock --update` takes what there is now; a source that keeps old versions would still have them")
        }
    }

    /// Their files, and what they are.
    private func unpacked(
        _ packages: [String], _ locked: LockedSystem?, on base: PlannedSystem, _ preset: PresetReference
    ) async throws -> (outputs: Digest, list: [SystemPackage]) {
        let files = base.isImage ? nil : try await BlockingPool.run { try AptFiles(ofMachineAt: "") }
        let source = if let files { try await store.trees.ingest(files) } else { try await store.trees.merge([]) }
        let configuration = try pipeline.operatorConfiguration()
        var request = BuildEngine.Request(
            plan: SystemPackageSteps.plan(packages, locked: locked, preset: preset, ofHost: !base.isImage), source: source, toolchains: [:],
            scope: "\(scope)#packages", useCache: useCache, logDirectory: kitchen.logs,
            network: { _, _ in
                var policy = EgressPolicy(operatorEntries: configuration.egress, caBundle: configuration.caBundle, isOffline: isOffline)
                policy.registries = if let files { files.origins } else { try await origins(of: base) }
                return StepNetwork(policy: policy, environment: [:])
            }, trust: trust)
        request.system = base.build
        let report = try await build(request, locked)
        let tree = store.trees.sourceTree(report.root)
        let list = try await BlockingPool.run { try tree.read(RelativePath(parsing: SystemPackageSteps.list), limit: 16 << 20) }
        return (report.root, SystemPackageSteps.packages(String(decoding: list ?? [], as: UTF8.self)))
    }

    /// What the apt of an image is configured for.
    private func origins(of base: PlannedSystem) async throws -> Set<EgressOrigin> {
        guard case .root(let root, _) = try await base.build.open() else { return [] }
        let tree = store.trees.sourceTree(root)
        return try await BlockingPool.run {
            let folder = try RelativePath(parsing: "etc/apt/sources.list.d")
            let paths =
                try [RelativePath(parsing: "etc/apt/sources.list")] + tree.entries(of: folder).map { folder.appending(component: $0.name) }
            return try paths.reduce(into: Set<EgressOrigin>()) { found, path in
                guard let bytes = try tree.read(path, limit: 1 << 20) else { return }
                found.formUnion(AptSources.origins(in: String(decoding: bytes, as: UTF8.self), named: path.name))
            }
        }
    }
}

/// Something that is had once, when it is first asked for, by all who ask.
private actor OneTime<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var task: Task<Value, any Error>?

    init(_ make: @escaping @Sendable () async throws -> Value) { self.make = make }

    func value() async throws -> Value {
        let task = self.task ?? Task { [make] in try await make() }
        self.task = task
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
