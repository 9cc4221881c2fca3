package import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

extension TreeStore {
    /// The path of a folder with this tree's content: hard links to the blobs, made once and shared by all who ask, which
    /// nobody may write to (mount it read-only). All times are `FileContentStore.modificationTime`, folders are 0755.
    /// - Throws: `store.missing-blob`
    package func materialize(_ root: Digest) async throws -> String {
        let shared = MaterializedTrees(root: self.root, content: content)
        return try await BlockingPool.run {
            try StoreFailure.reported(self.root) {
                if try content.lease.claim(.tree, [root], look: { Files.isDirectory(shared.path(of: root)) }) {
                    return shared.path(of: root)
                }
                try shared.make(root, TreeListing(of: root, in: self))
                return shared.path(of: root)
            }
        }
    }
}

/// The folders below `trees/`.
struct MaterializedTrees {
    let root: String
    let content: FileContentStore

    /// Folders out of use that a running step may still stand on: their markers are held until this process ends.
    private static let retired = Mutex<[TemporaryDirectory]>([])

    func path(of digest: Digest) -> String { "\(root)/trees/\(digest.hex.prefix(2))/\(digest.hex)" }

    /// Whoever is first gives the folder its name; all others find that they came late.
    func make(_ digest: Digest, _ listing: TreeListing) throws {
        try content.makeExecutable(Set(listing.files.lazy.filter(\.isExecutable).map(\.digest)))
        let work = try TemporaryDirectory(in: "\(root)/tmp", prefix: "tree")
        defer { try? work.remove() }
        let made = work.path + "/root"
        try makeDirectory(made)
        for directory in listing.directories { try makeDirectory("\(made)/\(directory)") }
        for file in listing.files { try place(file, at: "\(made)/\(file.path)") }
        for link in listing.symlinks {
            try Files.symlink(link.target, at: "\(made)/\(link.path)")
            try Files.setTimes("\(made)/\(link.path)", FileContentStore.modificationTime)
        }
        // Children first: making something in a folder changes the folder's time.
        for directory in listing.directories.reversed() { try Files.setTimes("\(made)/\(directory)", FileContentStore.modificationTime) }
        try Files.setTimes(made, FileContentStore.modificationTime)
        // A name in `trees/` must never stand for half a tree, also after a power cut.
        try Descriptor.open(made, O_RDONLY | O_DIRECTORY).syncFileSystem()
        let target = path(of: digest)
        try Files.makeDirectory(Files.parent(of: target), mode: 0o700)
        do { try Files.renameNew(made, to: target) } catch let error as SystemError where error.errno == EEXIST {}
    }

    /// Whatever the umask.
    private func makeDirectory(_ path: String) throws {
        try Files.makeDirectory(path, mode: 0o755)
        guard chmod(path, 0o755) == 0 else { throw SystemError.last("chmod", path) }
    }

    private func place(_ file: TreeListing.File, at path: String) throws {
        let blob = content.path(of: file.digest, executable: file.isExecutable)
        do { try Files.link(blob, to: path) } catch let error as SystemError {
            switch error.errno {
            // A file can have 65,000 names on ext4, and an empty one occurs often: a fresh one takes the blob's name, the trees that hold
            // the old one keep it.
            case EMLINK:
                try renew(file, blob)
                try Files.link(blob, to: path)
            case ENOENT: throw StoreFailure.missing(file.digest)
            default: throw error
            }
        }
    }

    private func renew(_ file: TreeListing.File, _ blob: String) throws {
        let work = try TemporaryDirectory(in: content.temporary, prefix: "renewed")
        defer { try? work.remove() }
        let path = work.path + "/copy"
        let copy = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL)
        guard try content.forEachChunk(of: file.digest, { try copy.write($0, to: path) }) else { throw StoreFailure.missing(file.digest) }
        try copy.setMode(file.isExecutable ? 0o755 : 0o644)
        try copy.setTimes(FileContentStore.modificationTime)
        try copy.sync(path)
        try Files.move(path, over: blob)
    }

    /// Takes every folder out of use in which the given file occurs.
    func retire(holding file: FileStatus) throws {
        for group in try Files.list("\(root)/trees") {
            for name in try Files.list("\(root)/trees/\(group)") {
                let path = "\(root)/trees/\(group)/\(name)"
                guard try holds(Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), file) else { continue }
                let grave = try TemporaryDirectory(in: "\(root)/tmp", prefix: "damaged")
                try Files.move(path, over: grave.path + "/root")
                MaterializedTrees.retired.withLock { $0.append(grave) }
            }
        }
    }

    private func holds(_ directory: Descriptor, _ file: FileStatus) throws -> Bool {
        for bytes in try directory.names() {
            let name = String(decoding: bytes, as: UTF8.self)
            let status = try directory.status(of: name)
            if status.inode == file.inode && status.device == file.device { return true }
            if status.kind == .directory,
                try holds(directory.openBeneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), file)
            {
                return true
            }
        }
        return false
    }
}
