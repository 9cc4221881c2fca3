package import ForgeGit
package import ForgeModel
package import ForgeStore
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
    package struct Opened: Sendable {
        package internal(set) var tree: any SourceTree
        /// Its full id; nil for a directory as it is.
        package let commit: String?
        /// For messages: `my-site`, or `my-site @ 1a2b3c4`.
        package var title: String
        /// The folder that was asked for, where the tree is the workspace around it.
        package var folder: RelativePath?
        /// Folders that the tree lacks as yet, and where they are looked for.
        var submodules: [Submodule] = []
        var origin: SourceOrigin?
        /// What there is to remark on the source.
        package internal(set) var warnings: [Diagnostic] = []
        /// What the tree amounts to, where that is known.
        package internal(set) var summary: TreeSummary?

        /// A tree to which nothing is missing.
        package init(
            tree: any SourceTree, commit: String?, title: String, folder: RelativePath? = nil, warnings: [Diagnostic] = [],
            summary: TreeSummary? = nil
        ) {
            self.tree = tree
            self.commit = commit
            self.title = title
            self.folder = folder
            self.warnings = warnings
            self.summary = summary
        }

        /// Whether the tree lacks folders that lie elsewhere: `SourceIntake` brings them, and refuses those that nobody declared.
        package var lacksSubmodules: Bool { !submodules.isEmpty }
    }

    /// Whether a directory is meant as it is now, no commit.
    package var isWorkTree: Bool { commit == nil && !location.contains("://") }

    /// Where to fetch from; nil for what is on this machine. A folder that is here wins over a host of that name.
    /// - Throws: `source.unsupported-url`, `source.malformed-url`
    package func remote() throws -> RemoteLocation? {
        if !location.contains("://") && Files.exists(location) { return nil }
        return try RemoteLocation(parsing: location)
    }

    /// - Throws: `usage.token-file` for a source on this machine that comes with a token.
    func refuseToken() throws {
        guard tokenFile != nil else { return }
        throw ForgeError(
            .usage, "usage.token-file", "`\(location)` is on this machine: no token is needed", hint: "leave `--token-file` out")
    }

    /// A source on this machine, of its own files alone.
    /// - Throws: `ForgeError` (`usage.token-file`, `source.…`)
    package func open() async throws -> Opened {
        try refuseToken()
        if isWorkTree {
            let tree = try await WorkTree.open(at: location)
            let repository = try await BlockingPool.run { try LocalRepository(holding: tree.path) }
            var opened = Opened(tree: tree, commit: nil, title: Self.name(of: tree.path))
            opened.submodules = tree.submodules
            opened.origin = .workTree(tree, repository)
            return opened
        }
        let tree = try await CommitTree.open(repository: location, revision: commit)
        let repository = try await BlockingPool.run { try LocalRepository(holding: location) }
        var opened = Opened(tree: tree, commit: tree.commit, title: Self.title(Self.name(of: location), tree.commit))
        opened.submodules = tree.submodules
        opened.origin = repository.map(SourceOrigin.commit)
        return opened
    }

    static func title(_ name: String, _ commit: String) -> String { "\(name) @ \(commit.prefix(7))" }

    static func name(of path: String) -> String {
        path.split(separator: "/").last { $0 != "." }.map(String.init) ?? path
    }
}
