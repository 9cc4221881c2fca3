package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// The tree of the folder at `path`; nil when nothing is there, or no folder.
    package func subtree(_ root: Digest, at path: RelativePath) async throws -> Digest? {
        try await BlockingPool.run {
            var digest = root
            for name in path.components {
                guard let child = try directory(digest).directories.first(where: { $0.name.isSame(as: name) }) else { return nil }
                digest = try child.digest.checked()
            }
            return digest
        }
    }

    /// Counts a tree. Only its directories are read.
    package func summary(_ root: Digest) async throws -> TreeSummary {
        try await BlockingPool.run {
            var known: [Digest: TreeSummary] = [:]
            return try count(root, &known)
        }
    }

    private func count(_ digest: Digest, _ known: inout [Digest: TreeSummary]) throws -> TreeSummary {
        if let summary = known[digest] { return summary }
        let message = try directory(digest)
        var summary = TreeSummary(files: message.files.count + message.symlinks.count, directories: message.directories.count, bytes: 0)
        for file in message.files { summary.bytes += file.digest.sizeBytes }
        for child in message.directories {
            let below = try count(child.digest.checked(), &known)
            summary.files += below.files
            summary.directories += below.directories
            summary.bytes += below.bytes
        }
        known[digest] = summary
        return summary
    }

    /// Directories and files of a tree that are not here any more, sorted. Empty: the tree can be used. Directories are
    /// read and verified, of files only presence and size are looked at.
    package func missingBlobs(_ root: Digest) async throws -> [Digest] {
        try await BlockingPool.run {
            var seen: Set<Digest> = []
            var missing: Set<Digest> = []
            var rest = [root]
            while let digest = rest.popLast() {
                guard seen.insert(digest).inserted else { continue }
                guard let bytes = try content.readNow(digest) else {
                    missing.insert(digest)
                    continue
                }
                let message = try DirectoryMessage(validating: bytes, named: digest)
                for file in message.files {
                    let digest = try file.digest.checked()
                    if seen.insert(digest).inserted && !content.holds(digest) { missing.insert(digest) }
                }
                rest += try message.directories.map { try $0.digest.checked() }
            }
            return missing.sorted()
        }
    }

    /// Symbolic links whose way is absolute or leaves the tree, as `path -> target`, sorted. Links on the way are followed
    /// as Linux would; an artifact must have none of these. Absolute targets in `allowing` do not count.
    package func escapingSymlinks(_ root: Digest, allowing allowed: Set<String> = []) async throws -> [String] {
        try await BlockingPool.run {
            let tree = sourceTree(root)
            return try TreeListing(of: root, in: self).symlinks
                .filter { try leaves(tree, try RelativePath(parsing: $0.path), allowed) }
                .map { "\($0.path) -> \($0.target)" }
                .sorted { $0.precedes($1) }
        }
    }

    private func leaves(_ tree: StoredTree, _ link: RelativePath, _ allowed: Set<String>) throws -> Bool {
        var done = RelativePath.root
        var rest = link.components[...]
        var links = 0
        while let name = rest.popFirst() {
            if name == ".." {
                if done.isRoot { return true }
                done = done.parent
                continue
            }
            done = done.appending(component: name)
            guard case .symlink(let target)? = try tree.node(at: done) else { continue }
            if target.hasPrefix("/") { return !(rest.isEmpty && allowed.contains(target)) }
            links += 1
            // Linux gives up after 40 links: such a path leads nowhere.
            if links > 40 { return false }
            rest = target.split(separator: "/").filter { $0 != "." }.map(String.init) + rest
            done = done.parent
        }
        return false
    }
}
