internal import ForgeGit
internal import ForgeModel

/// What a person points Forge at: a directory as it is now, or one commit of a repository.
package struct SourceRequest: Sendable, Hashable {
    /// A directory, a repository's path or a `file://` URL.
    package let location: String
    /// A commit, branch or tag; nil means the directory as it is (for a URL: the default branch's commit).
    package let commit: String?

    package init(location: String, commit: String?) {
        self.location = location
        self.commit = commit
    }

    /// Opened for reading, nothing copied yet.
    struct Opened: Sendable {
        let tree: any SourceTree
        let commit: String?
        /// For messages: `my-site`, or `my-site @ 1a2b3c4`.
        let title: String
    }

    /// - Throws: `ForgeError` (`source.…`)
    func open() async throws -> Opened {
        if commit == nil && !location.contains("://") {
            let tree = try await WorkTree.open(at: location)
            return Opened(tree: tree, commit: nil, title: Self.name(of: tree.path))
        }
        let tree = try await CommitTree.open(repository: location, revision: commit)
        return Opened(tree: tree, commit: tree.commit, title: "\(Self.name(of: location)) @ \(tree.commit.prefix(7))")
    }

    private static func name(of path: String) -> String {
        path.split(separator: "/").last { $0 != "." }.map(String.init) ?? path
    }
}
