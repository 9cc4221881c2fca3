package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// One tree of several. Folders of the same path are united; otherwise what comes later in `roots` wins.
    package func merge(_ roots: [Digest]) async throws -> Digest {
        try await BlockingPool.run {
            try BlobBatch.publishing(to: content) { batch in
                try TreeMerge(trees: self, batch: batch).merged(roots)
            }
        }
    }
}

private struct TreeMerge {
    let trees: TreeStore
    let batch: BlobBatch

    private enum Entry {
        case file(Build_Bazel_Remote_Execution_V2_FileNode)
        case symlink(Build_Bazel_Remote_Execution_V2_SymlinkNode)
        case directories([Digest])
    }

    func merged(_ roots: [Digest]) throws -> Digest {
        let different = roots.indices.filter { $0 == roots.startIndex || roots[$0] != roots[$0 - 1] }.map { roots[$0] }
        if different.count == 1 { return different[0] }
        // By the bytes of the name: to Swift two spellings of one letter are one key.
        var entries: [[UInt8]: Entry] = [:]
        for root in different { try overlay(trees.directory(root), on: &entries) }
        var message = DirectoryMessage()
        for (bytes, entry) in entries {
            switch entry {
            case .file(let node): message.files.append(node)
            case .symlink(let node): message.symlinks.append(node)
            case .directories(let layers):
                message.directories.append(.init(name: String(decoding: bytes, as: UTF8.self), digest: try merged(layers)))
            }
        }
        return try batch.add(message.canonicalBytes())
    }

    private func overlay(_ message: DirectoryMessage, on entries: inout [[UInt8]: Entry]) throws {
        for node in message.files { entries[Array(node.name.utf8)] = .file(node) }
        for node in message.symlinks { entries[Array(node.name.utf8)] = .symlink(node) }
        for node in message.directories {
            let name = Array(node.name.utf8)
            if case .directories(let lower)? = entries[name] {
                entries[name] = .directories(lower + [try node.digest.checked()])
            } else {
                entries[name] = .directories([try node.digest.checked()])
            }
        }
    }
}
