internal import CLibgit2
package import ForgeModel
internal import ForgeSystem

/// A repository on this machine as the place where parts of its commits may lie: other repositories that git keeps in it,
/// objects of LFS, the remote it was cloned from.
package struct LocalRepository: Sendable {
    private let repository: GitRepository
    private let path: String
    private let isAddressed: Bool

    /// The one that holds the folder `path`; nil when there is none. Blocks.
    /// - Parameter isAddressed: whether a superproject's URL led here; where it was once cloned from says nothing then.
    package init?(holding path: String, isAddressed: Bool = false) throws {
        self.isAddressed = isAddressed
        let path = try GitLocation.path(of: path)
        guard let repository = try GitRepository.holding(path) else { return nil }
        (self.repository, self.path) = (repository, try Files.resolved(path) ?? path)
    }

    /// Where relative URLs of submodules start: at the remote `origin`, as for git, else at the repository itself. Blocks.
    package func place() throws -> Submodule.Place {
        guard !isAddressed, let text = try originText() else { return .local(repository.workTree ?? path) }
        let (location, userinfo) = RemoteUserinfo.split(text)
        if let location = try RemoteLocation(parsing: location) { return .remote(location, userinfo) }
        let folder = try GitLocation.path(of: location)
        return .local(folder.hasPrefix("/") ? folder : "\(repository.workTree ?? path)/\(folder)")
    }

    /// Nil when it was cloned from nowhere or from this machine. Blocks.
    package func origin() throws -> (RemoteLocation, RemoteUserinfo?)? {
        guard let text = try originText() else { return nil }
        let (location, userinfo) = RemoteUserinfo.split(text)
        return ((try? RemoteLocation(parsing: location)) ?? nil).map { ($0, userinfo) }
    }

    private func originText() throws -> String? {
        try repository.pool.with { handle in
            var remote: OpaquePointer?
            defer { git_remote_free(remote) }
            guard git_remote_lookup(&remote, handle, "origin") == 0 else { return nil }
            return git_remote_url(remote).map { String(cString: $0) }
        }
    }

    /// A submodule's commit where git keeps it when the submodule was initialised; nil when it is not there. Blocks.
    package func commit(of submodule: Submodule) -> (tree: CommitTree, repository: LocalRepository)? {
        guard let name = submodule.name else { return nil }
        let folder = "\(repository.commonFolder)modules/\(name)"
        guard GitRepository.isRepository(folder), let tree = try? CommitTree(repository: folder, revision: submodule.commit),
            let kept = try? LocalRepository(holding: folder)
        else { return nil }
        return (tree, kept)
    }

    /// Where git LFS keeps an object, whether or not it is there.
    package func lfsObject(_ digest: Digest) -> String {
        "\(repository.commonFolder)lfs/objects/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2).prefix(2))/\(digest.hex)"
    }
}

extension WorkTree {
    /// A submodule's folder in this work tree, as it is; nil when it is not initialised. Blocks.
    /// - Throws: `source.submodule` when the folder has become a link to elsewhere.
    package func workTree(of submodule: Submodule) throws -> WorkTree? {
        let folder = "\(path)/\(submodule.path)"
        guard let real = try Files.resolved(folder) else { return nil }
        guard real == folder else {
            throw ForgeError(
                .usage, "source.submodule", "`\(submodule.path)` is to be a submodule, but leads to `\(real)`",
                hint: "`git submodule update --init \(submodule.path)` puts it in its place")
        }
        return GitRepository.isRepository(real) ? try WorkTree(at: real) : nil
    }
}
