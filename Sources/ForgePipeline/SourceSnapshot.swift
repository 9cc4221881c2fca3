internal import ForgeEvents
internal import ForgeModel
internal import ForgePlanning
internal import ForgeSources
internal import ForgeStore
internal import ForgeSystem

extension Pipeline {
    /// The source's tree in the store, with all that belongs to it, told as one span.
    /// - Parameter glance: at the directory, when one was taken already.
    func snapshot(
        _ request: SourceRequest, into store: Store, glance: WorkTreeGlance? = nil
    ) async throws -> (SourceRequest.Opened, Digest) {
        let (request, folder) = try await surroundings(of: request)
        var (source, root) = try await taken(request, into: store, glance)
        source.settle(in: folder)
        return (source, root)
    }

    /// The workspace around a folder on this machine takes the folder's place.
    private func surroundings(of request: SourceRequest) async throws -> (SourceRequest, RelativePath?) {
        guard request.isWorkTree, try request.remote() == nil else { return (request, nil) }
        let found = try await BlockingPool.run { [presets] in try SurroundingWorkspace.find(around: request.location, presets: presets) }
        return found.map { (request.moved(to: $0.root), $0.folder) } ?? (request, nil)
    }

    private func taken(
        _ request: SourceRequest, into store: Store, _ glance: WorkTreeGlance?
    ) async throws -> (SourceRequest.Opened, Digest) {
        let span = events.newSpan(.source, "source")
        return try await spanned(span) {
            let intake = SourceIntake(fetching: fetching(into: store, tellingBelow: span), declaration: .project)
            let (source, root) = try await intake.take(request, glance: glance)
            for warning in source.warnings { events.emit(.warning(warning)) }
            try await store.sources.note(root)
            let summary = if let known = source.summary { known } else { try await store.trees.summary(root) }
            return ((source, root), "\(source.title): \(Count(summary.files, "file")), \(Bytes(summary.bytes))")
        }
    }

    /// The source for reading: what is elsewhere is brought into the store first.
    func open(_ request: SourceRequest) async throws -> SourceRequest.Opened {
        if try request.remote() == nil {
            let (request, folder) = try await surroundings(of: request)
            var source = try await request.open()
            source.settle(in: folder)
            if !source.lacksSubmodules { return source }
        }
        return try await snapshot(request, into: openStore()).0
    }

    /// Fetches into `store`, told below `span`.
    func fetching(into store: Store, tellingBelow span: Span) -> SourceFetching {
        SourceFetching(folders: directories.sources, environment: environment, store: store) { [events] in
            events.emit(.progress(span: span.id, $0))
        }
    }
}

extension SourceDeclaration {
    /// `[source]` of `crowdforge.toml`.
    fileprivate static let project = SourceDeclaration(
        file: RelativePath.root.appending(component: ProjectConfiguration.fileName), read: declared)

    private static func declared(by tree: any SourceTree) throws -> DeclaredParts {
        let source = try ProjectConfiguration.load(from: tree).source
        return DeclaredParts(submodules: source.submodules.map { $0.includes }, lfs: source.lfs.map { $0.includes })
    }
}

extension SourceRequest {
    fileprivate func moved(to location: String) -> SourceRequest {
        SourceRequest(location: location, commit: commit, tokenFile: tokenFile, app: app)
    }
}

extension SourceRequest.Opened {
    fileprivate mutating func settle(in folder: RelativePath?) {
        guard let folder else { return }
        self.folder = folder
        title = folder.name
    }
}
