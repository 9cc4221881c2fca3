internal import ForgeGit
internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// What a person points Forge at: a directory as it is now, or one commit of a repository here or elsewhere.
package struct SourceRequest: Sendable, Hashable {
    /// A directory, a repository's path, or a URL without the secrets it may have carried.
    package let location: String
    /// A commit, branch or tag; nil means the directory as it is (for a URL: the default branch's commit).
    package let commit: String?
    /// File whose first line is the token for an http or https URL.
    package let tokenFile: String?
    /// The app that is meant, of several.
    package let app: String?
    /// What was split off the URL.
    let userinfo: RemoteUserinfo?

    /// - Parameter location: as a person typed it; a user's name and password in a URL are split off at once.
    package init(location: String, commit: String?, tokenFile: String? = nil, app: String? = nil) {
        self.app = app
        (self.location, userinfo) = RemoteUserinfo.split(location)
        self.commit = commit
        self.tokenFile = tokenFile
    }

    /// Opened for reading, nothing copied yet.
    struct Opened: Sendable {
        var tree: any SourceTree
        let commit: String?
        /// For messages: `my-site`, or `my-site @ 1a2b3c4`.
        var title: String
        /// The folder that was asked for, where the tree is the workspace around it.
        var folder: RelativePath?
        /// Folders that the tree lacks as yet, and where they are looked for.
        var submodules: [Submodule] = []
        var origin: SourceOrigin?
        /// What there is to remark on the source.
        var warnings: [Diagnostic] = []
        /// What the tree amounts to, where that is known.
        var summary: TreeSummary?
    }

    /// Whether a directory is meant as it is now, no commit.
    var isWorkTree: Bool { commit == nil && !location.contains("://") }

    /// - Throws: `usage.token-file` for a source on this machine that comes with a token.
    func refuseToken() throws {
        guard tokenFile != nil else { return }
        throw ForgeError(
            .usage, "usage.token-file", "`\(location)` is on this machine: no token is needed", hint: "leave `--token-file` out")
    }

    /// A source on this machine.
    /// - Throws: `ForgeError` (`source.…`)
    func open() async throws -> Opened {
        try refuseToken()
        if isWorkTree {
            let tree = try await WorkTree.open(at: location)
            let repository = try await BlockingPool.run { try LocalRepository(holding: tree.path) }
            return Opened(
                tree: tree, commit: nil, title: Self.name(of: tree.path), submodules: tree.submodules, origin: .workTree(tree, repository))
        }
        let tree = try await CommitTree.open(repository: location, revision: commit)
        let repository = try await BlockingPool.run { try LocalRepository(holding: location) }
        return Opened(
            tree: tree, commit: tree.commit, title: Self.title(Self.name(of: location), tree.commit), submodules: tree.submodules,
            origin: repository.map(SourceOrigin.commit))
    }

    static func title(_ name: String, _ commit: String) -> String { "\(name) @ \(commit.prefix(7))" }

    static func name(of path: String) -> String {
        path.split(separator: "/").last { $0 != "." }.map(String.init) ?? path
    }
}
