package import ForgeModel
package import ForgeStore

/// Makes the artifact a plan promises out of a build's merged tree, and checks the promise.
package struct ArtifactAssembler: Sendable {
    private let store: Store

    package init(store: Store) { self.store = store }

    /// Never part of an artifact: repository data and Forge's own files.
    private static let excluded = [".git", "crowdforge.toml", "forge.lock"]

    /// - Throws: `ForgeError` when the output is missing, empty or holds links that leave it.
    /// - Parameters:
    ///   - runtimes: what the plan's `runtimes` are on this machine.
    ///   - system: what its files run in, where that is not the machine's own /usr.
    ///   - interpreters: the files behind them: a virtual environment holds links to these, which it does not carry.
    package func assemble(
        _ plan: BuildPlan, report: BuildReport, runtimes: [Runtime] = [], interpreters: Set<String> = [],
        system: ArtifactSystem? = nil
    ) async throws -> Assembly {
        let recipe = Recipe(
            tree: report.root, root: plan.root, spec: plan.artifact, runtimes: runtimes, interpreters: interpreters.sorted(),
            system: plan.artifact.kind == .static ? nil : system)
        let key = Digest(of: try CanonicalJSON.encode(recipe))
        if let known = try await store.artifacts.assembly(key) { return known }
        let assembly = try await assembled(plan, report: report, recipe)
        try await store.artifacts.remember(assembly, as: key)
        return assembly
    }

    /// All that decides what is assembled.
    private struct Recipe: Encodable {
        /// Raised when equal recipes may now give another artifact or other warnings.
        let version = 2
        let tree: Digest
        let root: RelativePath
        let spec: ArtifactSpec
        let runtimes: [Runtime]
        let interpreters: [String]
        let system: ArtifactSystem?
    }

    private func assembled(_ plan: BuildPlan, report: BuildReport, _ recipe: Recipe) async throws -> Assembly {
        let spec = plan.artifact
        guard spec.kind != .image else {
            throw ForgeError(
                .plan, "artifact.dockerfile",
                "`\(spec.dockerfile?.display ?? "Dockerfile")` was recognised, but this version does not build Dockerfiles yet",
                hint: "set `[build] framework` in crowdforge.toml to build the project itself")
        }
        let whole = try await folder(of: spec, plan: plan, report: report)
        let isStatic = spec.kind == .static
        let files = isStatic ? try SiteFileReading(store.trees.sourceTree(whole), in: plan.root.appending(spec.output)) : nil
        let excluded = try (Self.excluded + (files?.names ?? [])).map { try RelativePath(parsing: $0) }
        let root = try await store.trees.select(whole, including: [], excluding: excluded + (spec.excludes ?? []))
        let summary = try await store.trees.summary(root)
        guard summary.files > 0 else { throw missing("is empty", spec, report) }
        if let link = try await store.trees.escapingSymlinks(root, allowing: Set(recipe.interpreters)).first {
            throw ForgeError(
                .store, "artifact.symlink", "`\(link)` is a symbolic link that leaves the artifact",
                hint: "copy the file it points to instead")
        }
        var manifest = ArtifactManifest(
            kind: spec.kind, platform: isStatic ? nil : Platform.current, root: root, launch: spec.launch,
            runtimes: isStatic ? [] : recipe.runtimes, routes: spec.routes, system: recipe.system)
        var warnings: [Diagnostic] = []
        if let fallback = spec.fallback, isStatic {
            if case .file? = try store.trees.sourceTree(root).node(at: fallback) {
                manifest.fallback = fallback
            } else {
                warnings.append(
                    Diagnostic(
                        "the output `\(spec.output)` has no `\(fallback)`, which is to answer where there is no page",
                        hint: "paths without a file will answer 404"))
            }
        }
        if let files {
            warnings += files.warnings
            var site = [spec.site, files.rules, spec.movedInSite].compactMap(\.self).reduce(SiteRules()) { $0.followed(by: $1) }
            warnings += site.limited().map { Diagnostic($0) } + (try site.absentPages(in: store.trees.sourceTree(root)))
            if !site.isEmpty { manifest.site = site }
        }
        if isStatic, try store.trees.sourceTree(root).node(at: RelativePath(parsing: "index.html")) == nil {
            warnings.append(Diagnostic("the output `\(spec.output)` has no `index.html`", hint: "its root will answer 404"))
        }
        return Assembly(artifact: try await store.artifacts.save(manifest), warnings: warnings)
    }

    private func folder(of spec: ArtifactSpec, plan: BuildPlan, report: BuildReport) async throws -> Digest {
        let path = spec.kind == .static ? plan.root.appending(spec.output) : plan.root
        guard let tree = try await store.trees.subtree(report.root, at: path) else { throw missing("is not there", spec, report) }
        return tree
    }

    private func missing(_ what: String, _ spec: ArtifactSpec, _ report: BuildReport) -> ForgeError {
        guard !report.steps.isEmpty else {
            return ForgeError(.build, "output.empty", "there is nothing to serve: `\(spec.output)` \(what)", hint: "add an `index.html`")
        }
        let written = report.steps.flatMap(\.result.undeclaredWrites).compactMap { $0.split(separator: "/").first.map(String.init) }
        let guess =
            written.first { ["dist", "build", "out", "public", "_site", "site", ".output"].contains($0) } ?? Set(written).sorted().first
        return ForgeError(
            .build, what == "is empty" ? "output.empty" : "output.missing", "after the build the output `\(spec.output)` \(what)",
            hint: guess.map { "the build wrote `\($0)`: set `output = \"\($0)\"` under `[build]` in crowdforge.toml" }
                ?? "set `output` under `[build]` in crowdforge.toml to the folder that the build writes")
    }
}
