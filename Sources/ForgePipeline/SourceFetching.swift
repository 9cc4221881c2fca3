internal import ForgeEvents
internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// What all fetches for one source share.
struct SourceFetching: Sendable {
    let directories: ForgeDirectories
    /// The operator's.
    let environment: [String: String]
    let store: Store
    /// Told what goes on.
    let progress: @Sendable (String) -> Void
    let budget = FetchBudget()

    var memo: FetchMemo { FetchMemo(folder: directories.fetchMemos) }
    var mirrors: RemoteMirrors { RemoteMirrors(folder: directories.mirrors) }

    func fetch(_ location: RemoteLocation, _ revision: String?, _ credentials: RemoteCredentials) throws -> RemoteFetch {
        var fetch = RemoteFetch(location, revision: revision, credentials: credentials, environment: environment)
        fetch.limits = try budget.rest(of: fetch.limits)
        return fetch
    }
}

/// One commit of a remote repository on its way into the store: from what was stored before, else from the mirror, else over
/// the network.
struct RemoteSource: Sendable {
    let fetching: SourceFetching
    let location: RemoteLocation
    /// A full id, or what the server knows; nil is its default branch.
    let revision: String?
    let credentials: RemoteCredentials

    /// The commit's full id and the tree of its own files.
    func ingest() async throws -> (commit: String, entry: FetchMemo.Entry) {
        let name = try await fetching.mirrors.name(for: location, reader: credentials)
        if let known = try await remembered(name) { return known }
        let mirror = try await fetching.mirrors.lease(name)
        // Another process may have brought it while this one waited.
        if let known = try await remembered(name) { return known }
        let (commit, entry) = try await ingest(through: mirror)
        try await fetching.memo.remember(entry, .own, of: commit, from: name)
        withExtendedLifetime(mirror) {}
        try await fetching.mirrors.trim()
        return (commit, entry)
    }

    /// What an earlier fetch has left of the commit; asks no server.
    func stored() async throws -> (commit: String, entry: FetchMemo.Entry)? {
        try await remembered(fetching.mirrors.name(for: location, reader: credentials))
    }

    private func remembered(_ mirror: String) async throws -> (commit: String, entry: FetchMemo.Entry)? {
        guard let commit = fullID, let entry = try await fetching.memo.entry(.own, of: commit, from: mirror, in: fetching.store) else {
            return nil
        }
        return (commit, entry)
    }

    var fullID: String? { revision.flatMap { $0.utf8.count == 40 ? $0.lowercased() : nil } }

    /// A mirror that turns out to be damaged is thrown away and fetched anew, once.
    private func ingest(through mirror: RemoteMirror) async throws -> (String, FetchMemo.Entry) {
        do {
            let held = await BlockingPool.run { fullID.flatMap { mirror.holds($0) ? $0 : nil } }
            let commit = if let held { held } else { try await fetched(mirror) }
            return (commit, try await ingest(commit, of: mirror))
        } catch let error as ForgeError where error.code == "source.damaged" {
            try await BlockingPool.run { try mirror.discard() }
            let commit = try await fetched(mirror)
            return (commit, try await ingest(commit, of: mirror))
        }
    }

    private func fetched(_ mirror: RemoteMirror) async throws -> String {
        let fetch = try fetching.fetch(location, revision, credentials)
        let commit = try await fetch.run(into: mirror, fetches: fetching.directories.fetches) { [progress = fetching.progress] in
            progress($0.text)
        }
        fetching.budget.spend(commit.received)
        return commit.commit
    }

    private func ingest(_ commit: String, of mirror: RemoteMirror) async throws -> FetchMemo.Entry {
        fetching.progress("storing")
        let tree = try await BlockingPool.run { try mirror.tree(of: commit) }
        let learned = LearnedDigests()
        let root = try await fetching.store.trees.ingest(tree, learned: learned.add)
        try await BlockingPool.run { try mirror.remember(learned, of: tree) }
        return .init(root: root, submodules: tree.submodules)
    }
}

extension FetchProgress {
    /// `1204 of 6445 objects, 1.2 MB`
    fileprivate var text: String { "\(receivedObjects) of \(Count(totalObjects, "object")), \(Bytes(receivedBytes))" }
}
