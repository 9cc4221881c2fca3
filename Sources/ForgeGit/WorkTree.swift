package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// A directory as git would commit it, whether or not git knows it.
///
/// Inside a repository: tracked files (also ignored ones) and untracked ones that no rule ignores; other repositories in it
/// are left out. Elsewhere: everything that no `.gitignore` ignores. Never `.git`; no folder without a file in it, as git
/// keeps none. So a clean checkout and its commit are the same tree. The listing is made once, when the value is made.
package struct WorkTree: SourceTree {
    /// Absolute, without links.
    package let path: String
    /// Full id of the commit checked out; nil without a repository or before the first commit.
    package let head: String?
    /// By path; the tree has nothing there.
    package let submodules: [Submodule]
    private let root: Descriptor
    private let listing: Listing
    private let record: WorkTreeRecord
    /// Digests of files that are as a memo knows them.
    private let known: [RelativePath: Digest]

    /// Lists the directory at `path`. Blocks.
    /// - Throws: `source.missing`, `source.not-a-directory`, `source.unreadable`, `source.special-file`, `source.name`,
    ///   `source.submodule-file`, `source.bare`, `source.owner` …
    /// - Parameter memo: of an earlier snapshot; saves reading the files that are as they were.
    package init(at path: String, memo: WorkTreeMemo? = nil) throws {
        (self.path, root) = try WorkTree.openRoot(path)
        var walk = try WorkTreeWalk(of: self.path)
        try walk.run(root)
        head = walk.head
        submodules = walk.submodules
        listing = walk.listing
        record = walk.record
        known = memo?.digests(of: record) ?? [:]
    }

    /// The same, off the cooperative pool.
    package static func open(at path: String, memo: WorkTreeMemo? = nil) async throws -> WorkTree {
        try await BlockingPool.run { try WorkTree(at: path, memo: memo) }
    }

    package func knownDigest(of path: RelativePath) throws -> Digest? { known[path] }

    /// What to remember of this snapshot: it was stored as `root`, with these digests of its files.
    /// - Parameter isWhole: whether that is all of the source.
    package func memo(root: Digest, isWhole: Bool = true, digests: [RelativePath: Digest]) -> WorkTreeMemo {
        WorkTreeMemo(record, root: root, isWhole: isWhole) { digests[$0] }
    }

    /// Hands an edited file of the work tree at `directory` to `body` piece by piece; false when it is no file any more. Blocks.
    package static func forEachChunk(
        of file: EditedFile, in directory: String, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        guard let folder = try? Descriptor.open(directory, O_RDONLY | O_DIRECTORY),
            let handle = try? folder.openBeneath(file.path.string, O_RDONLY | O_NONBLOCK | O_NOFOLLOW),
            try handle.signature().isFile
        else { return false }
        try reported(file.path) { try handle.forEachChunk(body) }
        return true
    }

    package func node(at path: RelativePath) throws -> SourceNode? { listing.node(at: path) }
    package func entries(of path: RelativePath) throws -> [SourceEntry] { listing.entries(of: path) }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        guard let file = try file(at: path) else { return nil }
        return try WorkTree.reported(path) { try file.readAll(limit: limit) }
    }

    package func forEachChunk(of path: RelativePath, _ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        guard let file = try file(at: path) else { return false }
        var failure: (any Error)?
        try WorkTree.reported(path) {
            try file.forEachChunk { bytes in
                guard failure == nil else { return }
                do { try body(bytes) } catch { failure = error }
            }
        }
        if let failure { throw failure }
        return true
    }

    /// Only what the listing holds can be read, and only as long as it is still a file inside the directory.
    private func file(at path: RelativePath) throws -> Descriptor? {
        guard case .file? = listing.node(at: path) else { return nil }
        do {
            let file = try root.openBeneath(path.string, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            return try file.status().kind == .file ? file : nil
        } catch let error as SystemError {
            if error.isNotFound || error.errno == ELOOP { return nil }
            throw WorkTree.unreadable(path, error)
        }
    }

    private static func openRoot(_ path: String) throws -> (String, Descriptor) {
        do {
            guard let real = try Files.resolved(path) else {
                throw ForgeError(.usage, "source.missing", "no directory `\(path)`")
            }
            guard Files.isDirectory(real) else {
                throw ForgeError(.usage, "source.not-a-directory", "`\(path)` is not a directory")
            }
            return (real, try Descriptor.open(real, O_RDONLY | O_DIRECTORY))
        } catch let error as SystemError {
            throw ForgeError(.usage, "source.unreadable", "cannot read the directory `\(path)`", cause: error)
        }
    }

    private static func reported<Value>(_ path: RelativePath, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as SystemError { throw unreadable(path, error) }
    }

    static func unreadable(_ path: RelativePath, _ error: SystemError) -> ForgeError {
        ForgeError(
            .usage, "source.unreadable", "cannot read `\(path)`",
            hint: error.isPermission ? "make it readable, or list it in `.gitignore`" : nil, cause: error)
    }
}
