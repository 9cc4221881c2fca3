package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

/// Where two trees differ.
package struct TreeDifferences: Hashable, Sendable {
    /// Files and links that are only in one of them, or not the same in both, by path; at most as many as were asked for.
    package fileprivate(set) var paths: [RelativePath] = []
    /// Whether there are more.
    package fileprivate(set) var more = false
}

extension TreeStore {
    /// Compares two trees; folders with one digest are not even read. A tree whose folders are gone from the store counts as
    /// different without naming paths.
    package func differences(_ old: Digest, _ new: Digest, limit: Int) async throws -> TreeDifferences {
        try await BlockingPool.run {
            var comparison = TreeComparison(trees: self, limit: limit)
            try comparison.compare(old, new, at: .root)
            return comparison.found
        }
    }
}

private struct TreeComparison {
    let trees: TreeStore
    let limit: Int
    var found = TreeDifferences()

    private enum Entry: Equatable {
        case file(Build_Bazel_Remote_Execution_V2_FileNode)
        case symlink(Build_Bazel_Remote_Execution_V2_SymlinkNode)
        case directory(Digest)
    }

    /// nil stands for "nothing there".
    mutating func compare(_ old: Digest?, _ new: Digest?, at path: RelativePath) throws {
        guard old != new, !found.more else { return }
        let before = try entries(of: old)
        let after = try entries(of: new)
        for name in Set(before.keys).union(after.keys).sorted(by: { $0.precedes($1) }) where before[name] != after[name] {
            let child = path.appending(component: name)
            switch (before[name], after[name]) {
            case (.directory(let left)?, .directory(let right)?): try compare(left, right, at: child)
            case (.directory(let left)?, nil): try compare(left, nil, at: child)
            case (nil, .directory(let right)?): try compare(nil, right, at: child)
            default: note(child)
            }
        }
    }

    private mutating func note(_ path: RelativePath) {
        if found.paths.count < limit { found.paths.append(path) } else { found.more = true }
    }

    private func entries(of digest: Digest?) throws -> [String: Entry] {
        guard let digest, let bytes = try trees.content.readNow(digest) else { return [:] }
        let message = try DirectoryMessage(validating: bytes, named: digest)
        var entries: [String: Entry] = [:]
        for node in message.files { entries[node.name] = .file(node) }
        for node in message.symlinks { entries[node.name] = .symlink(node) }
        for node in message.directories { entries[node.name] = .directory(try node.digest.checked()) }
        return entries
    }
}
