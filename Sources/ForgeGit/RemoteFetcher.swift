internal import CLibgit2
internal import ForgeModel
internal import Glibc

/// Brings exactly one commit of a remote repository into a fresh bare one, in as few and as small steps as the server allows.
///
/// libgit2 speaks protocol version 0, where every conversation begins with the server's refs. So: a ref that is, or names,
/// what is wanted → that ref alone, depth 1; a full id that no ref names → the id alone, depth 1, where the server permits
/// it; else the branches, deeper and deeper; last the `git` program, which speaks version 2 and may ask for more.
struct RemoteFetcher {
    /// How far back branches are fetched in search of a commit that cannot be asked for.
    private static let depths: [Int32] = [50, 1000]
    private static let target = "refs/forge/fetched"

    private let request: FetchRequest
    private let session: FetchSession

    init(_ request: FetchRequest, _ channel: FetchChannel) {
        self.request = request
        session = FetchSession(request, channel)
    }

    /// - Throws: `FetchFailure`
    func run() throws -> FetchedCommit {
        let path = request.folder + "/repository"
        var repository: OpaquePointer?
        defer { git_repository_free(repository) }
        do {
            try Libgit2.check(git_repository_init(&repository, path, 1))
            guard let repository else { throw GitFailure(code: GIT_ERROR, message: "no repository") }
            try TransportRegistry.register(session)
            let id = try fetch(into: repository, at: path)
            return FetchedCommit(commit: try peel(id, in: repository), repository: path)
        } catch let failure as GitFailure {
            throw FetchFault(request.location, session).translated(failure)
        }
    }

    private func fetch(into repository: OpaquePointer, at path: String) throws -> git_oid {
        let wanted: RemoteRefs.Choice
        do {
            let remote = try RemoteConnection(repository, session)
            wanted = try RemoteRefs(of: remote).choose(request.revision, at: request.location)
            switch wanted {
            case .ref(let ref):
                try remote.fetch(["+\(ref):\(Self.target)"], depth: 1)
                return try fetchedTip(in: repository)
            case .id(let id):
                if try attempt(id, { try remote.fetch(["\(id):\(Self.target)"], depth: 1) }), let oid = try held(id, in: repository) {
                    return oid
                }
            }
        }
        guard case .id(let id) = wanted else { throw GitFailure(code: GIT_ERROR, message: "nothing chosen") }
        return try search(for: id, in: repository, at: path)
    }

    /// False when the server refuses the id, which it may do in several ways; other failures are thrown.
    private func attempt(_ id: String, _ body: () throws -> Void) throws -> Bool {
        do {
            try body()
            return true
        } catch let failure as GitFailure {
            guard session.stop == nil, FetchFault.isRefusal(failure) else { throw failure }
            return false
        }
    }

    private func search(for id: String, in repository: OpaquePointer, at path: String) throws -> git_oid {
        let plans = [(["+HEAD:refs/forge/head"], Self.depths[0])] + Self.depths.map { (["+refs/heads/*:refs/forge/heads/*"], $0) }
        for (refspecs, depth) in plans {
            guard try attempt(id, { try RemoteConnection(repository, session).fetch(refspecs, depth: depth) }) else { break }
            if let oid = try held(id, in: repository) { return oid }
        }
        if try GitProgram(session).fetch(id, into: path), let oid = try held(id, in: repository) { return oid }
        throw FetchFailure(
            code: "source.unknown-commit", message: "no commit `\(id)` in the repository `\(request.location.text)`",
            hint: "check the id; a commit far from every branch needs a server that allows asking for it (`uploadpack.allowAnySHA1InWant`)")
    }

    private func held(_ id: String, in repository: OpaquePointer) throws -> git_oid? {
        var oid = git_oid()
        var database: OpaquePointer?
        try Libgit2.check(git_oid_fromstr(&oid, id))
        try Libgit2.check(git_repository_odb(&database, repository))
        defer { git_odb_free(database) }
        try Libgit2.check(git_odb_refresh(database))
        return git_odb_exists(database, &oid) == 1 ? oid : nil
    }

    private func fetchedTip(in repository: OpaquePointer) throws -> git_oid {
        var oid = git_oid()
        try Libgit2.check(git_reference_name_to_id(&oid, repository, Self.target))
        return oid
    }

    /// An annotated tag stands for its commit.
    private func peel(_ id: git_oid, in repository: OpaquePointer) throws -> String {
        var id = id
        var object: OpaquePointer?
        try Libgit2.check(git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY))
        defer { git_object_free(object) }
        var commit: OpaquePointer?
        defer { git_object_free(commit) }
        guard git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0, let found = git_object_id(commit)?.pointee else {
            let kind = git_object_type2string(git_object_type(object)).map { String(cString: $0) } ?? "object"
            throw FetchFailure(
                code: "source.unknown-commit", message: "`\(request.revision ?? "HEAD")` is a \(kind), not a commit",
                hint: "name a commit, a branch or a tag")
        }
        return ObjectID(found).hex
    }
}
