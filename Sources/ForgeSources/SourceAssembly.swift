internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Synchronization

/// Where a source's own files came from, and its parts are looked for.
enum SourceOrigin: Sendable {
    case remote(RemoteLocation, RemoteCredentials)
    case commit(LocalRepository)
    /// A directory; without a repository it has no parts.
    case workTree(WorkTree, LocalRepository?)
}

/// A stored tree of files, without what belongs to it but lies in other places.
struct OwnSource: Sendable {
    let root: Digest
    /// The same for reading.
    let tree: any SourceTree
    let submodules: [Submodule]
    let origin: SourceOrigin
}

/// Completes a source by what it declares: submodules at the commits that it records, the files behind
/// LFS pointers. Forge brings them itself; what is not declared is pointed out.
struct SourceAssembly: Sendable {
    /// How deep submodules may lie in submodules.
    static let maximumDepth = 8

    let fetching: SourceFetching
    let declaration: SourceDeclaration
    private var store: Store { fetching.store }

    /// The tree of the whole and what there is to remark.
    /// - Throws: `source.submodule` for one that is not declared; `source.submodule-…`, `source.lfs-…`, and what the declaration throws
    func whole(_ own: OwnSource) async throws -> (root: Digest, warnings: [Diagnostic]) {
        let pointers = try await BlockingPool.run { try LFSPointer.all(in: own.tree) }
        if own.submodules.isEmpty && pointers.isEmpty { return (own.root, []) }
        let declared = try await BlockingPool.run { try declaration.read(own.tree) }
        let undeclared = Mutex<[RelativePath]>([])
        let root = try await whole(own, declared, at: .root, depth: 0) { path in undeclared.withLock { $0.append(path) } }
        return (root, Self.remark(on: undeclared.withLock { $0.sorted() }))
    }

    private func whole(
        _ own: OwnSource, _ declared: DeclaredParts, at place: RelativePath, depth: Int,
        undeclared: @Sendable (RelativePath) -> Void
    ) async throws -> Digest {
        let files = try await objects(of: own, declared, at: place, undeclared)
        var folders: [RelativePath: any SourceTree] = [:]
        for submodule in own.submodules {
            let path = place.appending(submodule.path)
            guard let choice = declared.submodules else { throw Submodule.undeclared(path) }
            guard choice(path) else { continue }
            guard depth < Self.maximumDepth else {
                throw ForgeError(.usage, "source.too-deep", "submodules at `\(path)` are nested more than \(Self.maximumDepth) deep")
            }
            fetching.progress("submodule `\(path)`")
            let part = try await part(submodule, of: own.origin, at: path)
            folders[submodule.path] = store.trees.sourceTree(
                try await whole(part, declared, at: path, depth: depth + 1, undeclared: undeclared))
        }
        if files.isEmpty && folders.isEmpty { return own.root }
        return try await store.trees.ingest(GraftedTree(store.trees.sourceTree(own.root), folders: folders, files: files))
    }

    /// The contents behind the LFS pointers of one repository, which the store holds then.
    private func objects(
        of own: OwnSource, _ declared: DeclaredParts, at place: RelativePath, _ undeclared: (RelativePath) -> Void
    ) async throws -> [RelativePath: Digest] {
        let pointers = try await BlockingPool.run { try LFSPointer.all(in: own.tree) }
        guard let choice = declared.lfs else {
            pointers.keys.forEach { undeclared(place.appending($0)) }
            return [:]
        }
        let wanted = pointers.filter { choice(place.appending($0.key)) }.mapValues(\.digest)
        let objects = wanted.map { LFSObject(path: place.appending($0.key), digest: $0.value) }
        try await LFSSource(fetching: fetching, origin: own.origin).ingest(objects)
        return wanted
    }

    private static func remark(on pointers: [RelativePath]) -> [Diagnostic] {
        guard !pointers.isEmpty else { return [] }
        let names =
            pointers.prefix(3).map { "`\($0)`" }.joined(separator: ", ") + (pointers.count > 3 ? " and \(pointers.count - 3) more" : "")
        return [
            Diagnostic(
                "\(names): \(pointers.count == 1 ? "a pointer" : "pointers") of git LFS, taken as \(pointers.count == 1 ? "it is" : "they are")",
                hint: "write `lfs = true` below `[source]` in `crowdforge.toml` to have the files fetched, `false` if pointers are meant")
        ]
    }
}

// MARK: Submodules

extension SourceAssembly {
    /// The submodule's own files in the store.
    private func part(_ submodule: Submodule, of origin: SourceOrigin, at path: RelativePath) async throws -> OwnSource {
        switch origin {
        case .workTree(let tree, _):
            guard let part = try await BlockingPool.run({ try tree.workTree(of: submodule) }) else {
                throw ForgeError(
                    .usage, "source.submodule", "the submodule `\(path)` is not initialised: its folder is empty",
                    hint: "`git submodule update --init --recursive` fills it")
            }
            return try await own(part, part.submodules, .workTree(part, LocalRepository(holding: part.path)))
        case .commit(let repository):
            if let (tree, kept) = await BlockingPool.run({ repository.commit(of: submodule) }) {
                return try await own(tree, tree.submodules, .commit(kept))
            }
            return try await part(submodule, from: submodule.place(relativeTo: repository.place()), nil)
        case .remote(let location, let credentials):
            return try await part(submodule, from: submodule.place(relativeTo: .remote(location, nil)), (location, credentials))
        }
    }

    /// What the user gave for the superproject's server is shown to no other.
    private func part(
        _ submodule: Submodule, from place: Submodule.Place, _ superproject: (location: RemoteLocation, credentials: RemoteCredentials)?
    ) async throws -> OwnSource {
        switch place {
        case .local(let path):
            let tree = try await CommitTree.open(repository: path, revision: submodule.commit)
            guard let repository = try await BlockingPool.run({ try LocalRepository(holding: path, isAddressed: true) }) else {
                throw ForgeError(.usage, "source.missing", "no repository `\(path)`")
            }
            return try await own(tree, tree.submodules, .commit(repository))
        case .remote(let location, let userinfo):
            var credentials = RemoteCredentials(userinfo: userinfo, token: nil, environment: fetching.environment)
            if let superproject, location.isSameServer(as: superproject.location) { credentials = superproject.credentials }
            let source = RemoteSource(fetching: fetching, location: location, revision: submodule.commit, credentials: credentials)
            let (_, entry) = try await source.ingest()
            return OwnSource(
                root: entry.root, tree: store.trees.sourceTree(entry.root), submodules: entry.submodules,
                origin: .remote(location, credentials))
        }
    }

    private func own(_ tree: any SourceTree, _ submodules: [Submodule], _ origin: SourceOrigin) async throws -> OwnSource {
        OwnSource(root: try await store.trees.ingest(tree), tree: tree, submodules: submodules, origin: origin)
    }
}
