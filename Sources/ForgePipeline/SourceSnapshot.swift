internal import ForgeEvents
internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

extension Pipeline {
    /// The source's tree in the store, told as one span.
    func snapshot(_ request: SourceRequest, into store: Store) async throws -> (SourceRequest.Opened, Digest) {
        let span = events.newSpan(.source, "source")
        return try await spanned(span) {
            let (source, root): (SourceRequest.Opened, Digest)
            if let location = try request.remote() {
                (source, root) = try await fetched(request, from: location, into: store, span)
            } else {
                source = try await request.open()
                root = try await store.trees.ingest(source.tree)
            }
            let summary = try await store.trees.summary(root)
            return ((source, root), "\(source.title): \(Count(summary.files, "file")), \(Bytes(summary.bytes))")
        }
    }

    /// The source for reading: what is elsewhere is fetched into the store first.
    func open(_ request: SourceRequest) async throws -> SourceRequest.Opened {
        guard try request.remote() != nil else { return try await request.open() }
        return try await snapshot(request, into: openStore()).0
    }

    private func fetched(
        _ request: SourceRequest, from location: RemoteLocation, into store: Store, _ span: Span
    ) async throws -> (SourceRequest.Opened, Digest) {
        if request.tokenFile != nil { try RemoteCredentials.checkToken(goesTo: location) }
        let token = try await BlockingPool.run { try request.tokenFile.map { try RemoteCredentials.token(inFile: $0) } }
        let credentials = RemoteCredentials(userinfo: request.userinfo, token: token, environment: environment)
        let fetch = RemoteFetch(location, revision: request.commit, credentials: credentials, environment: environment)
        let source = RemoteSource(
            location: location, revision: request.commit, credentials: credentials, fetch: fetch, directories: directories, store: store)
        let (commit, root) = try await source.ingest { [events] in events.emit(.progress(span: span.id, $0)) }
        let title = SourceRequest.title(location.name, commit)
        return (.init(tree: store.trees.sourceTree(root), commit: commit, title: title), root)
    }
}

extension SourceRequest {
    /// Where to fetch from; nil for what is on this machine. A folder that is here wins over a host of that name.
    /// - Throws: `source.unsupported-url`, `source.malformed-url`
    func remote() throws -> RemoteLocation? {
        if !location.contains("://") && Files.exists(location) { return nil }
        return try RemoteLocation(parsing: location)
    }
}
