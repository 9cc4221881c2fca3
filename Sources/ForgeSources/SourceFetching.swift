internal import ForgeEvents
package import ForgeGit
internal import ForgeModel
package import ForgeStore
internal import ForgeSystem

/// Where is kept what makes the next look at a source cheap. All of it may be lost.
package struct SourceFolders: Sendable, Hashable {
    /// What was fetched of remote repositories.
    let mirrors: String
    /// Repositories and LFS objects on their way.
    let fetches: String
    /// Which stored tree a fetched commit is.
    let fetchMemos: String
    /// What was last seen of each work tree.
    let snapshots: String

    /// Absolute paths; folders that are not there are made when they are needed.
    package init(mirrors: String, fetches: String, fetchMemos: String, snapshots: String) {
        self.mirrors = mirrors
        self.fetches = fetches
        self.fetchMemos = fetchMemos
        self.snapshots = snapshots
    }
}

/// What fetches that belong together share, how much they may bring in all too.
package struct SourceFetching: Sendable {
    let folders: SourceFolders
    /// The operator's.
    package let environment: [String: String]
    let store: Store
    /// Told what goes on.
    package let progress: @Sendable (String) -> Void
    let budget = FetchBudget()

    /// - Parameters:
    ///   - environment: the operator's, for the programs that fetch and that know credentials; never a project's.
    ///   - progress: is told what goes on, in a few words, by any thread.
    package init(
        folders: SourceFolders, environment: [String: String], store: Store, progress: @escaping @Sendable (String) -> Void
    ) {
        self.folders = folders
        self.environment = environment
        self.store = store
        self.progress = progress
    }

    var memo: FetchMemo { FetchMemo(folder: folders.fetchMemos) }
    var mirrors: RemoteMirrors { RemoteMirrors(folder: folders.mirrors) }

    func fetch(_ location: RemoteLocation, _ revision: String?, _ credentials: RemoteCredentials) throws -> RemoteFetch {
        var fetch = RemoteFetch(location, revision: revision, credentials: credentials, environment: environment)
        fetch.limits = try budget.rest(of: fetch.limits)
        return fetch
    }
}

/// One commit of a remote repository on its way into the store: from what was stored before, else from the mirror, else over
/// the network.
package struct RemoteSource: Sendable {
    let fetching: SourceFetching
    let location: RemoteLocation
    let revision: String?
    let credentials: RemoteCredentials

    /// - Parameter revision: a full id, or what the server knows; nil is its default branch.
    package init(fetching: SourceFetching, location: RemoteLocation, revision: String?, credentials: RemoteCredentials) {
        self.fetching = fetching
        self.location = location
        self.revision = revision
        self.credentials = credentials
    }

    /// The commit's full id and the tree of its own files, without submodules and LFS objects; the store holds it then.
    /// - Throws: `ForgeError` (`source.…`, `store.…`)
    package func ingest() async throws -> (commit: String, entry: FetchMemo.Entry) {
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

    /// What an earlier fetch has left of the commit; asks no server. Nil as well when `revision` is no full id.
    package func stored() async throws -> (commit: String, entry: FetchMemo.Entry)? {
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
        let commit = try await fetch.run(into: mirror, fetches: fetching.folders.fetches) { [progress = fetching.progress] in
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
