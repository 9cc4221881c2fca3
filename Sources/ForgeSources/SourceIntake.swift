internal import ForgeGit
package import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// The one way of a source into the store, with all that it declares to belong to it: a directory, a commit of a repository on
/// this machine, a commit of a remote one. Of what it takes, the stored tree alone is read afterwards.
package struct SourceIntake: Sendable {
    private let fetching: SourceFetching
    private let declaration: SourceDeclaration
    private var store: Store { fetching.store }

    package init(fetching: SourceFetching, declaration: SourceDeclaration) {
        self.fetching = fetching
        self.declaration = declaration
    }

    /// The source and its whole tree, which the store holds until the command ends. What there is to remark is in `warnings`.
    /// - Parameter glance: at the directory, when one was taken already; one of another directory does no harm.
    /// - Throws: `ForgeError` (`usage.token-file`, `source.…`, `store.…`), and what the declaration throws
    package func take(_ request: SourceRequest, glance: WorkTreeGlance?) async throws -> (source: SourceRequest.Opened, root: Digest) {
        if let location = try request.remote() { return try await fetched(request, from: location) }
        let assembly = SourceAssembly(fetching: fetching, declaration: declaration)
        if request.isWorkTree { return try await WorkTreeSnapshot(of: request, assembly: assembly).take(glance) }
        var source = try await request.open()
        let root = try await store.trees.ingest(source.tree)
        guard let origin = source.origin else { return (source, root) }
        let own = OwnSource(root: root, tree: source.tree, submodules: source.submodules, origin: origin)
        let whole = try await assembly.whole(own)
        if whole.root != root { source.tree = store.trees.sourceTree(whole.root) }
        source.warnings = whole.warnings
        return (source, whole.root)
    }

    private func fetched(_ request: SourceRequest, from location: RemoteLocation) async throws -> (SourceRequest.Opened, Digest) {
        if request.tokenFile != nil { try RemoteCredentials.checkToken(goesTo: location) }
        let token = try await BlockingPool.run { try request.tokenFile.map { try RemoteCredentials.token(inFile: $0) } }
        let credentials = RemoteCredentials(userinfo: request.userinfo, token: token, environment: fetching.environment)
        let source = RemoteSource(fetching: fetching, location: location, revision: request.commit, credentials: credentials)
        let (commit, entry) = try await whole(source)
        let tree = store.trees.sourceTree(entry.root)
        let title = SourceRequest.title(location.name, commit)
        return (.init(tree: tree, commit: commit, title: title, warnings: entry.warnings), entry.root)
    }

    /// What a commit's parts are is written in the commit: the whole is known by its id as well.
    private func whole(_ source: RemoteSource) async throws -> (commit: String, entry: FetchMemo.Entry) {
        let memo = fetching.memo
        let mirror = try await fetching.mirrors.name(for: source.location, reader: source.credentials)
        if let id = source.fullID, let entry = try await memo.entry(.whole, of: id, from: mirror, in: store) { return (id, entry) }
        let (commit, entry) = try await source.ingest()
        let own = OwnSource(
            root: entry.root, tree: store.trees.sourceTree(entry.root), submodules: entry.submodules,
            origin: .remote(source.location, source.credentials))
        let whole = try await SourceAssembly(fetching: fetching, declaration: declaration).whole(own)
        let all = FetchMemo.Entry(root: whole.root, warnings: whole.warnings)
        try await memo.remember(all, .whole, of: commit, from: mirror)
        return (commit, all)
    }
}
