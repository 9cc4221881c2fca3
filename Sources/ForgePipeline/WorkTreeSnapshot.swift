internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Synchronization

/// A directory of this machine on its way into the store, by the memo of its last snapshot where there is one.
struct WorkTreeSnapshot: Sendable {
    struct Taken: Sendable {
        let source: SourceRequest.Opened
        let root: Digest
        /// Files and symbolic links.
        let files: Int
        let bytes: Int64
    }

    private let request: SourceRequest
    private let memos: String

    init(of request: SourceRequest, memos: String) throws {
        try request.refuseToken()
        self.request = request
        self.memos = memos
    }

    /// - Throws: `ForgeError` (`source.…`, `store.…`)
    func take(into store: Store) async throws -> Taken {
        let path = try await BlockingPool.run { try Files.resolved(request.location) }
        guard let path else { return try await walk(nil, into: store) }
        guard let memo = await BlockingPool.run({ WorkTreeMemo.load(memoPath(of: path)) }) else { return try await walk(nil, into: store) }
        let began = FileSignature.now()
        let finding = await memo.check(path)
        if case .differs = finding { return try await walk(memo, into: store) }
        guard try await store.trees.acquire(memo.root) else { return try await walk(memo, into: store) }
        guard case .edited(let files) = finding else { return taken(memo, path, store) }
        return try await edited(files, memo, path, began, into: store)
    }

    /// Only the content of some files has changed: theirs alone is read, and the folders above them are made anew.
    private func edited(
        _ files: [EditedFile], _ memo: WorkTreeMemo, _ path: String, _ began: Int64, into store: Store
    ) async throws -> Taken {
        let replaced = try await store.trees.replace(memo.root, files: files.map(\.path)) { number, body in
            guard try WorkTree.forEachChunk(of: files[number], in: path, body) else { throw Self.changed(files[number].path) }
        }
        guard let replaced else { return try await walk(memo, into: store) }
        let updated = memo.updated(Array(zip(files, replaced.digests)), root: replaced.root, began: began)
        await remember(updated, path)
        return taken(updated, path, store)
    }

    private func walk(_ memo: WorkTreeMemo?, into store: Store) async throws -> Taken {
        let tree = try await WorkTree.open(at: request.location, memo: memo)
        let digests = Mutex<[RelativePath: Digest]>([:])
        let root = try await store.trees.ingest(tree, learned: { path, digest in digests.withLock { $0[path] = digest } })
        let fresh = await BlockingPool.run { tree.memo(root: root, digests: digests.withLock { $0 }) }
        await remember(fresh, tree.path)
        return taken(fresh, tree.path, store)
    }

    private func taken(_ memo: WorkTreeMemo, _ path: String, _ store: Store) -> Taken {
        let source = SourceRequest.Opened(tree: store.trees.sourceTree(memo.root), commit: nil, title: SourceRequest.name(of: path))
        return Taken(source: source, root: memo.root, files: memo.files, bytes: memo.bytes)
    }

    /// One that cannot be kept saves no time; that is all.
    private func remember(_ memo: WorkTreeMemo, _ path: String) async {
        try? await BlockingPool.run { try memo.save(memoPath(of: path)) }
    }

    private func memoPath(of path: String) -> String { "\(memos)/\(Digest(of: path).hex).memo" }

    private static func changed(_ path: RelativePath) -> ForgeError {
        ForgeError(.usage, "source.changed", "`\(path)` went away while it was read", hint: "run again once it is at rest")
    }
}
