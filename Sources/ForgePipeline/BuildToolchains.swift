internal import ForgeEvents
internal import ForgeImages
internal import ForgeModel
internal import ForgeOperator
internal import ForgePresets
internal import ForgeStore
internal import ForgeSystem
internal import ForgeToolchains
internal import Foundation

/// The toolchains of one plan, as they are had on this machine.
struct IdentifiedToolchains: Sendable {
    /// Name → what it is, for keys and the record: version and digest.
    var identities: [String: String] = [:]
    /// Those that lie in the store.
    var mounts: [MountedToolchain] = []
    /// What the artifact needs where it runs.
    var runtimes: [Runtime] = []
    /// Files of the machine behind these.
    var files: Set<String> = []
    /// How each came to be, for `forge.lock`.
    var chosen: [LockedToolchain] = []
    var warnings: [Diagnostic] = []
    /// What they are part of; nil where nothing runs.
    var system: PlannedSystem?
    /// The same for what is launched later.
    var artifactSystem: ArtifactSystem?
}

/// Chooses, for each toolchain that a plan asks for, the source and the version that will do, and has it in the store.
///
/// Sources are tried in order; of one source's versions the newest that will do is taken. What `forge.lock` names goes before all of them.
struct BuildToolchains: Sendable {
    let pipeline: Pipeline
    let catalog: PresetCatalog
    let store: Store
    let settings: OperatorToolchains
    /// The source's tree, for the places of requirements.
    let source: any SourceTree
    let lock: LockFile?
    /// Whether what was chosen before does not count.
    var isRenewing = false
    let isOffline: Bool
    /// The tree of an image's root.
    let image: @Sendable (ImageReference) async throws -> Digest

    /// A source that will do.
    private enum Candidate {
        case pin(ToolchainPin)
        /// The newest that it has.
        case open(ToolchainSource)
    }

    private struct Wish {
        let toolchain: Toolchain
        /// As the project or, where it says nothing, the descriptor says it.
        let text: String
        let requirement: VersionRequirement
        let isProjects: Bool
        let origin: ToolchainOrigin?
    }

    /// - Throws: `toolchain.unsatisfied`, `toolchain.requirement`, `toolchain.missing`, and what fetching throws.
    func identify(_ plan: BuildPlan) async throws -> IdentifiedToolchains {
        var result = IdentifiedToolchains()
        var hosts: [String: HostToolchains.Programs] = [:]
        for (name, text) in try plan.toolchains.sorted(by: { try order($0.key) < order($1.key) }) {
            guard let toolchain = try catalog.toolchain(name) else {
                hosts[name] = HostToolchains.Programs(executables: [name], versionCommand: [])
                continue
            }
            let wish = try wish(toolchain, text, plan.toolchainOrigins?[name])
            if try await isBundled(wish, text, &result) { continue }
            if let (pin, tree) = try await pinned(wish, &result) {
                take(pin, tree, wish, text, plan, &result)
            } else {
                hosts[name] = Self.programs(toolchain)
                try await takeHost(wish, text, &result)
            }
        }
        let identities = try await host.identify(hosts)
        result.identities.merge(identities) { own, _ in own }
        let (runtimes, files) = try HostToolchains.runtimes(
            plan.artifact.runtimes.filter { hosts[$0] != nil }, executables: hosts.mapValues(\.executables), identities: identities)
        result.runtimes = (result.runtimes + runtimes).sorted { $0.name < $1.name }
        result.files = files
        return result
    }

    /// Languages before the programs that are written in them.
    private func order(_ name: String) throws -> (Int, String) {
        let isProgram = try catalog.toolchain(name)?.sources.contains { $0.isWrapped || $0.kind == .bundled } ?? false
        return (isProgram ? 1 : 0, name)
    }

    /// Whether another toolchain that is mounted already brings a version that will do.
    private func isBundled(_ wish: Wish, _ text: String, _ result: inout IdentifiedToolchains) async throws -> Bool {
        for source in wish.toolchain.sources(.bundled) {
            let place = ToolchainPin.path(of: source.origin)
            guard let manifest = source.manifest, let mount = result.mounts.first(where: { $0.path == place })
            else { continue }
            let tree = store.trees.sourceTree(mount.tree)
            let bytes = try await BlockingPool.run { try tree.read(manifest, limit: 4 << 20) }
            guard let told = bytes.flatMap(Self.version(ofManifest:)), let version = ToolVersion(told), wish.requirement.allows(version)
            else { continue }
            result.identities[wish.toolchain.id] = "\(told) of \(source.origin)"
            result.chosen.append(
                LockedToolchain(
                    name: wish.toolchain.id, requirement: text, version: told, kind: .bundled, origin: source.origin, sha256: "", tree: nil)
            )
            return true
        }
        return false
    }

    private static func version(ofManifest bytes: [UInt8]) -> String? {
        (try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])?["version"] as? String
    }

    private var host: HostToolchains { HostToolchains(memoPath: pipeline.directories.toolchainMemo) }

    private func wish(_ toolchain: Toolchain, _ text: String, _ origin: ToolchainOrigin?) throws -> Wish {
        let isProjects = text != "*"
        let wanted = isProjects ? text : toolchain.defaultVersion
        let isMinimum =
            origin.map { origin in toolchain.minimumIn.contains { origin.file == $0 || origin.file.hasSuffix("/\($0)") } } ?? false
        guard let requirement = VersionRequirement(wanted, grammar: toolchain.grammar, aliases: toolchain.aliases, isMinimum: isMinimum)
        else {
            throw ForgeError(
                .configuration, "toolchain.requirement", "`\(wanted)` names no version of \(toolchain.name)", at: place(origin, wanted),
                hint: "write a version or a range, like `\(toolchain.pins(.wheel).first?.version ?? "3.11")`")
        }
        return Wish(toolchain: toolchain, text: wanted, requirement: requirement, isProjects: isProjects, origin: origin)
    }

    /// Nil when it is the host's turn.
    private func pinned(_ wish: Wish, _ result: inout IdentifiedToolchains) async throws -> (ToolchainPin, Digest)? {
        var failure: ForgeError?
        for kind in settings.sources {
            guard kind != .host else {
                guard try await hostWillDo(wish) else { continue }
                if let failure {
                    result.warnings.append(Diagnostic("\(failure.message): this machine's own \(wish.toolchain.name) is used"))
                }
                return nil
            }
            for candidate in candidates(wish, kind) {
                do {
                    if let found = try await had(candidate, wish, result.mounts) { return found }
                } catch let error as ForgeError where Self.isUnavailable(error) { failure = error }
            }
        }
        if let failure { throw failure }
        throw try await unsatisfied(wish)
    }

    /// What the next source may make good; a file that is another than it should be is not.
    private static func isUnavailable(_ error: ForgeError) -> Bool { ["toolchain.unavailable", "toolchain.offline"].contains(error.code) }

    /// What `forge.lock` names; else the newest that is known to will do; else what there may be where it is published.
    private func candidates(_ wish: Wish, _ kind: ToolchainSource.Kind) -> [Candidate] {
        let pins = wish.toolchain.pins(kind)
        if let locked = lock?.toolchain(wish.toolchain.id, wish.isProjects ? wish.text : "*"), locked.kind == kind,
            let source = pins.first(where: { $0.source.origin == locked.origin && $0.version == locked.version })?.source
                ?? wish.toolchain.sources(kind).first(where: { $0.origin == locked.origin })
        {
            return [
                .pin(
                    ToolchainPin(
                        name: wish.toolchain.id, version: locked.version, source: source, sha256: locked.sha256,
                        dependencies: locked.dependencies))
            ]
        }
        if let pin = pins.first(where: { ToolVersion($0.version).map(wish.requirement.allows) ?? false }) { return [.pin(pin)] }
        return wish.toolchain.sources(kind).filter(\.isOpen).map { .open($0) }
    }

    /// Nil when an open source has none.
    private func had(
        _ candidate: Candidate, _ wish: Wish, _ mounts: [MountedToolchain]
    ) async throws -> (ToolchainPin, Digest)? {
        let access = ToolchainShelf.Access(
            environment: pipeline.environment, tools: try await tools(mounts), isOffline: isOffline, image: image)
        let shelf = ToolchainShelf(store: store, folder: pipeline.directories.toolchains, access: access)
        switch candidate {
        case .pin(let pin):
            return try await told("\(pin.name) \(pin.version)", pin.origin) { (pin, try await shelf.tree(of: pin, fetching: $0)) }
        case .open(let source):
            let limits = source.versions.flatMap { VersionRequirement($0, grammar: .npm) }
            guard source.versions == nil || limits != nil else { return nil }
            let requirement = wish.requirement
            return try await told("\(wish.toolchain.id) \(wish.text)", "\(source.kind.rawValue) \(source.origin)") {
                try await shelf.newest(
                    of: source, named: wish.toolchain.id, requirement: wish.text, isRenewing: isRenewing,
                    allows: { requirement.allows($0) && (limits?.allows($0) ?? true) }, fetching: $0)
            }
        }
    }

    /// The programs of what is mounted, on this machine.
    private func tools(_ mounts: [MountedToolchain]) async throws -> [String] {
        try await store.trees.programFolders(mounts)
    }

    /// As a span of its own, when something is fetched.
    private func told<Value: Sendable>(
        _ what: String, _ origin: String, _ body: (@escaping @Sendable () -> Void) async throws -> Value
    ) async throws -> Value {
        let pipeline = pipeline
        let span = pipeline.events.newSpan(.source, "toolchain \(what)")
        let fetched = FetchMark()
        let start = ContinuousClock.now
        func finish(_ outcome: SpanOutcome) {
            guard fetched.isSet else { return }
            let duration = Int((ContinuousClock.now - start) / .milliseconds(1))
            pipeline.events.emit(.finished(span: span.id, outcome, durationMs: duration, detail: origin, logPath: nil))
        }
        do {
            let value = try await body {
                fetched.set()
                pipeline.events.emit(.started(span))
            }
            finish(.done)
            return value
        } catch {
            finish(error is CancellationError ? .cancelled : .failed)
            throw error
        }
    }

    private func take(
        _ pin: ToolchainPin, _ tree: Digest, _ wish: Wish, _ text: String, _ plan: BuildPlan, _ result: inout IdentifiedToolchains
    ) {
        let mount = pin.mounted(tree)
        result.identities[pin.name] = "\(pin.version) \(tree)"
        // A program that comes with its language too is found here first.
        if wish.toolchain.sources(.bundled).isEmpty { result.mounts.append(mount) } else { result.mounts.insert(mount, at: 0) }
        result.chosen.append(
            LockedToolchain(
                name: pin.name, requirement: text, version: pin.version, kind: pin.source.kind, origin: pin.source.origin,
                sha256: pin.sha256, tree: tree, dependencies: pin.dependencies))
        guard plan.artifact.runtimes.contains(pin.name), let program = wish.toolchain.executables.first else { return }
        result.runtimes.append(
            Runtime(
                name: pin.name, version: pin.version, executable: "\(mount.searchPath.first ?? mount.path)/\(program)", toolchain: mount))
    }

    // MARK: The machine's own

    private static func programs(_ toolchain: Toolchain) -> HostToolchains.Programs {
        HostToolchains.Programs(executables: toolchain.executables, versionCommand: toolchain.versionCommand)
    }

    private func hostVersion(_ toolchain: Toolchain) async throws -> ToolVersion? {
        let identities = try await host.identify([toolchain.id: Self.programs(toolchain)])
        return identities[toolchain.id]?.split(separator: " ").first.flatMap { ToolVersion($0) }
    }

    private func hostWillDo(_ wish: Wish) async throws -> Bool {
        guard wish.isProjects else { return true }
        guard let version = try await hostVersion(wish.toolchain) else { return true }
        return wish.requirement.allows(version) || wish.requirement.allowsButForPatch(version)
    }

    private func takeHost(_ wish: Wish, _ text: String, _ result: inout IdentifiedToolchains) async throws {
        let version = try await hostVersion(wish.toolchain)
        result.chosen.append(
            LockedToolchain(
                name: wish.toolchain.id, requirement: text, version: version?.description ?? "?", kind: .host, origin: "", sha256: "",
                tree: nil))
        if let version, wish.isProjects, !wish.requirement.allows(version) {
            result.warnings.append(
                Diagnostic(
                    "the project asks for \(wish.toolchain.name) \(wish.text), and this machine's own \(version) is used",
                    at: place(wish.origin, wish.text)))
        }
        guard !settings.isHostOnly else { return }
        result.warnings.append(
            Diagnostic(
                "\(wish.toolchain.name) \(version?.description ?? "") is this machine's own: another machine may build something else",
                hint: "`sources = [\"host\"]` below `[toolchains]` in Forge's `config.toml` says that this is meant"))
    }

    private func unsatisfied(_ wish: Wish) async throws -> ForgeError {
        let offered = Set(settings.sources.flatMap { wish.toolchain.pins($0) }.compactMap { ToolVersion($0.version) }).sorted()
        let own = settings.sources.contains(.host) ? try? await hostVersion(wish.toolchain) : nil
        var available = offered.map(\.description)
        if let own { available.append("\(own) (this machine's own)") }
        let near = (offered + [own].compactMap(\.self)).last.map { version in
            version.numbers.prefix(2).map(String.init).joined(separator: ".")
        }
        return ForgeError(
            .build, "toolchain.unsatisfied",
            "no \(wish.toolchain.name) that there is will do for `\(wish.text)`; there is \(available.isEmpty ? "none" : available.joined(separator: ", "))",
            at: place(wish.origin, wish.text), hint: near.map { advice($0, wish) })
    }

    /// The line to write.
    private func advice(_ version: String, _ wish: Wish) -> String {
        let file = wish.origin?.file.split(separator: "/").last.map(String.init) ?? ""
        switch file {
        case "package.json": return "write `\"\(wish.toolchain.id)\": \"\(version)\"` there"
        case ".tool-versions": return "write `\(wish.toolchain.id == "node" ? "nodejs" : wish.toolchain.id) \(version)` there"
        case "pyproject.toml": return "write `requires-python = \">=\(version)\"` there"
        case "go.mod", "go.work": return "write `go \(version)` there"
        case "crowdforge.toml": return "write `\(wish.toolchain.id)_version = \"\(version)\"` there"
        default: return "write `\(version)` there"
        }
    }

    /// The line in which the requirement stands.
    private func place(_ origin: ToolchainOrigin?, _ text: String) -> SourceLocation? {
        guard let origin else { return nil }
        guard let path = try? RelativePath(parsing: origin.file), let bytes = (try? source.read(path, limit: 1 << 20)) ?? nil else {
            return SourceLocation(file: origin.file)
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return SourceLocation(file: origin.file, line: lines.firstIndex { $0.contains(text) }.map { $0 + 1 })
    }
}

extension TreeStore {
    /// The folders of these toolchains' programs, on this machine.
    func programFolders(_ mounts: [MountedToolchain]) async throws -> [String] {
        var folders: [String] = []
        for mount in mounts {
            let home = try await materialize(mount.tree)
            folders += mount.searchPath.map { home + $0.dropFirst(mount.path.count) }
        }
        return folders
    }
}
