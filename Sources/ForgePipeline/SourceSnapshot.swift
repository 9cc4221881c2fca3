internal import ForgeEvents
internal import ForgeGit
internal import ForgeModel
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
            let fetching = SourceFetching(directories: directories, environment: environment, store: store) { [events] in
                events.emit(.progress(span: span.id, $0))
            }
            let (source, root) = try await snapshot(request, fetching, glance)
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
            if source.submodules.isEmpty { return source }
        }
        return try await snapshot(request, into: openStore()).0
    }

    private func snapshot(
        _ request: SourceRequest, _ fetching: SourceFetching, _ glance: WorkTreeGlance?
    ) async throws -> (SourceRequest.Opened, Digest) {
        if let location = try request.remote() { return try await fetched(request, from: location, fetching) }
        if request.isWorkTree { return try await WorkTreeSnapshot(of: request, fetching: fetching).take(glance) }
        var source = try await request.open()
        let root = try await fetching.store.trees.ingest(source.tree)
        guard let origin = source.origin else { return (source, root) }
        let own = OwnSource(root: root, tree: source.tree, submodules: source.submodules, origin: origin)
        let whole = try await SourceAssembly(fetching: fetching).whole(own)
        if whole.root != root { source.tree = fetching.store.trees.sourceTree(whole.root) }
        source.warnings = whole.warnings
        return (source, whole.root)
    }

    private func fetched(
        _ request: SourceRequest, from location: RemoteLocation, _ fetching: SourceFetching
    ) async throws -> (SourceRequest.Opened, Digest) {
        if request.tokenFile != nil { try RemoteCredentials.checkToken(goesTo: location) }
        let token = try await BlockingPool.run { try request.tokenFile.map { try RemoteCredentials.token(inFile: $0) } }
        let credentials = RemoteCredentials(userinfo: request.userinfo, token: token, environment: environment)
        let source = RemoteSource(fetching: fetching, location: location, revision: request.commit, credentials: credentials)
        let (commit, entry) = try await whole(source)
        let tree = fetching.store.trees.sourceTree(entry.root)
        let title = SourceRequest.title(location.name, commit)
        return (.init(tree: tree, commit: commit, title: title, warnings: entry.warnings), entry.root)
    }

    /// What a commit's parts are is written in the commit: the whole is known by its id as well.
    private func whole(_ source: RemoteSource) async throws -> (commit: String, entry: FetchMemo.Entry) {
        let (fetching, memo) = (source.fetching, source.fetching.memo)
        let mirror = try await fetching.mirrors.name(for: source.location, reader: source.credentials)
        if let id = source.fullID, let entry = try await memo.entry(.whole, of: id, from: mirror, in: fetching.store) { return (id, entry) }
        let (commit, entry) = try await source.ingest()
        let own = OwnSource(
            root: entry.root, tree: fetching.store.trees.sourceTree(entry.root), submodules: entry.submodules,
            origin: .remote(source.location, source.credentials))
        let whole = try await SourceAssembly(fetching: fetching).whole(own)
        let all = FetchMemo.Entry(root: whole.root, warnings: whole.warnings)
        try await memo.remember(all, .whole, of: commit, from: mirror)
        return (commit, all)
    }
}

extension SourceRequest {
    fileprivate func moved(to location: String) -> SourceRequest {
        SourceRequest(location: location, commit: commit, tokenFile: tokenFile, app: app)
    }

    /// Where to fetch from; nil for what is on this machine. A folder that is here wins over a host of that name.
    /// - Throws: `source.unsupported-url`, `source.malformed-url`
    func remote() throws -> RemoteLocation? {
        if !location.contains("://") && Files.exists(location) { return nil }
        return try RemoteLocation(parsing: location)
    }
}

extension SourceRequest.Opened {
    fileprivate mutating func settle(in folder: RelativePath?) {
        guard let folder else { return }
        self.folder = folder
        title = folder.name
    }
}
