internal import ForgeManifests
internal import ForgeModel
internal import ForgePresets
internal import ForgeTOML

/// Finds what workspaces a folder is the root of.
struct WorkspaceReader {
    /// Of the folder.
    let facts: ProjectFacts

    struct Found {
        var managers: [PackageManager] = []
        var members: [Workspace.Member] = []
        /// Of projects that install for themselves.
        var folders: [RelativePath] = []

        func lists(_ folder: RelativePath) -> Bool { folders.contains(folder) || members.contains { $0.path == folder } }
    }

    /// The managers that list members there, and the members; where none does, what a tool for such repositories lists; nil when none does.
    /// - Throws: `ForgeError`: `workspace.…`, `detect.manifest-syntax`, `detect.several-lockfiles`
    func read() throws -> Found? {
        var managers: [PackageManager] = []
        var members: [Workspace.Member] = []
        for ecosystem in Ecosystem.allCases {
            guard try isListed(ecosystem), let manager = try facts.packageManager(ecosystem), let rule = manager.workspace,
                let lists = try lists(rule)
            else { continue }
            let folders = try MemberPatterns(files: facts.files, rule: rule).folders(lists.members, excluding: lists.excluded)
            guard folders.contains(where: { !$0.isRoot }) else { continue }
            managers.append(manager)
            members += try MemberReader(files: facts.files, manager: manager, rule: rule).members(folders)
        }
        return managers.isEmpty ? try listed() : Found(managers: managers, members: members)
    }

    private func listed() throws -> Found? {
        for tool in MonorepoTool.all {
            guard let folders = try tool.folders(facts.files) else { continue }
            guard tool.worksAtRoot, let manager = try facts.packageManager(.npm) else { return Found(folders: folders) }
            let members = folders.map { folder in
                Workspace.Member(path: folder, ecosystem: .npm, name: folder.name, dependencies: [], isBuiltAtRoot: true)
            }
            return Found(managers: [manager], members: members)
        }
        return nil
    }

    /// Whether any manager's file with a list is there: who uses which manager is asked only then.
    private func isListed(_ ecosystem: Ecosystem) throws -> Bool {
        let managers = try facts.catalog.packageManagers(of: ecosystem) { try facts.files.isFile(Manifests.path($0)) }
        return try managers.contains { manager in
            guard let rule = manager.workspace else { return false }
            return try lists(rule) != nil
        }
    }

    private typealias Lists = (members: [MemberPatterns.Entry], excluded: [MemberPatterns.Entry])

    private func lists(_ rule: WorkspaceRule) throws -> Lists? {
        let path = Manifests.path(rule.file)
        switch rule.format {
        case .json: return try facts.files.json(path).flatMap { try lists(rule, $0) }
        case .yaml: return try facts.files.yaml(path).flatMap { try lists(rule, $0) }
        case .toml: return try facts.files.toml(path).flatMap { try lists(rule, $0) }
        case .gowork:
            let file = facts.files.display(path)
            return try facts.files.text(path).map { text in
                (GoFile(text).uses.map { .init(text: $0.text, location: SourceLocation(file: file, line: $0.line)) }, [])
            }
        }
    }

    private func lists(_ rule: WorkspaceRule, _ document: JSONNode) throws -> Lists? {
        let file = facts.files.display(Manifests.path(rule.file))
        func entries(_ pointers: [String]) throws -> [MemberPatterns.Entry]? {
            let found = pointers.compactMap { pointer in document.at(pointer: pointer).map { (pointer, $0) } }
            // `{ "packages": […] }` is found by a later pointer.
            guard let (pointer, node) = found.last(where: { $0.1.members.isEmpty }) else { return nil }
            guard case .array(let elements) = node.value else {
                if case .null = node.value { return nil }
                throw wrongType(pointer, SourceLocation(file: file, line: node.line, column: node.column))
            }
            return try elements.map { element in
                let place = SourceLocation(file: file, line: element.line, column: element.column)
                guard let text = element.string, !text.isEmpty else { throw wrongType(pointer, place) }
                return .init(text: text, location: place)
            }
        }
        return try entries(rule.members).map { ($0, try entries(rule.exclude) ?? []) }
    }

    private func lists(_ rule: WorkspaceRule, _ document: TOMLTable) throws -> Lists? {
        let file = facts.files.display(Manifests.path(rule.file))
        func entries(_ pointers: [String]) throws -> [MemberPatterns.Entry]? {
            for pointer in pointers {
                guard let node = document.at(pointer: pointer) else { continue }
                guard let elements = node.array else { throw wrongType(pointer, node.position.location(in: file)) }
                return try elements.map { element in
                    guard let text = element.string, !text.isEmpty else { throw wrongType(pointer, element.position.location(in: file)) }
                    return .init(text: text, location: element.position.location(in: file))
                }
            }
            return nil
        }
        return try entries(rule.members).map { ($0, try entries(rule.exclude) ?? []) }
    }

    private func wrongType(_ pointer: String, _ place: SourceLocation) -> ForgeError {
        let name = pointer.split(separator: "/").joined(separator: ".")
        return ForgeError(
            .configuration, "workspace.members-type", "`\(name)` must be a list of folders and patterns, each a text", at: place,
            hint: "write it like `[\"apps/*\", \"packages/*\"]`")
    }
}
