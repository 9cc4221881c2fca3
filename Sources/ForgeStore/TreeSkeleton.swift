internal import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

/// The shape of a tree whose files are not hashed yet: directories with children before parents, the root last, and the
/// files that they count on by number.
struct TreeSkeleton: Sendable {
    struct Directory: Sendable {
        var files: [(name: String, isExecutable: Bool, file: Int)] = []
        var symlinks: [(name: String, target: String)] = []
        var directories: [(name: String, directory: Int)] = []

        var isEmpty: Bool { files.isEmpty && symlinks.isEmpty && directories.isEmpty }
    }

    private(set) var directories: [Directory] = []
    private(set) var files: [RelativePath] = []

    mutating func append(_ directory: Directory) -> Int {
        directories.append(directory)
        return directories.count - 1
    }

    mutating func append(file: RelativePath) -> Int {
        files.append(file)
        return files.count - 1
    }

    /// Adds the directory messages to `batch`; `digests` are those of `files`, in their order.
    func stage(in batch: BlobBatch, digests: [Digest]) throws -> Digest {
        var done: [Digest] = []
        done.reserveCapacity(directories.count)
        for directory in directories {
            var message = DirectoryMessage()
            message.files = directory.files.map { .init(name: $0.name, digest: digests[$0.file], isExecutable: $0.isExecutable) }
            message.symlinks = directory.symlinks.map { .init(name: $0.name, target: $0.target) }
            message.directories = directory.directories.map { .init(name: $0.name, digest: done[$0.directory]) }
            done.append(try batch.add(message.canonicalBytes()))
        }
        guard let root = done.last else { return try batch.add(DirectoryMessage().canonicalBytes()) }
        return root
    }
}

extension TreeSkeleton {
    /// Lists `source` without what `excluding` names. A folder that is left empty by that is dropped; one that was empty
    /// before is kept.
    init(of source: any SourceTree, excluding: (RelativePath) -> Bool) throws {
        _ = try addDirectory(.root, of: source, excluding: excluding)
    }

    private mutating func addDirectory(
        _ path: RelativePath, of source: any SourceTree, excluding: (RelativePath) -> Bool
    ) throws -> Int? {
        var directory = Directory()
        var dropped = false
        for entry in try source.entries(of: path) {
            let child = path.appending(component: entry.name)
            guard !excluding(child) else {
                dropped = true
                continue
            }
            switch entry.node {
            case .file(let executable, _): directory.files.append((entry.name, executable, append(file: child)))
            case .symlink(let target): directory.symlinks.append((entry.name, target))
            case .directory:
                if let number = try addDirectory(child, of: source, excluding: excluding) {
                    directory.directories.append((entry.name, number))
                } else {
                    dropped = true
                }
            }
        }
        if directory.isEmpty && dropped && !path.isRoot { return nil }
        return append(directory)
    }
}
