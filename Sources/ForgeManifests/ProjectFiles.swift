package import ForgeModel
package import ForgePatterns
package import ForgeTOML

/// One app's files, read through a bounded, remembering window: each file once, links followed inside the tree only, and
/// never a look into folders that tools fill. Used by one detection on one thread.
package final class ProjectFiles {
    /// Larger files are read up to here.
    package static let textLimit = 512 << 10
    /// Larger manifests are refused.
    package static let manifestLimit = 4 << 20
    /// Never searched by patterns.
    package static let skippedFolders: Set<String> = [
        ".git", ".hg", ".svn", "node_modules", "bower_components", ".venv", "venv", "__pycache__", "site-packages", ".next", ".cache",
        "vendor",
    ]
    /// Folders beside a program that show, try or serve it: what begins in them is not what the project is.
    package static let sideFolders: Set<String> = [
        "example", "examples", "_example", "_examples", "test", "tests", "__tests__", "testdata", "fixtures", "benchmark", "benchmarks",
        "tools", "scripts",
    ]
    /// So much of a file is searched for what a merge left in it.
    private static let conflictLimit = 16 << 20
    private static let entryLimit = 20_000

    private let tree: any SourceTree
    package let root: RelativePath
    /// Folders below the root that are as if they were not there: those of other apps.
    private let hidden: Set<RelativePath>
    private var texts: [RelativePath: String?] = [:]
    private var listings: [RelativePath: [SourceEntry]] = [:]
    private var parsedJSON: [RelativePath: Result<JSONNode, JSONSyntaxError>] = [:]
    private var parsedYAML: [RelativePath: Result<JSONNode, JSONSyntaxError>] = [:]
    private var parsedTOML: [RelativePath: Result<TOMLTable, TOMLSyntaxError>] = [:]
    private var nodes: [RelativePath: SourceNode?] = [:]
    private var listed = 0
    /// Files whose content was looked at, and paths that were looked for in vain: while neither changes, nothing else does.
    package private(set) var filesRead: Set<RelativePath> = []
    package private(set) var filesAbsent: Set<RelativePath> = []

    package init(tree: any SourceTree, root: RelativePath = .root, hidden: Set<RelativePath> = []) {
        self.tree = tree
        self.root = root
        self.hidden = hidden
    }

    /// The same tree, seen from a folder below this one's root, without the folders of others in it.
    package func folder(_ path: RelativePath, without others: [RelativePath] = []) -> ProjectFiles {
        let hidden = others.filter { $0 != path }.compactMap { $0.relative(to: path) }
        return ProjectFiles(tree: tree, root: root.appending(path), hidden: Set(hidden))
    }

    /// The whole source.
    package var atSource: ProjectFiles { ProjectFiles(tree: tree) }

    /// Asks for the path and the folders it lies in, however many are hidden.
    private func isHidden(_ path: RelativePath) -> Bool {
        guard !hidden.isEmpty else { return false }
        var path = path
        while !hidden.contains(path) {
            if path.isRoot { return false }
            path = path.parent
        }
        return true
    }

    /// What stands at a path below the app's root, links followed; nil when nothing does.
    package func node(_ path: RelativePath) throws -> SourceNode? {
        guard !isHidden(path) else { return nil }
        if let known = nodes[path] { return known }
        guard let real = try tree.resolve(root.appending(path)) else {
            filesAbsent.insert(path)
            nodes[path] = .some(nil)
            return nil
        }
        let node = real.isRoot ? .directory : try tree.node(at: real)
        nodes[path] = .some(node)
        return node
    }

    /// The first folder above the app's root, up to the source's, in which a file of this name lies.
    package func above(_ glob: Glob) throws -> RelativePath? {
        var folder = root
        while !folder.isRoot {
            folder = folder.parent
            for parts in glob.alternatives {
                let path = parts.reduce(folder) { $0.appending(component: $1) }
                if let real = try tree.resolve(path), !real.isRoot, case .file? = try tree.node(at: real) { return path }
            }
        }
        return nil
    }

    package func isFile(_ path: RelativePath) throws -> Bool {
        if case .file = try node(path) { true } else { false }
    }

    package func entries(_ path: RelativePath) throws -> [SourceEntry] {
        if let known = listings[path] { return known }
        let real = try tree.resolve(root.appending(path))
        let all = try real.map { try tree.entries(of: $0) } ?? []
        let entries = hidden.isEmpty ? all : all.filter { !isHidden(path.appending(component: $0.name)) }
        listings[path] = entries
        listed += entries.count
        return entries
    }

    /// The beginning of a file as text; nil when there is no file.
    package func text(_ path: RelativePath, limit: Int = ProjectFiles.textLimit) throws -> String? {
        if let known = texts[path] { return known }
        let text = try bytes(path, limit: limit).map(SourceText.decode)
        texts[path] = text
        return text
    }

    /// - Throws: `ForgeError` `detect.manifest-syntax` with the place of the first mistake.
    package func json(_ path: RelativePath) throws -> JSONNode? {
        if parsedJSON[path] == nil {
            guard let text = try manifest(path) else { return nil }
            let isStrict = ProjectFiles.isStrict(path)
            parsedJSON[path] = Result { () throws(JSONSyntaxError) in
                let node = try JSONParser.parse(text, isJSON5: !isStrict)
                if isStrict, case .object = node.value { return node }
                if isStrict { throw JSONSyntaxError(message: "it has to be one object, `{…}`", line: node.line, column: node.column) }
                return node
            }
        }
        switch parsedJSON[path] {
        case .success(let node)?: return node
        case .failure(let error)?: throw broken(path, "JSON", error.message, error.line, error.column)
        case nil: return nil
        }
    }

    /// The first document of a YAML file, in the words of JSON.
    /// - Throws: `ForgeError` `detect.manifest-syntax` with the place of the first mistake.
    package func yaml(_ path: RelativePath) throws -> JSONNode? {
        if parsedYAML[path] == nil {
            guard let text = try manifest(path) else { return nil }
            parsedYAML[path] = Result { () throws(JSONSyntaxError) in try YAMLDocument.parse(text) }
        }
        switch parsedYAML[path] {
        case .success(let node)?: return node
        case .failure(let error)?: throw broken(path, "YAML", error.message, error.line, error.column)
        case nil: return nil
        }
    }

    /// - Throws: `ForgeError` `detect.manifest-syntax` with the place of the first mistake.
    package func toml(_ path: RelativePath) throws -> TOMLTable? {
        if parsedTOML[path] == nil {
            guard let text = try manifest(path) else { return nil }
            parsedTOML[path] = Result { () throws(TOMLSyntaxError) in try TOML.parse(Array(text.utf8)) }
        }
        switch parsedTOML[path] {
        case .success(let table)?: return table
        case .failure(let error)?: throw broken(path, "TOML", error.message, error.position.line, error.position.column)
        case nil: return nil
        }
    }

    /// The line at which git has left two versions of a file in it, for somebody to choose one.
    package func conflict(in path: RelativePath) throws -> Int? {
        guard try isFile(path), let bytes = try bytes(path, limit: ProjectFiles.conflictLimit) else { return nil }
        return SourceText.conflict(in: bytes)
    }

    /// Every path below the app's root that fits, sorted; at most `limit`.
    /// - Parameter passing: names of folders at the root that a pattern does not lead into, unless it says them.
    package func expand(
        _ glob: Glob, kind: FileKind = .file, depth: Int = 0, limit: Int = 64, passing: Set<String> = []
    ) throws -> [RelativePath] {
        var found = Finds(limit: limit * 4, passed: passing)
        for start in try folders(depth: depth) {
            for parts in glob.alternatives { try expand(parts[...], below: start, kind, &found) }
        }
        return Array(found.paths.sorted().prefix(limit))
    }

    private struct Finds {
        var paths: Set<RelativePath> = []
        let limit: Int
        let passed: Set<String>

        func passes(_ name: String, in folder: RelativePath) -> Bool { folder.isRoot && passed.contains(name) }
    }

    /// How a path is named to the user: below the source's root, not the app's.
    package func display(_ path: RelativePath) -> String { root.appending(path).display }

    private func expand(
        _ parts: ArraySlice<String>, below folder: RelativePath, _ kind: FileKind, _ found: inout Finds
    ) throws {
        guard let part = parts.first, found.paths.count < found.limit else { return }
        let rest = parts.dropFirst()
        if part == "**" {
            try expand(rest, below: folder, kind, &found)
            guard folder.components.count < 6, isListable(folder) else { return }
            for name in try subfolders(folder) where !found.passes(name, in: folder) {
                try expand(parts, below: folder.appending(component: name), kind, &found)
            }
        } else if !Glob.isWild(part) {
            try visit(folder.appending(component: part), rest, kind, &found)
        } else if isListable(folder) {
            for entry in try entries(folder) where Glob.matches(entry.name, part: part) && isVisible(entry.name, part) {
                if !rest.isEmpty, found.passes(entry.name, in: folder) { continue }
                try visit(folder.appending(component: entry.name), rest, kind, &found)
            }
        }
    }

    private func visit(
        _ path: RelativePath, _ rest: ArraySlice<String>, _ kind: FileKind, _ found: inout Finds
    ) throws {
        guard let node = try node(path) else { return }
        switch (rest.isEmpty, node) {
        case (true, .file): if kind != .directory { found.paths.insert(path) }
        case (true, .directory): if kind != .file { found.paths.insert(path) }
        case (false, .directory): try expand(rest, below: path, kind, &found)
        default: break
        }
    }

    /// A tree of many thousand files is searched by name everywhere, by pattern only as far as this many entries.
    private func isListable(_ folder: RelativePath) -> Bool { folder.isRoot || listings[folder] != nil || listed < ProjectFiles.entryLimit }

    /// A pattern finds hidden names only when it says the dot, and never what tools made.
    private func isVisible(_ name: String, _ part: String) -> Bool {
        (!name.hasPrefix(".") || part.hasPrefix(".")) && !ProjectFiles.skippedFolders.contains(name)
    }

    private func folders(depth: Int) throws -> [RelativePath] {
        var all = [RelativePath.root]
        var level = all
        for _ in 0..<depth {
            level = try level.flatMap { folder in try subfolders(folder).map { folder.appending(component: $0) } }
            all += level
            if listed >= ProjectFiles.entryLimit { break }
        }
        return all
    }

    package func subfolders(_ folder: RelativePath) throws -> [String] {
        try entries(folder).compactMap { entry in
            entry.node == .directory && !entry.name.hasPrefix(".") && !ProjectFiles.skippedFolders.contains(entry.name) ? entry.name : nil
        }
    }

    /// What the ecosystem's own tools read strictly, and lockfiles, which only they write.
    private static func isStrict(_ path: RelativePath) -> Bool {
        ["package.json", "composer.json", "package-lock.json", "npm-shrinkwrap.json", "composer.lock", "Pipfile.lock"].contains(path.name)
    }

    private func bytes(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        guard let real = try tree.resolve(root.appending(path)), let bytes = try tree.read(real, limit: limit) else {
            filesAbsent.insert(path)
            return nil
        }
        filesRead.insert(path)
        return bytes
    }

    private func manifest(_ path: RelativePath) throws -> String? {
        guard let bytes = try bytes(path, limit: ProjectFiles.manifestLimit + 1) else { return nil }
        guard bytes.count <= ProjectFiles.manifestLimit else {
            throw ForgeError(
                .configuration, "detect.manifest-too-large", "`\(display(path))` is larger than 4 MB: a manifest is read whole",
                at: SourceLocation(file: display(path)))
        }
        return SourceText.decode(bytes)
    }

    private func broken(_ path: RelativePath, _ format: String, _ message: String, _ line: Int, _ column: Int) -> ForgeError {
        ForgeError(
            .configuration, "detect.manifest-syntax", "`\(display(path))` is not valid \(format): \(message)",
            at: SourceLocation(file: display(path), line: line, column: column),
            hint: "correct the file: it decides how the project is built")
    }
}

/// What may stand at a path that is looked for.
package enum FileKind: String, Sendable, CaseIterable { case file, directory, any }
