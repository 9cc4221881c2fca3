internal import ForgeManifests
package import ForgeModel
package import ForgePresets

/// Finds the apps of a source. Pure over a read-only tree, as detection is. May block on files.
package struct Surveyor: Sendable {
    private let catalog: PresetCatalog
    private let detector: Detector

    package init(catalog: PresetCatalog) {
        self.catalog = catalog
        detector = Detector(catalog: catalog)
    }

    /// - Throws: `ForgeError`: as `Detector.detect` for each app; `workspace.…`
    package func survey(_ tree: some SourceTree, configuration: ProjectConfiguration) throws -> Survey {
        let configuration = try unplaced(configuration, in: tree)
        try detector.checkRoot(ProjectFiles(tree: tree, root: configuration.root), configuration)
        guard let found = try workspace(tree, configuration) else {
            let detection = try detector.detect(in: tree, configuration: configuration)
            return Survey(
                workspace: nil,
                own: App(name: detection.root.isRoot ? "app" : detection.root.name, detection: detection, configuration: configuration),
                apps: [], remains: nil)
        }
        let scene = Scene(tree: tree, workspace: found.workspace, root: found.facts, configuration: configuration)
        let asked = configuration.root.relative(to: found.workspace.root) ?? .root
        return try asked.isRoot ? whole(scene) : part(scene, asked)
    }

    /// A file of another platform that names one folder of a workspace says how that app is built, and nothing of the others.
    private func unplaced(_ configuration: ProjectConfiguration, in tree: some SourceTree) throws -> ProjectConfiguration {
        guard let root = configuration.build.root, root.location.file != ProjectConfiguration.fileName else { return configuration }
        var whole = configuration
        whole.build.root = nil
        return try workspace(tree, whole) == nil ? configuration : whole
    }

    /// Whether the root of `tree` is that of a workspace with `folder` as a member, or lists it as an app.
    package func lists(_ folder: RelativePath, in tree: some SourceTree) throws -> Bool {
        let configuration = try ProjectConfiguration.load(from: tree)
        if try configuration.listed(below: .root).contains(where: { $0.0 == folder }) { return true }
        let facts = ProjectFacts(files: ProjectFiles(tree: tree), configuration: configuration, catalog: catalog)
        return try WorkspaceReader(facts: facts).read()?.lists(folder) ?? false
    }

    /// What all apps of one source have in common.
    private struct Scene {
        let tree: any SourceTree
        let workspace: Workspace
        let root: ProjectFacts
        let configuration: ProjectConfiguration

        func configuration(of folder: RelativePath) throws -> ProjectConfiguration {
            let full = workspace.root.appending(folder)
            let table = configuration.apps.first { workspace.root.appending($0.build.root?.value ?? .root) == full }
            if folder.isRoot && table == nil { return configuration }
            let own = folder.isRoot ? ProjectConfiguration() : try ProjectConfiguration.load(from: tree, in: full)
            return configuration.narrowed(to: table, in: full, own: own)
        }

        func facts(of folder: RelativePath, apps: Set<RelativePath> = []) throws -> ProjectFacts {
            let context = WorkspaceContext(workspace: workspace, root: root, folder: folder, apps: apps)
            return ProjectFacts(
                files: root.files.folder(folder, without: workspace.folders), configuration: try configuration(of: folder),
                catalog: root.catalog, workspace: context)
        }
    }

    /// The workspace whose root or member the configuration's folder is; also apps that `crowdforge.toml` lists.
    private func workspace(
        _ tree: some SourceTree, _ configuration: ProjectConfiguration
    ) throws -> (workspace: Workspace, facts: ProjectFacts)? {
        var folder = configuration.root
        while true {
            let facts = ProjectFacts(
                files: ProjectFiles(tree: tree, root: folder), configuration: configuration.atRoot(folder), catalog: catalog)
            let isAsked = folder == configuration.root
            let names = isAsked ? try configuration.listed(below: folder) : []
            if let read = try WorkspaceReader(facts: facts).read() ?? (names.isEmpty ? nil : WorkspaceReader.Found()) {
                let workspace = Workspace(
                    root: folder, managers: read.managers, members: read.members, extra: read.folders + names.map(\.0),
                    names: Dictionary(names) { $1 })
                let asked = configuration.root.relative(to: folder) ?? .root
                if isAsked || workspace.folders.contains(asked) { return (workspace, facts) }
            }
            if folder.isRoot { return nil }
            folder = folder.parent
        }
    }

    /// The app in one folder; the others only as far as it depends on them.
    private func part(_ scene: Scene, _ folder: RelativePath) throws -> Survey {
        let apps = try apps(of: scene).union([folder])
        let app = try app(scene, folder, apps)
        return Survey(workspace: scene.workspace, own: app, apps: [], remains: nil)
    }

    private func whole(_ scene: Scene) throws -> Survey {
        let apps = try apps(of: scene)
        let own = apps.contains(.root)
        let others = try apps.subtracting([.root]).sorted().map { try app(scene, $0, apps) }
        // A root that nothing claims and that holds no apps is refused as any folder is, unless it is known what it is.
        let remains = own ? nil : try? detector.detect(scene.facts(of: .root, apps: apps))
        var survey = Survey(
            workspace: scene.workspace, own: own ? try app(scene, .root, apps) : nil, apps: others, remains: remains)
        if !own { survey.unread = MovingIn(files: scene.root.files).unread }
        return survey
    }

    private func app(_ scene: Scene, _ folder: RelativePath, _ apps: Set<RelativePath>) throws -> App {
        let facts = try scene.facts(of: folder, apps: apps)
        return App(
            name: scene.workspace.labels[folder] ?? folder.name, detection: try detector.detect(facts), configuration: facts.configuration)
    }

    /// The folders that are apps: those that `crowdforge.toml` lists, else the members that a preset takes for one.
    private func apps(of scene: Scene) throws -> Set<RelativePath> {
        let listed = try scene.configuration.listed(below: scene.workspace.root).map(\.0)
        guard listed.isEmpty else { return Set(listed) }
        let found = try scene.workspace.folders.filter { folder in
            try !folder.isRoot && AppRule(workspace: scene.workspace).holds(scene.facts(of: folder), folder, detector)
        }
        let isOwn = try AppRule(workspace: scene.workspace).holdsForRoot(scene.facts(of: .root), others: !found.isEmpty, detector)
        return Set(found).union(isOwn ? [.root] : [])
    }
}

/// Tells apps from the libraries they are made of.
private struct AppRule {
    private static let pages: [RelativePath] = ["index.html", "public/index.html", "src/index.html"].map(Manifests.path)

    let workspace: Workspace

    /// A server is an app. A site is one unless others build upon it; of a build of unknown kind a page has to speak for it.
    func holds(_ facts: ProjectFacts, _ folder: RelativePath, _ detector: Detector) throws -> Bool {
        if facts.framework != nil || facts.value(of: "build.output") != nil || facts.value(of: "build.start") != nil { return true }
        guard let winner = try detector.rank(facts).winner else { return false }
        let deriver = try Deriver(preset: winner.preset, facts: facts)
        switch deriver.kind {
        case .container, .function:
            guard let start = try deriver.value("start") else { return false }
            return try !(start.source == "preset \(winner.preset.id)" && winner.preset.group == .runtime && isLibrary(facts, folder))
        case .image: return true
        case .static:
            guard !workspace.isNeeded(folder) else { return false }
            return try winner.preset.group == .framework || winner.preset.group == .static
                || Self.pages.contains { try facts.files.isFile($0) }
        }
    }

    /// That a package begins somewhere makes it no server where others import it from there.
    private func isLibrary(_ facts: ProjectFacts, _ folder: RelativePath) throws -> Bool {
        if workspace.isNeeded(folder) { return true }
        guard let manifest = try facts.files.json(Manifests.path("package.json")) else { return false }
        return ["main", "module", "exports", "types"].contains { manifest[$0] != nil }
    }

    /// The root is an app of its own when a framework or a start command says so; a `build` script there mostly builds the members.
    func holdsForRoot(_ facts: ProjectFacts, others: Bool, _ detector: Detector) throws -> Bool {
        let build = facts.configuration.build
        if build.framework != nil || build.output != nil || build.start != nil { return true }
        guard let winner = try detector.rank(facts).winner else { return false }
        if winner.preset.group == .framework { return true }
        let deriver = try Deriver(preset: winner.preset, facts: facts)
        if deriver.kind == .container || deriver.kind == .function { return try deriver.value("start") != nil }
        return !others
    }
}

extension ProjectConfiguration {
    /// Folder and name of each `[[app]]`, below the workspace's root.
    /// - Throws: `ForgeError` `config.no-root`
    fileprivate func listed(below root: RelativePath) throws -> [(RelativePath, String)] {
        try apps.compactMap { app in
            guard let full = app.build.root else { return nil }
            guard let folder = full.value.relative(to: root) else {
                throw ForgeError(
                    .configuration, "config.no-root", "the app `\(app.name.value)` lies outside of `\(root)`", at: full.location,
                    hint: "remove `root` below `[build]`, or name a folder below it")
            }
            return (folder, app.name.value)
        }
    }

    /// As seen from the root of the workspace that holds the folder it names.
    fileprivate func atRoot(_ folder: RelativePath) -> ProjectConfiguration {
        guard folder != root else { return self }
        var other = self
        other.build = Build()
        other.build.root = build.root?.map { _ in folder }
        return other
    }
}
