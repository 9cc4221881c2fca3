internal import CLibgit2
package import ForgeModel
internal import ForgeSystem

/// The tree of a commit, read straight from the object store of a repository on this machine. Nothing is checked out; no
/// hook or filter is run. For the tree of a folder below a work tree's root, name that folder as the repository.
package struct CommitTree: SourceTree {
    /// Full id of the commit.
    package let commit: String
    private let pool: RepositoryPool
    private let listing: CommitListing

    /// - Parameters:
    ///   - repository: a path or a `file://` URL, of a work tree or a bare repository.
    ///   - revision: a full or abbreviated id, a branch, a tag (an annotated one stands for its commit), or what
    ///     `git rev-parse` knows besides; nil is `HEAD`.
    ///
    /// Blocks.
    /// - Throws: `source.missing`, `source.not-a-repository`, `source.unknown-commit`, `source.ambiguous-commit`,
    ///   `source.no-commits`, `source.name`, `source.damaged` …
    package init(repository location: String, revision: String?) throws {
        let path = try GitLocation.path(of: location)
        guard try Files.resolved(path) != nil else { throw ForgeError(.usage, "source.missing", "no repository `\(path)`") }
        guard let repository = try GitRepository.holding(path) else {
            throw ForgeError(.usage, "source.not-a-repository", "`\(path)` is not in a git repository")
        }
        let pool = repository.pool
        (commit, listing) = try pool.with { handle in
            let commit = try Revision(revision, in: handle, path: path).commit()
            do { return (commit.hex, try CommitListing(of: commit, below: repository.prefix, in: handle)) } catch let failure as GitFailure
            {
                throw CommitTree.damaged("commit `\(commit.hex)`", failure)
            }
        }
        self.pool = pool
    }

    /// A commit of a repository that Forge made, found nowhere but at `path` itself.
    /// - Throws: `source.damaged` when the commit is not wholly there; `source.name` …
    init(commit: String, inRepository path: String, digests: BlobDigests) throws {
        let pool = RepositoryPool(path: path)
        do {
            listing = try pool.with { handle in
                var id = git_oid()
                try Libgit2.check(git_oid_fromstr(&id, commit))
                return try CommitListing(of: ObjectID(id), below: .root, in: handle, digests: digests)
            }
        } catch let failure as GitFailure {
            throw CommitTree.damaged("commit `\(commit)`", failure)
        }
        (self.commit, self.pool) = (commit, pool)
    }

    /// By path; the tree has nothing there.
    package var submodules: [Submodule] { listing.submodules }

    /// The same, off the cooperative pool.
    package static func open(repository: String, revision: String?) async throws -> CommitTree {
        try await BlockingPool.run { try CommitTree(repository: repository, revision: revision) }
    }

    package func node(at path: RelativePath) throws -> SourceNode? { listing.tree.node(at: path) }
    package func entries(of path: RelativePath) throws -> [SourceEntry] { listing.tree.entries(of: path) }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        return try forEachChunk(of: path) { bytes = Array($0.prefix(limit)) } ? bytes : nil
    }

    /// One piece: git unpacks a blob as a whole.
    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        guard let id = listing.blobs[path]?.id else { return false }
        do {
            try pool.with { handle in try CommitListing.withBlob(id, in: handle, body) }
        } catch let failure as GitFailure {
            throw CommitTree.damaged("`\(path)` of commit `\(commit)`", failure)
        }
        return true
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? { listing.blobs[path]?.digest }

    /// Which object stands at a path.
    func blob(at path: RelativePath) -> ObjectID? { listing.blobs[path]?.id }
    var blobCount: Int { listing.blobs.count }

    private static func damaged(_ what: String, _ failure: GitFailure) -> ForgeError {
        ForgeError(
            .usage, "source.damaged", "cannot read \(what) from the repository",
            hint: failure.isNotFound
                ? "objects are missing: a partial clone is completed by checking the commit out once" : "`git fsck` tells more",
            cause: failure)
    }
}
