internal import ForgeGit
internal import ForgeModel
internal import ForgeSystem

/// What `stat` says of a work tree, compared with the memo of its last snapshot. Needs no store, so it can be taken while that is opened.
package struct WorkTreeGlance: Sendable {
    /// Of the directory, without links.
    let path: String
    let memo: WorkTreeMemo
    /// When it began, nanoseconds since 1970.
    let began: Int64
    let finding: WorkTreeFinding

    /// Nil where there is no memo, or one of a source that is never whole by itself.
    /// - Parameter folders: the same as of the fetches for this source.
    package static func take(at location: String, in folders: SourceFolders) async -> WorkTreeGlance? {
        let found = await BlockingPool.run { () -> (String, WorkTreeMemo)? in
            guard let path = (try? Files.resolved(location)) ?? nil, let memo = WorkTreeMemo.load(memoPath(of: path, in: folders)),
                memo.isWhole
            else { return nil }
            return (path, memo)
        }
        guard let (path, memo) = found else { return nil }
        let began = FileSignature.now()
        return WorkTreeGlance(path: path, memo: memo, began: began, finding: await memo.check(path))
    }

    static func memoPath(of path: String, in folders: SourceFolders) -> String { "\(folders.snapshots)/\(Digest(of: path).hex).memo" }
}
