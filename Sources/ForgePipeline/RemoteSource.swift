internal import ForgeEvents
internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// One commit of a remote repository on its way into the store: from what was stored before, else from the mirror, else over
/// the network.
struct RemoteSource: Sendable {
    let location: RemoteLocation
    let revision: String?
    let credentials: RemoteCredentials
    let fetch: RemoteFetch
    let directories: ForgeDirectories
    let store: Store

    private var memo: FetchMemo { FetchMemo(folder: directories.fetchMemos) }

    /// The commit's full id and its tree. `progress` is told what goes on.
    func ingest(_ progress: @escaping @Sendable (String) -> Void) async throws -> (commit: String, root: Digest) {
        let mirrors = RemoteMirrors(folder: directories.mirrors)
        let name = try await mirrors.name(for: location, reader: credentials)
        if let known = try await remembered(name) { return known }
        let mirror = try await mirrors.lease(name)
        // Another process may have brought it while this one waited.
        if let known = try await remembered(name) { return known }
        let (commit, root) = try await ingest(through: mirror, progress)
        try await memo.remember(root, of: commit, from: name)
        withExtendedLifetime(mirror) {}
        try await mirrors.trim()
        return (commit, root)
    }

    private func remembered(_ mirror: String) async throws -> (commit: String, root: Digest)? {
        guard let commit = fullID, let root = try await memo.root(of: commit, from: mirror, in: store) else { return nil }
        return (commit, root)
    }

    private var fullID: String? { revision.flatMap { $0.utf8.count == 40 ? $0.lowercased() : nil } }

    /// A mirror that turns out to be damaged is thrown away and fetched anew, once.
    private func ingest(through mirror: RemoteMirror, _ progress: @escaping @Sendable (String) -> Void) async throws -> (String, Digest) {
        do {
            let commit: String
            if let id = fullID, await BlockingPool.run({ mirror.holds(id) }) { commit = id } else {
                commit = try await fetched(mirror, progress)
            }
            return (commit, try await ingest(commit, of: mirror, progress))
        } catch let error as ForgeError where error.code == "source.damaged" {
            try await BlockingPool.run { try mirror.discard() }
            let commit = try await fetched(mirror, progress)
            return (commit, try await ingest(commit, of: mirror, progress))
        }
    }

    private func fetched(_ mirror: RemoteMirror, _ progress: @escaping @Sendable (String) -> Void) async throws -> String {
        try await fetch.run(into: mirror, fetches: directories.fetches) { progress($0.text) }.commit
    }

    private func ingest(_ commit: String, of mirror: RemoteMirror, _ progress: @Sendable (String) -> Void) async throws -> Digest {
        progress("storing")
        let tree = try await BlockingPool.run { try mirror.tree(of: commit) }
        if let submodule = tree.submodules.keys.min() { throw CommitTree.submodule(submodule) }
        let learned = LearnedDigests()
        let root = try await store.trees.ingest(tree, learned: learned.add)
        try await BlockingPool.run { try mirror.remember(learned, of: tree) }
        return root
    }
}

extension FetchProgress {
    /// `1204 of 6445 objects, 1.2 MB`
    fileprivate var text: String { "\(receivedObjects) of \(Count(totalObjects, "object")), \(Bytes(receivedBytes))" }
}
