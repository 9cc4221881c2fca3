internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// Objects of git LFS on their way into the store: from the repository on this machine, else from the remote's LFS server.
struct LFSSource: Sendable {
    let fetching: SourceFetching
    let origin: SourceOrigin

    /// Afterwards the store holds all of them, each compared with its SHA-256 and size.
    /// - Throws: `source.lfs-missing`, `source.lfs-damaged`, `source.…`
    func ingest(_ objects: [LFSObject]) async throws {
        var missing = await absent(objects)
        guard !missing.isEmpty else { return }
        try await ingest(localFiles(of: missing))
        missing = await absent(missing)
        guard let first = missing.first else { return }
        guard let (endpoint, credentials) = try await server() else {
            throw ForgeError(
                .usage, "source.lfs-missing", "the LFS object of `\(first.path)` is not in the repository, which names no server for it",
                hint: "`git lfs pull` brings it, where the repository was cloned from")
        }
        while !missing.isEmpty {
            try await fetch(Array(missing.prefix(RemoteFetch.objectsAtOnce)), from: endpoint, credentials)
            missing.removeFirst(min(missing.count, RemoteFetch.objectsAtOnce))
        }
    }

    /// One for each content, in the order of paths.
    private func absent(_ objects: [LFSObject]) async -> [LFSObject] {
        await BlockingPool.run { [content = fetching.store.content] in
            var seen: Set<Digest> = []
            return objects.sorted { $0.path < $1.path }.filter { seen.insert($0.digest).inserted && !content.holds($0.digest) }
        }
    }

    private func localFiles(of objects: [LFSObject]) async throws -> [LFSObject: String] {
        let repository: LocalRepository? =
            switch origin {
            case .remote: nil
            case .commit(let repository): repository
            case .workTree(_, let repository): repository
            }
        guard let repository else { return [:] }
        return await BlockingPool.run {
            Dictionary(uniqueKeysWithValues: objects.map { ($0, repository.lfsObject($0.digest)) }.filter { Files.exists($0.1) })
        }
    }

    private func server() async throws -> (RemoteLocation, RemoteCredentials)? {
        switch origin {
        case .remote(let location, let credentials): return location.lfsEndpoint.map { ($0, credentials) }
        case .commit(let repository), .workTree(_, let repository?):
            guard let (location, userinfo) = try await BlockingPool.run({ try repository.origin() }), let endpoint = location.lfsEndpoint
            else {
                return nil
            }
            return (endpoint, RemoteCredentials(userinfo: userinfo, token: nil, environment: fetching.environment))
        case .workTree(_, nil): return nil
        }
    }

    private func fetch(_ objects: [LFSObject], from endpoint: RemoteLocation, _ credentials: RemoteCredentials) async throws {
        fetching.progress("\(objects.count) LFS objects")
        let fetch = try fetching.fetch(endpoint, nil, credentials)
        let folder = try await BlockingPool.run { [parent = fetching.folders.fetches] in
            try TemporaryDirectory.sweep(parent)
            return try TemporaryDirectory(in: parent, prefix: "lfs")
        }
        do {
            fetching.budget.spend(try await fetch.run(objects, into: folder.path))
            try await ingest(Dictionary(uniqueKeysWithValues: objects.map { ($0, "\(folder.path)/\($0.digest.hex)") }))
            try await BlockingPool.run { try folder.remove() }
        } catch {
            await BlockingPool.run { try? folder.remove() }
            throw error
        }
    }

    /// The process that downloaded them is not believed: what was copied into the store is compared.
    private func ingest(_ files: [LFSObject: String]) async throws {
        guard !files.isEmpty else { return }
        let learned = LearnedDigests()
        let byName = Dictionary(files.map { (RelativePath.root.appending(component: $0.key.digest.hex), $0) }) { first, _ in first }
        _ = try await fetching.store.trees.ingest(ObjectFiles(paths: byName.mapValues(\.value)), learned: learned.add)
        for (name, (object, _)) in byName where learned.digest(of: name) != object.digest {
            throw ForgeError(
                .usage, "source.lfs-damaged", "the LFS object of `\(object.path)` is not what the commit records",
                hint: "`git lfs fsck` tells more")
        }
    }
}

/// Files of one folder that lie in many.
private struct ObjectFiles: SourceTree {
    let paths: [RelativePath: String]

    func node(at path: RelativePath) throws -> SourceNode? {
        if path.isRoot { return .directory }
        return try paths[path].flatMap { try FileStatus.of($0) }.flatMap {
            $0.kind == .file ? .file(executable: false, size: $0.size) : nil
        }
    }

    func entries(of path: RelativePath) throws -> [SourceEntry] {
        guard path.isRoot else { return [] }
        return try paths.keys.sorted().compactMap { name in try node(at: name).map { SourceEntry(name: name.name, node: $0) } }
    }

    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        try paths[path].flatMap { try Descriptor.open($0, O_RDONLY | O_NOFOLLOW).readAll(limit: limit) }
    }

    func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        guard let file = paths[path] else { return false }
        try Descriptor.open(file, O_RDONLY | O_NOFOLLOW).forEachChunk(body)
        return true
    }
}
