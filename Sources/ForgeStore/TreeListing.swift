internal import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

/// Everything in a tree by its path, parents before children, each directory's content sorted by name.
struct TreeListing: Sendable {
    struct File: Sendable {
        let path: String
        let digest: Digest
        let isExecutable: Bool
    }

    struct Symlink: Sendable {
        let path: String
        let target: String
    }

    /// Without the root.
    private(set) var directories: [String] = []
    private(set) var files: [File] = []
    private(set) var symlinks: [Symlink] = []

    init(of root: Digest, in trees: TreeStore) throws { try add(root, below: "", from: trees) }

    private mutating func add(_ digest: Digest, below prefix: String, from trees: TreeStore) throws {
        let message = try trees.directory(digest)
        for file in message.files {
            files.append(File(path: prefix + file.name, digest: try file.digest.checked(), isExecutable: file.isExecutable))
        }
        for link in message.symlinks { symlinks.append(Symlink(path: prefix + link.name, target: link.target)) }
        for child in message.directories {
            directories.append(prefix + child.name)
            try add(child.digest.checked(), below: "\(prefix)\(child.name)/", from: trees)
        }
    }
}
