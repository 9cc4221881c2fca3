internal import CLibgit2
internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Brings exactly one commit of a remote repository into a bare one, in as few and as small steps as the server allows.
/// Commits that are there already are offered to the server, which leaves out what they have in common with the new one.
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
            repository = try open(path)
            guard let repository else { throw GitFailure(code: GIT_ERROR, message: "no repository") }
            try TransportRegistry.register(session)
            let commit = try peel(try fetch(into: repository, at: path), in: repository)
            try keepOnly(commit, in: repository)
            return FetchedCommit(commit: commit.hex, received: session.received)
        } catch let failure as GitFailure {
            throw FetchFault(request.location, session).translated(failure)
        }
    }

    /// - Throws: `FetchFailure` `source.mirror` when what is there is no repository any more.
    private func open(_ path: String) throws -> OpaquePointer? {
        var repository: OpaquePointer?
        guard Files.exists(path) else {
            try Libgit2.check(git_repository_init(&repository, path, 1))
            return repository
        }
        do { try Libgit2.check(git_repository_open(&repository, path)) } catch {
            throw FetchFailure(code: "source.mirror", message: "the copy of `\(request.location.text)` is damaged", cause: error.message)
        }
        return repository
    }

    /// Names the commit for later fetches and forgets every other name. What only those held stays until the mirror is made anew.
    private func keepOnly(_ commit: ObjectID, in repository: OpaquePointer) throws {
        var id = try commit.raw()
        var reference: OpaquePointer?
        try Libgit2.check(git_reference_create(&reference, repository, RemoteMirror.reference(to: commit.hex), &id, 1, nil))
        git_reference_free(reference)
        var names = git_strarray()
        try Libgit2.check(git_reference_list(&names, repository))
        defer { git_strarray_dispose(&names) }
        for name in UnsafeBufferPointer(start: names.strings, count: names.count) {
            guard let name, !String(cString: name).hasPrefix(RemoteMirror.reference(to: "")) else { continue }
            try Libgit2.check(git_reference_remove(repository, name))
        }
    }

    private func fetch(into repository: OpaquePointer, at path: String) throws -> git_oid {
        let wanted: RemoteRefs.Choice
        do {
            let remote = try RemoteConnection(repository, session)
            let refs = try RemoteRefs(of: remote)
            wanted = try refs.choose(request.revision, at: request.location)
            if let known = try kept(refs.commit(of: wanted), in: repository) { return known }
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

    /// The commit, when it was fetched before: its ref is written after all of it has come.
    private func kept(_ id: String?, in repository: OpaquePointer) throws -> git_oid? {
        var oid = git_oid()
        guard let id, git_reference_name_to_id(&oid, repository, RemoteMirror.reference(to: id)) == 0, ObjectID(oid).hex == id else {
            return nil
        }
        return try held(id, in: repository)
    }

    private func fetchedTip(in repository: OpaquePointer) throws -> git_oid {
        var oid = git_oid()
        try Libgit2.check(git_reference_name_to_id(&oid, repository, Self.target))
        return oid
    }

    /// An annotated tag stands for its commit.
    private func peel(_ id: git_oid, in repository: OpaquePointer) throws -> ObjectID {
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
        return ObjectID(found)
    }
}
