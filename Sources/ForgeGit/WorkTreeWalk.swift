internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// One pass over a directory.
struct WorkTreeWalk {
    private(set) var listing = Listing()
    private let rules: IgnoreRules

    init(rules: IgnoreRules) { self.rules = rules }

    mutating func run(_ root: Descriptor) throws {
        _ = try walk(root, at: .root, Folder())
    }

    private struct Folder {
        /// Whether a rule ignores the folder, or another repository owns it: then only what git tracks counts.
        var onlyTracked = false
        /// Whether rules may apply here at all.
        var hasRules = false
    }

    /// Whether anything of the folder is part of the source.
    private mutating func walk(_ directory: Descriptor, at path: RelativePath, _ folder: Folder) throws -> Bool {
        guard path.components.count <= Listing.maximumDepth else { throw Listing.tooDeep(path) }
        let names = try reported(path) { try directory.names() }.sorted { $0.lexicographicallyPrecedes($1) }
        var folder = folder
        if names.contains(Array(".gitignore".utf8)) { folder.hasRules = true }
        if !path.isRoot && rules.isRepository && names.contains(Array(".git".utf8)) { folder.onlyTracked = true }
        if folder.onlyTracked && !rules.tracksAnything(below: path) { return false }
        try refuseBlockingRules(directory, at: path, folder)
        var entries: [SourceEntry] = []
        for bytes in names where bytes != Array(".git".utf8) {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                if folder.onlyTracked { continue }
                throw Listing.badName(bytes, in: path)
            }
            if let node = try visit(name, in: directory, at: path.appending(component: name), folder) {
                entries.append(SourceEntry(name: name, node: node))
            }
        }
        guard !entries.isEmpty || path.isRoot else { return false }
        try listing.add(entries, at: path)
        return true
    }

    private mutating func visit(_ name: String, in parent: Descriptor, at path: RelativePath, _ folder: Folder) throws -> SourceNode? {
        let status: FileStatus
        do { status = try parent.status(of: name) } catch let error as SystemError {
            if error.isNotFound { return nil }
            throw WorkTree.unreadable(path, error)
        }
        if status.kind == .directory { return try visitDirectory(name, in: parent, at: path, folder) }
        if !rules.tracks(path) {
            if folder.onlyTracked { return nil }
            if try rules.mayIgnore(folder.hasRules) && rules.ignores(path, isDirectory: false) { return nil }
        }
        switch status.kind {
        case .file: return .file(executable: status.isExecutable, size: status.size)
        case .symlink: return .symlink(target: try linkTarget(name, in: parent, at: path))
        default:
            throw ForgeError(
                .usage, "source.special-file", "`\(path)` is \(status.kind.description); a source holds files, folders and symbolic links",
                hint: "remove it, or list it in `.gitignore`")
        }
    }

    private mutating func visitDirectory(
        _ name: String, in parent: Descriptor, at path: RelativePath, _ folder: Folder
    ) throws -> SourceNode? {
        var folder = folder
        if try !folder.onlyTracked && rules.mayIgnore(folder.hasRules) && rules.ignores(path, isDirectory: true) {
            folder.onlyTracked = true
        }
        // Not even opened: what is ignored need not be readable.
        if folder.onlyTracked && !rules.tracksAnything(below: path) { return nil }
        let directory = try reported(path) { try parent.openBeneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) }
        return try walk(directory, at: path, folder) ? .directory : nil
    }

    private func linkTarget(_ name: String, in parent: Descriptor, at path: RelativePath) throws -> String {
        let bytes = try reported(path) { try parent.linkTarget(of: name) }
        guard let target = String(validating: bytes, as: UTF8.self) else {
            throw ForgeError(.usage, "source.name", "the target of the symbolic link `\(path)` is not UTF-8", hint: "make it anew")
        }
        return target
    }

    /// libgit2 opens `.gitignore` itself, and opening a FIFO waits for ever.
    private func refuseBlockingRules(_ directory: Descriptor, at path: RelativePath, _ folder: Folder) throws {
        guard folder.hasRules, let status = try? directory.status(of: ".gitignore") else { return }
        switch status.kind {
        case .file, .symlink, .directory: return
        default:
            throw ForgeError(
                .usage, "source.special-file", "`\(path.appending(component: ".gitignore"))` is \(status.kind.description)",
                hint: "replace it by a file")
        }
    }

    private func reported<Value>(_ path: RelativePath, _ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as SystemError { throw WorkTree.unreadable(path, error) }
    }
}
