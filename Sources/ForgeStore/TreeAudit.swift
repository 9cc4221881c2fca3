package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem
internal import Glibc

extension TreeStore {
    /// Looks whether all files of the trees lie in the store as they were put there: present, of their size, written to by nobody. Bytes are
    /// not read. What is not so is put out of use, that of materialised trees too, so that it is made anew.
    /// - Throws: `store.missing-blob` when there was such a file.
    package func audit(_ roots: [Digest]) async throws {
        let (folders, files) = try await BlockingPool.run { try contents(of: roots) }
        let bad = try await Parallel.map(files) { content.holds($0) ? nil : $0 }.compactMap(\.self)
        guard let first = bad.first else { return }
        try await BlockingPool.run {
            for digest in bad { try putOut(digest) }
            for root in roots + folders { unlink(ClosureFile(root, in: self.root).path) }
        }
        throw StoreFailure.missing(first)
    }

    /// - Throws: `store.missing-blob` for a folder.
    private func contents(of roots: [Digest]) throws -> (folders: [Digest], files: [Digest]) {
        var folders: Set<Digest> = []
        var files: Set<Digest> = []
        var rest = roots
        while let digest = rest.popLast() {
            guard folders.insert(digest).inserted else { continue }
            let message = try directory(digest)
            for file in message.files { files.insert(try file.digest.checked()) }
            rest += try message.directories.map { try $0.digest.checked() }
        }
        return (Array(folders), Array(files))
    }

    /// Removes both files of a blob; materialised trees that hold one of them go too.
    func putOut(_ digest: Digest) throws {
        for isExecutable in [false, true] {
            let path = content.path(of: digest, executable: isExecutable)
            guard let status = try FileStatus.of(path) else { continue }
            unlink(path)
            try MaterializedTrees(root: root, content: content).retire(holding: status)
        }
    }
}
