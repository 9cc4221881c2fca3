package import ForgeModel
internal import ForgeOperator
internal import ForgePlanning
internal import ForgePresets
package import ForgeSources
internal import ForgeStore
internal import ForgeSystem
internal import ForgeToolchains

/// `forge lock --json`: what the file names.
package struct LockOutput: Sendable, Encodable {
    package struct Toolchain: Sendable, Encodable {
        package let name: String
        package let requirement: String
        package let version: String
        package let source: String
        package let tree: String?
    }

    package let file: String
    /// Whether the file differs from what it was.
    package let isChanged: Bool
    package let presets: [String: String]
    package let packageManagers: [String: String]
    package let toolchains: [Toolchain]
    /// All that `[build] packages` brings.
    package let systemPackages: [SystemPackage]
    /// Pack → commit.
    package let packs: [String: String]
}

extension Pipeline {
    /// Writes `forge.lock` of a work tree: what a build of it would use now. What is locked already and still will do stays, unless
    /// `updating`.
    package func lock(_ request: SourceRequest, updating: Bool) async throws -> LockOutput {
        guard request.isWorkTree else {
            throw ForgeError(
                .usage, "usage.lock", "`\(request.location)` is no folder of yours: nothing is written there", hint: "run it in a work tree"
            )
        }
        let store = try await openStore()
        let (source, root) = try await snapshot(request, into: store, glance: nil)
        let tree = store.trees.sourceTree(root)
        let packs = try await packs(of: tree, updating ? .anew : .locked)
        let catalog = try await BlockingPool.run { [presets] in try presets.catalog(for: tree, packs) }
        let former = try await BlockingPool.run { try BuildLock.read(from: tree) }
        let configuration = try operatorConfiguration()
        let opened = SourceRequest.Opened(tree: tree, commit: source.commit, title: source.title, folder: source.folder)
        let plans = try await BlockingPool.run { try Self.plans(opened, request.app, catalog, configuration.limits) }
        try await checkImages(of: plans.map(\.plan))
        let isolation = try await StepIsolation.find(for: BuildRequest(source: request), in: self)
        let systems = SystemSource(
            pipeline: self, store: store, trust: .trusted, useCache: !updating, isOffline: false,
            kitchen: AppBuild.Kitchen(self, store, isolation), scope: request.location, lock: updating ? nil : former)
        let choice = BuildToolchains(
            pipeline: self, catalog: catalog, store: store, settings: configuration.toolchains, source: tree, lock: updating ? nil : former,
            isRenewing: updating, isOffline: false,
            image: { try await systems.root(of: $0) })
        var toolchains: [IdentifiedToolchains] = []
        for app in plans {
            var identified = try await choice.identify(app.plan)
            if app.plan.system?.packages != nil { identified.system = try await systems.system(for: app.plan) }
            toolchains.append(identified)
        }
        let lock = try BuildLock.used(plans.map(\.plan), toolchains, catalog, packs.used)
        let folder = try await BlockingPool.run { try Self.folder(of: request, source.folder) }
        let path = "\(folder)/\(LockFile.fileName)"
        if lock != former { try await BlockingPool.run { try Files.writeAtomically(Array(lock.text.utf8), to: path) } }
        return LockOutput(
            file: path, isChanged: lock != former, presets: lock.presets, packageManagers: lock.packageManagers,
            toolchains: lock.toolchains.map {
                .init(
                    name: $0.name, requirement: $0.requirement, version: $0.version,
                    source: $0.origin.isEmpty ? $0.kind.rawValue : "\($0.kind.rawValue) \($0.origin)", tree: $0.tree?.description)
            },
            systemPackages: lock.systems.flatMap(\.files), packs: Dictionary(uniqueKeysWithValues: lock.packs.map { ($0.text, $0.commit) }))
    }

    /// Where the source's root lies on this machine.
    private static func folder(of request: SourceRequest, _ asked: RelativePath?) throws -> String {
        let path = try Files.resolved(request.location) ?? request.location
        guard let asked, path.hasSuffix("/\(asked.string)") else { return path }
        return String(path.dropLast(asked.string.count + 1))
    }
}
