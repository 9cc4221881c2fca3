internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Synchronization

/// A directory of this machine on its way into the store, by the memo of its last snapshot where there is one.
struct WorkTreeSnapshot: Sendable {
    typealias Taken = (source: SourceRequest.Opened, root: Digest)

    private let request: SourceRequest
    private let assembly: SourceAssembly
    private var store: Store { assembly.fetching.store }

    init(of request: SourceRequest, assembly: SourceAssembly) throws {
        try request.refuseToken()
        self.request = request
        self.assembly = assembly
    }

    /// - Parameter glance: one that was taken a moment ago, of this directory or another.
    /// - Throws: `ForgeError` (`source.…`, `store.…`)
    func take(_ glance: WorkTreeGlance?) async throws -> Taken {
        let path = try await BlockingPool.run { try Files.resolved(request.location) }
        guard let path else { return try await walk(nil) }
        let taken = glance?.path == path ? glance : await WorkTreeGlance.take(at: path, in: folders)
        // What lies elsewhere has to be looked for each time.
        guard let taken else { return try await walk(await BlockingPool.run { WorkTreeMemo.load(memoPath(of: path)) }) }
        if case .differs = taken.finding { return try await walk(taken.memo) }
        guard try await store.trees.acquire(taken.memo.root) else { return try await walk(taken.memo) }
        guard case .edited(let files) = taken.finding else { return self.taken(taken.memo, path) }
        return try await edited(files, taken.memo, path, taken.began)
    }

    /// Only the content of some files has changed: theirs alone is read, and the folders above them are made anew.
    private func edited(_ files: [EditedFile], _ memo: WorkTreeMemo, _ path: String, _ began: Int64) async throws -> Taken {
        let mayHaveParts = files.contains { $0.mayBeLFSPointer || $0.path == assembly.declaration.file }
        guard !mayHaveParts else { return try await walk(memo) }
        let replaced = try await store.trees.replace(memo.root, files: files.map(\.path)) { number, body in
            guard try WorkTree.forEachChunk(of: files[number], in: path, body) else { throw Self.changed(files[number].path) }
        }
        guard let replaced else { return try await walk(memo) }
        let updated = memo.updated(Array(zip(files, replaced.digests)), root: replaced.root, began: began)
        await remember(updated, path)
        return taken(updated, path)
    }

    private func walk(_ memo: WorkTreeMemo?) async throws -> Taken {
        let tree = try await WorkTree.open(at: request.location, memo: memo)
        let digests = Mutex<[RelativePath: Digest]>([:])
        let root = try await store.trees.ingest(tree, learned: { path, digest in digests.withLock { $0[path] = digest } })
        let repository = try await BlockingPool.run { try LocalRepository(holding: tree.path) }
        let own = OwnSource(root: root, tree: tree, submodules: tree.submodules, origin: .workTree(tree, repository))
        let whole = try await assembly.whole(own)
        let isWhole = whole.root == root && whole.warnings.isEmpty && tree.submodules.isEmpty
        let fresh = await BlockingPool.run { tree.memo(root: root, isWhole: isWhole, digests: digests.withLock { $0 }) }
        await remember(fresh, tree.path)
        guard !isWhole else { return taken(fresh, tree.path) }
        let source = SourceRequest.Opened(
            tree: store.trees.sourceTree(whole.root), commit: nil, title: SourceRequest.name(of: tree.path), warnings: whole.warnings)
        return (source, whole.root)
    }

    private func taken(_ memo: WorkTreeMemo, _ path: String) -> Taken {
        let source = SourceRequest.Opened(
            tree: store.trees.sourceTree(memo.root), commit: nil, title: SourceRequest.name(of: path),
            summary: TreeSummary(files: memo.files, directories: 0, bytes: memo.bytes))
        return (source, memo.root)
    }

    /// One that cannot be kept saves no time; that is all.
    private func remember(_ memo: WorkTreeMemo, _ path: String) async {
        try? await BlockingPool.run { try memo.save(memoPath(of: path)) }
    }

    private var folders: SourceFolders { assembly.fetching.folders }
    private func memoPath(of path: String) -> String { WorkTreeGlance.memoPath(of: path, in: folders) }

    private static func changed(_ path: RelativePath) -> ForgeError {
        ForgeError(.usage, "source.changed", "`\(path)` went away while it was read", hint: "run again once it is at rest")
    }
}
