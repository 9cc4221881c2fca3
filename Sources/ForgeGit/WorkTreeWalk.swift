internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// One pass over a directory.
struct WorkTreeWalk {
    private(set) var listing = Listing()
    private(set) var record = WorkTreeRecord()
    /// Full id of the commit checked out.
    let head: String?
    let submodules: [Submodule]
    /// Nil without a repository.
    private let tracked: TrackedFiles?
    /// Where the directory lies below the work tree's root, which rules are relative to.
    private let prefix: RelativePath
    private let rules: IgnoreRules

    /// - Parameter path: absolute, without links.
    init(of path: String) throws {
        record.watch(WorkTreeRecord.repositories(above: path))
        do {
            guard let repository = try GitRepository.holding(path), let context = try RepositoryContext(repository, path) else {
                (head, tracked, prefix, rules, submodules) = (nil, nil, .root, IgnoreRules(), [])
                return
            }
            (tracked, prefix, rules, submodules) = (context.tracked, repository.prefix, context.rules, context.submodules)
            record.watch(context.watched)
            head = try repository.head()
        } catch let failure as GitFailure {
            throw ForgeError(.usage, "source.unreadable-repository", "cannot read the repository of `\(path)`", cause: failure)
        }
    }

    mutating func run(_ root: Descriptor) throws { _ = try walk(root, at: .root, Folder(rules: rules)) }

    private struct Folder {
        var rules: IgnoreRules
        /// Whether a rule ignores the folder, or another repository owns it: then only what git tracks counts.
        var onlyTracked = false
    }

    /// Whether anything of the folder is part of the source.
    private mutating func walk(_ directory: Descriptor, at path: RelativePath, _ folder: Folder) throws -> Bool {
        guard path.components.count <= Listing.maximumDepth else { throw Listing.tooDeep(path) }
        // Before its names: what comes in between shows in the next look.
        let number = record.open(path, try reported(path) { try directory.signature() })
        let names = try reported(path) { try directory.names() }.sorted { $0.lexicographicallyPrecedes($1) }
        var folder = folder
        if !path.isRoot && tracked != nil && names.contains(Array(".git".utf8)) { folder.onlyTracked = true }
        if folder.onlyTracked && !tracksAnything(below: path) { return false }
        if names.contains(Array(".gitignore".utf8)) {
            try reported(path.appending(component: ".gitignore")) {
                record.add(".gitignore", .rules, try directory.status(of: ".gitignore").signature, to: number)
                try folder.rules.addFile(in: directory, at: prefix.appending(path))
            }
        }
        var entries: [SourceEntry] = []
        for name in names where name != Array(".git".utf8) {
            if let entry = try visit(name, in: directory, at: path, folder, number) { entries.append(entry) }
        }
        guard !entries.isEmpty || path.isRoot else { return false }
        try listing.add(entries, at: path)
        return true
    }

    private mutating func visit(
        _ bytes: [UInt8], in parent: Descriptor, at folder: RelativePath, _ context: Folder, _ number: Int
    ) throws -> SourceEntry? {
        guard let name = String(validating: bytes, as: UTF8.self) else {
            // Whether it is a folder cannot be asked by this name; rules for folders alone do not excuse it.
            if context.onlyTracked || context.rules.ignores(bytes, in: prefix.appending(folder), isDirectory: false) { return nil }
            throw Listing.badName(bytes, in: folder)
        }
        let path = folder.appending(component: name)
        let status: FileStatus
        do { status = try parent.status(of: name) } catch let error as SystemError {
            if error.isNotFound { return nil }
            throw WorkTree.unreadable(path, error)
        }
        if status.kind == .directory {
            return try visitDirectory(name, in: parent, at: path, context) ? SourceEntry(name: name, node: .directory) : nil
        }
        if tracked?.contains(path) != true {
            if context.onlyTracked || context.rules.ignores(bytes, in: prefix.appending(folder), isDirectory: false) { return nil }
        }
        let node = try node(name, status, in: parent, at: path)
        record.add(name, status.kind == .symlink ? .symlink : .file, status.signature, to: number)
        return SourceEntry(name: name, node: node)
    }

    private func node(_ name: String, _ status: FileStatus, in parent: Descriptor, at path: RelativePath) throws -> SourceNode {
        switch status.kind {
        case .file: return .file(executable: status.isExecutable, size: status.size)
        case .symlink:
            let bytes = try reported(path) { try parent.linkTarget(of: name) }
            guard let target = String(validating: bytes, as: UTF8.self) else {
                throw ForgeError(.usage, "source.name", "the target of the symbolic link `\(path)` is not UTF-8", hint: "make it anew")
            }
            return .symlink(target: target)
        default:
            throw ForgeError(
                .usage, "source.special-file", "`\(path)` is \(status.kind.description); a source holds files, folders and symbolic links",
                hint: "remove it, or list it in `.gitignore`")
        }
    }

    private mutating func visitDirectory(_ name: String, in parent: Descriptor, at path: RelativePath, _ context: Folder) throws -> Bool {
        var folder = context
        if !folder.onlyTracked && folder.rules.ignores(Array(name.utf8), in: prefix.appending(path.parent), isDirectory: true) {
            folder.onlyTracked = true
        }
        // Not even opened: what is ignored need not be readable.
        if folder.onlyTracked && !tracksAnything(below: path) { return false }
        let directory = try reported(path) { try parent.openBeneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) }
        return try walk(directory, at: path, folder)
    }

    private func tracksAnything(below path: RelativePath) -> Bool { tracked?.containsAnything(below: path) ?? false }

    private func reported<Value>(_ path: RelativePath, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as SystemError { throw WorkTree.unreadable(path, error) }
    }
}

/// What a repository says about a directory in its work tree.
private struct RepositoryContext {
    let tracked: TrackedFiles
    let submodules: [Submodule]
    /// Of the folders above the directory, and of the repository as a whole.
    private(set) var rules = IgnoreRules()
    /// The files these come from.
    private(set) var watched: [WorkTreeRecord.Watched] = []

    /// Nil when the repository ignores the directory as a whole: then it stands on its own.
    init?(_ repository: GitRepository, _ path: String) throws {
        guard let workTree = repository.workTree else {
            throw ForgeError(
                .usage, "source.bare", "`\(path)` is a repository without a work tree", hint: "name a commit with `--commit`")
        }
        // Before they are read.
        watched = repository.ruleFiles.map { WorkTreeRecord.Watched(contentOf: $0) }
        tracked = try TrackedFiles(of: repository)
        do {
            let file = try Descriptor.open(workTree, O_RDONLY | O_DIRECTORY)
            submodules = try tracked.submodules(Self.submoduleFile(in: file))
            if let bytes = try Files.read(repository.commonFolder + "/info/exclude", limit: 4 << 20) { rules.add(bytes, in: .root) }
            var directory = try Descriptor.open(workTree, O_RDONLY | O_DIRECTORY)
            var folder = RelativePath.root
            for name in repository.prefix.components {
                try rules.addFile(in: directory, at: folder)
                if rules.ignores(Array(name.utf8), in: folder, isDirectory: true) && !tracked.containsAnything(below: .root) { return nil }
                directory = try directory.openBeneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                folder = folder.appending(component: name)
            }
        } catch let error as SystemError {
            throw ForgeError(.usage, "source.unreadable", "cannot read the ignore rules that apply to `\(path)`", cause: error)
        }
    }

    /// A regular file, never a link.
    private static func submoduleFile(in workTree: Descriptor) throws -> SubmoduleFile {
        let flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW
        guard let file = try? workTree.openBeneath(SubmoduleFile.name, flags), try file.status().kind == .file else {
            return SubmoduleFile()
        }
        return try SubmoduleFile(parsing: file.readAll(limit: SubmoduleFile.maximumBytes + 1))
    }
}
