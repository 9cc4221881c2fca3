internal import CLibgit2
internal import Glibc
internal import ForgeModel

/// The whole tree of a commit: what stands where, and which object it is.
struct CommitListing: Sendable {
    struct Blob: Sendable {
        let id: ObjectID
        /// What it is to the content store, where that is known.
        let digest: Digest?
    }

    private(set) var tree = Listing()
    private(set) var blobs: [RelativePath: Blob] = [:]
    /// Where other repositories belong, and which commit of each; `tree` has nothing there, and no folder for them alone.
    private(set) var submodules: [Submodule] = []
    private var links: [RelativePath: ObjectID] = [:]

    /// Lists the folder `prefix` of `commit`. The sizes of blobs whose digests are known are taken from there.
    /// - Throws: `GitFailure` when objects are missing or damaged; `source.name`, `source.missing` …
    init(of commit: ObjectID, below prefix: RelativePath, in handle: OpaquePointer, digests: BlobDigests = .init()) throws {
        var database: OpaquePointer?
        try Libgit2.check(git_repository_odb(&database, handle))
        defer { git_odb_free(database) }
        let root = try CommitListing.root(of: commit, at: prefix, in: handle)
        defer { git_tree_free(root) }
        _ = try list(root, at: .root, Source(handle: handle, database: database, digests: digests))
        guard !links.isEmpty else { return }
        let file = try CommitListing.submoduleFile(of: commit, in: handle)
        submodules = links.map { file.submodule(at: $0.key, below: prefix, commit: $0.value) }.sorted { $0.path < $1.path }
    }

    private struct Source {
        let handle: OpaquePointer
        let database: OpaquePointer?
        let digests: BlobDigests
    }

    /// The bytes of a blob, during `body`.
    static func withBlob(_ id: ObjectID, in handle: OpaquePointer, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var raw = try id.raw()
        var blob: OpaquePointer?
        try Libgit2.check(git_blob_lookup(&blob, handle, &raw))
        defer { git_blob_free(blob) }
        try body(UnsafeRawBufferPointer(start: git_blob_rawcontent(blob), count: Int(git_blob_rawsize(blob))))
    }

    /// That of the whole commit: a regular file, never a link.
    private static func submoduleFile(of commit: ObjectID, in handle: OpaquePointer) throws -> SubmoduleFile {
        let tree = try root(of: commit, at: .root, in: handle)
        defer { git_tree_free(tree) }
        guard let entry = git_tree_entry_byname(tree, SubmoduleFile.name), let id = git_tree_entry_id(entry)?.pointee,
            [GIT_FILEMODE_BLOB, GIT_FILEMODE_BLOB_EXECUTABLE].contains(git_tree_entry_filemode(entry))
        else { return SubmoduleFile() }
        var bytes: [UInt8] = []
        try withBlob(ObjectID(id), in: handle) { bytes = Array($0.prefix(SubmoduleFile.maximumBytes + 1)) }
        return try SubmoduleFile(parsing: bytes)
    }

    private static func root(of id: ObjectID, at prefix: RelativePath, in handle: OpaquePointer) throws -> OpaquePointer {
        var raw = try id.raw()
        var commit: OpaquePointer?
        var tree: OpaquePointer?
        try Libgit2.check(git_commit_lookup(&commit, handle, &raw))
        defer { git_commit_free(commit) }
        try Libgit2.check(git_commit_tree(&tree, commit))
        guard let tree else { throw GitFailure(code: GIT_ERROR, message: "no tree") }
        if prefix.isRoot { return tree }
        defer { git_tree_free(tree) }
        var entry: OpaquePointer?
        defer { git_tree_entry_free(entry) }
        var folder: OpaquePointer?
        guard git_tree_entry_bypath(&entry, tree, prefix.string) == 0, let entry, git_tree_entry_type(entry) == GIT_OBJECT_TREE else {
            throw ForgeError(.usage, "source.missing", "no folder `\(prefix)` in commit `\(id.hex)`")
        }
        try Libgit2.check(git_tree_lookup(&folder, handle, git_tree_entry_id(entry)))
        guard let folder else { throw GitFailure(code: GIT_ERROR, message: "no tree") }
        return folder
    }

    /// False for a folder that holds nothing but submodules: git keeps none that is empty.
    private mutating func list(_ folder: OpaquePointer, at path: RelativePath, _ source: Source) throws -> Bool {
        guard path.components.count <= Listing.maximumDepth else { throw Listing.tooDeep(path) }
        var entries: [SourceEntry] = []
        var names: Set<RelativePath> = []
        for number in 0..<git_tree_entrycount(folder) {
            guard let entry = git_tree_entry_byindex(folder, number) else { continue }
            let child = path.appending(component: try CommitListing.name(of: entry, in: path))
            guard names.insert(child).inserted else { throw CommitListing.impossible(child.string) }
            if let node = try add(entry, at: child, source) { entries.append(SourceEntry(name: child.name, node: node)) }
        }
        if entries.isEmpty && !names.isEmpty && !path.isRoot { return false }
        try tree.add(entries, at: path)
        return true
    }

    private mutating func add(_ entry: OpaquePointer, at path: RelativePath, _ source: Source) throws -> SourceNode? {
        guard let id = git_tree_entry_id(entry) else { throw CommitListing.impossible(path.string) }
        switch git_tree_entry_filemode(entry) {
        case GIT_FILEMODE_TREE:
            var folder: OpaquePointer?
            try Libgit2.check(git_tree_lookup(&folder, source.handle, id))
            defer { git_tree_free(folder) }
            guard let folder else { throw CommitListing.impossible(path.string) }
            return try list(folder, at: path, source) ? .directory : nil
        case GIT_FILEMODE_COMMIT:
            links[path] = ObjectID(id.pointee)
            return nil
        case GIT_FILEMODE_LINK: return .symlink(target: try CommitListing.target(ObjectID(id.pointee), at: path, source.handle))
        case let mode:
            let blob = ObjectID(id.pointee)
            let digest = source.digests.digest(of: blob)
            blobs[path] = Blob(id: blob, digest: digest)
            let size = try digest?.sizeBytes ?? CommitListing.size(of: blob, source)
            return .file(executable: mode == GIT_FILEMODE_BLOB_EXECUTABLE, size: size)
        }
    }

    private static func size(of blob: ObjectID, _ source: Source) throws -> Int64 {
        var size = 0
        var type = GIT_OBJECT_BLOB
        var raw = try blob.raw()
        try Libgit2.check(git_odb_read_header(&size, &type, source.database, &raw))
        return Int64(size)
    }

    private static func target(_ id: ObjectID, at path: RelativePath, _ handle: OpaquePointer) throws -> String {
        var target: String?
        try withBlob(id, in: handle) { target = String(validating: $0, as: UTF8.self) }
        guard let target, !target.isEmpty, !target.utf8.contains(0) else {
            throw ForgeError(.usage, "source.name", "the target of the symbolic link `\(path)` is empty or not UTF-8")
        }
        return target
    }

    /// A tree can be made by hand, with names that no folder could hold.
    private static func name(of entry: OpaquePointer, in folder: RelativePath) throws -> String {
        let bytes = git_tree_entry_name(entry).map { UnsafeRawBufferPointer(start: $0, count: strlen($0)) }
        guard let bytes, let name = String(validating: bytes, as: UTF8.self) else {
            throw Listing.badName(bytes ?? .init(start: nil, count: 0), in: folder)
        }
        if name.isEmpty || [".", "..", ".git"].contains(name) || name.utf8.contains(UInt8(ascii: "/")) {
            throw impossible("\(folder)/\(name)")
        }
        return name
    }

    private static func impossible(_ path: String) -> ForgeError {
        ForgeError(.usage, "source.name", "the commit holds the impossible or repeated name `\(path)`", hint: "`git fsck` tells more")
    }
}
