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
            } else if request.isWorkTree {
                let snapshot = try await WorkTreeSnapshot(of: request, memos: directories.snapshots).take(into: store)
                try await store.sources.note(snapshot.root)
                let detail = "\(snapshot.source.title): \(Count(snapshot.files, "file")), \(Bytes(snapshot.bytes))"
                return ((snapshot.source, snapshot.root), detail)
            } else {
                source = try await request.open()
                root = try await store.trees.ingest(source.tree)
            }
            try await store.sources.note(root)
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
        let memo = FetchMemo(folder: directories.fetchMemos)
        func opened(_ commit: String, _ root: Digest) -> (SourceRequest.Opened, Digest) {
            let title = SourceRequest.title(location.name, commit)
            return (.init(tree: store.trees.sourceTree(root), commit: commit, title: title), root)
        }
        if let commit = request.commit?.lowercased(), let root = try await memo.root(of: commit, at: location.text, in: store) {
            return opened(commit, root)
        }
        let (commit, root) = try await fetch(request, from: location, into: store, span)
        try await memo.remember(root, of: commit, at: location.text)
        return opened(commit, root)
    }

    /// The repository lies in a folder that is gone afterwards, or, should this process be killed, swept by the next one.
    private func fetch(
        _ request: SourceRequest, from location: RemoteLocation, into store: Store, _ span: Span
    ) async throws -> (commit: String, root: Digest) {
        let parent = directories.fetches
        if request.tokenFile != nil { try RemoteCredentials.checkToken(goesTo: location) }
        let token = try await BlockingPool.run { try request.tokenFile.map { try RemoteCredentials.token(inFile: $0) } }
        let folder = try await BlockingPool.run {
            try TemporaryDirectory.sweep(parent)
            return try TemporaryDirectory(in: parent, prefix: "fetch")
        }
        do {
            let credentials = RemoteCredentials(userinfo: request.userinfo, token: token, environment: environment)
            let fetch = RemoteFetch(location, revision: request.commit, credentials: credentials, environment: environment)
            let commit = try await fetch.run(into: folder.path) { [events] in events.emit(.progress(span: span.id, $0.text)) }
            events.emit(.progress(span: span.id, "storing"))
            let root = try await store.trees.ingest(CommitTree.open(repository: commit.repository, revision: commit.commit))
            try await BlockingPool.run { try folder.remove() }
            return (commit.commit, root)
        } catch {
            await BlockingPool.run { try? folder.remove() }
            throw error
        }
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

extension FetchProgress {
    /// `1204 of 6445 objects, 1.2 MB`
    fileprivate var text: String { "\(receivedObjects) of \(Count(totalObjects, "object")), \(Bytes(receivedBytes))" }
}
