internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePlatforms
internal import ForgePresets
internal import ForgeTOML

/// What clauses and derivations look at: one app's files, its manifests, its configuration.
final class ProjectFacts {
    let files: ProjectFiles
    let manifests: Manifests
    let python: PythonProject
    let script: JavaScriptProject
    let configuration: ProjectConfiguration
    let catalog: PresetCatalog
    /// Nil for a project that stands alone.
    let workspace: WorkspaceContext?
    private var managers: [Ecosystem: PackageManager?] = [:]
    /// What files of other platforms say.
    private(set) lazy var movingIn = MovingIn(files: files)

    init(files: ProjectFiles, configuration: ProjectConfiguration, catalog: PresetCatalog, workspace: WorkspaceContext? = nil) {
        self.workspace = workspace
        self.files = files
        self.configuration = configuration
        self.catalog = catalog
        manifests = Manifests(files: files)
        python = PythonProject(files: files)
        script = JavaScriptProject(files: files, manifests: manifests)
    }

    /// The text of a dotted key: what `crowdforge.toml` says, else what a file of another platform does.
    func value(of key: String) -> (text: Located<String>, platform: PlatformSetting?)? {
        if let own = configuration.value(of: key) { return (own, nil) }
        guard let setting = PlatformSetting.Slot(key: key).flatMap({ movingIn.setting($0) }) else { return nil }
        return (Located(setting.text, at: setting.location), setting)
    }

    /// The preset that the project names. What another platform calls a framework may be no preset here.
    var framework: Located<String>? {
        if let own = configuration.build.framework { return own }
        guard let named = movingIn.setting(.framework) else { return nil }
        let versioned = named.text.wholeMatch(of: /(.+)-v?[0-9]+/).map { String($0.1) }
        let id = [named.text, versioned].compactMap(\.self).first { id in catalog.entries.contains { $0.id == id } }
        return id.map { Located($0, at: named.location) }
    }

    /// The package manager of an ecosystem; nil when the project has no manifest of it.
    /// - Throws: `ForgeError` `detect.several-lockfiles`.
    func packageManager(_ ecosystem: Ecosystem) throws -> PackageManager? {
        if let shared = workspace?.manager(ecosystem) { return shared }
        if let known = managers[ecosystem] { return known }
        let manager = try PackageManagerResolver(facts: self, ecosystem: ecosystem).resolve()
        managers[ecosystem] = manager
        return manager
    }
}

/// Answers match trees.
struct ClauseEvaluator {
    let facts: ProjectFacts
    /// For `install = true`: asked of whoever derives the install command.
    let installs: () throws -> Bool
    /// Whether every clause is asked, so that failures can be explained too; else only as many as it takes.
    var asksAll = false

    func evaluate(_ tree: MatchTree, defaultConfidence: Confidence) throws -> MatchOutcome {
        try evaluate(tree, defaultConfidence, negated: false)
    }

    func holds(_ tree: MatchTree?) throws -> Bool {
        guard let tree else { return true }
        return try evaluate(tree, .certain, negated: false).held
    }

    private func evaluate(_ tree: MatchTree, _ confidence: Confidence, negated: Bool) throws -> MatchOutcome {
        switch tree {
        case .clause(let clause):
            let evidence = try evidence(of: clause)
            let outcome = ClauseOutcome(clause: clause.description, held: evidence != nil, negated: negated, evidence: evidence)
            return MatchOutcome(held: evidence != nil, confidence: min(clause.confidence ?? confidence, confidence), clauses: [outcome])
        case .all(let trees):
            let parts = try evaluate(trees, confidence, negated: negated) { !$0.held }
            return MatchOutcome(
                held: parts.allSatisfy(\.held), confidence: parts.map(\.confidence).min() ?? confidence, clauses: parts.flatMap(\.clauses))
        case .any(let trees):
            let parts = try trees.map { try evaluate($0, confidence, negated: negated) }
            return MatchOutcome(
                held: parts.contains(where: \.held), confidence: parts.filter(\.held).map(\.confidence).max() ?? confidence,
                clauses: parts.flatMap(\.clauses))
        case .none(let trees):
            let parts = try evaluate(trees, confidence, negated: !negated) { $0.held }
            return MatchOutcome(held: !parts.contains(where: \.held), confidence: confidence, clauses: parts.flatMap(\.clauses))
        }
    }

    /// Whether a preset may match. What cannot be read says nothing here: whoever needs it is told.
    func passes(_ entry: CatalogEntry) -> Bool {
        guard let sieve = entry.sieve else { return true }
        return sieve.clauses.contains { clause in
            do { return try evidence(of: clause) != nil } catch { return true }
        }
    }

    /// One after the other, up to the first that `decides`.
    private func evaluate(
        _ trees: [MatchTree], _ confidence: Confidence, negated: Bool, decides: (MatchOutcome) -> Bool
    ) throws -> [MatchOutcome] {
        var parts: [MatchOutcome] = []
        for tree in trees {
            let part = try evaluate(tree, confidence, negated: negated)
            parts.append(part)
            if !asksAll, decides(part) { break }
        }
        return parts
    }

    /// Nil when the clause does not hold.
    func evidence(of clause: Clause) throws -> Evidence? {
        let text = clause.description
        switch clause.test {
        case .file(let test): return try file(test).map { Evidence(clause: text, file: facts.files.display($0)) }
        case .dependency(let test): return try dependency(test, text)
        case .pointer(let test):
            return try pointer(test).map { Evidence(clause: text, file: $0.file, line: $0.line, pointer: test.pointer) }
        case .text(let test): return try match(test).map { Evidence(clause: text, file: facts.files.display($0.path), line: $0.line) }
        case .imports(let test): return try imports(test).map { Evidence(clause: text, file: facts.files.display($0.path), line: $0.line) }
        case .appObject(let test):
            return try facts.python.match(test).map { Evidence(clause: text, file: facts.files.display($0.path), line: $0.line) }
        case .script(let test): return try script(test, text)
        case .packageManager(let ids): return try packageManager(ids, text)
        case .config(let key):
            // Of a command that is empty nothing can be known.
            guard let (value, platform) = facts.value(of: key), !value.value.isEmpty else { return nil }
            let clause = platform.map { "`\($0.key)`" } ?? text
            return Evidence(clause: clause, file: value.location.file, line: value.location.line)
        case .ancestor(let globs):
            for glob in globs {
                if let path = try facts.files.above(glob) { return Evidence(clause: text, file: path.display) }
            }
            return nil
        case .install(let expected): return try installs() == expected ? Evidence(clause: text, file: nil) : nil
        }
    }

    private func imports(_ test: Clause.ImportTest) throws -> (path: RelativePath, line: Int)? {
        if test.language == .js { return try facts.script.importing(test) }
        for module in test.modules {
            if let found = try facts.python.importing(module) { return found }
        }
        return nil
    }

    private func file(_ test: Clause.FileTest) throws -> RelativePath? {
        for glob in test.globs {
            let found = try facts.files.expand(glob, kind: test.kind, depth: test.depth, passing: ProjectFiles.sideFolders)
            if let path = found.first { return path }
        }
        return nil
    }

    private func dependency(_ test: Clause.DependencyTest, _ text: String) throws -> Evidence? {
        let wanted = test.names.map { RequirementParts($0, test.ecosystem) }
        for item in try facts.manifests.dependencies(test.ecosystem) where wanted.contains(where: { $0.fits(item) }) {
            guard !item.isOfOthers, test.scope == .any || test.scope.rawValue == item.scope.rawValue else { continue }
            if let version = test.version, !version.admits(requirement: item.requirement) { continue }
            return Evidence(clause: text, file: item.file, line: item.line)
        }
        guard test.locked else { return nil }
        let locked = try facts.manifests.locked(test.ecosystem)
        return wanted.contains { $0.extra == nil && locked.contains($0.name) } ? Evidence(clause: text, file: nil) : nil
    }

    private func script(_ test: Clause.ScriptTest, _ text: String) throws -> Evidence? {
        for member in try facts.manifests.scripts() where test.name == "*" || member.key == test.name {
            guard let line = member.node.string, !line.isEmpty else { continue }
            if let word = test.contains, !SourceText.words(of: line).contains(word) { continue }
            if let pattern = test.pattern, try !facts.manifests.scriptLines(member.key).contains(where: { pattern.matches($0.line) }) {
                continue
            }
            return Evidence(
                clause: text, file: facts.files.display(Manifests.path("package.json")), line: member.line,
                pointer: "/scripts/\(member.key)")
        }
        return nil
    }

    private func packageManager(_ ids: [String], _ text: String) throws -> Evidence? {
        for ecosystem in Ecosystem.allCases {
            // Several lockfiles are reported when the winner needs to know, not while everyone is asked.
            guard let manager = try? facts.packageManager(ecosystem), ids.contains(manager.id) else { continue }
            return Evidence(clause: text, file: nil)
        }
        return nil
    }

    /// The first line of the first file that matches, with the groups.
    func match(_ test: Clause.TextTest) throws -> (path: RelativePath, line: Int, groups: [String?])? {
        for path in try test.globs.flatMap({ try facts.files.expand($0, passing: ProjectFiles.sideFolders) }) {
            guard let text = try facts.files.text(path) else { continue }
            for (index, line) in SourceText.lines(Comments.strip(text, test.comments)).enumerated() where line.utf8.count <= 4096 {
                if let groups = test.pattern.firstMatch(in: line) { return (path, index + 1, groups) }
            }
        }
        return nil
    }

    /// The place and text of what a pointer finds; a value that is not a scalar has an empty text.
    func pointer(_ test: Clause.PointerTest) throws -> (file: String, line: Int, text: String)? {
        guard let path = try? RelativePath(parsing: test.file) else { return nil }
        let found: (line: Int, text: String?)?
        switch test.format {
        case .json: found = try facts.files.json(path)?.at(pointer: test.pointer).map { ($0.line, $0.scalar) }
        case .yaml: found = try facts.files.yaml(path)?.at(pointer: test.pointer).map { ($0.line, $0.scalar) }
        case .toml: found = try facts.files.toml(path)?.at(pointer: test.pointer).map { ($0.position.line, $0.scalar) }
        }
        guard let found else { return nil }
        if let expected = test.equals, found.text != expected { return nil }
        if let pattern = test.matches, !(found.text.map { pattern.matches($0) } ?? false) { return nil }
        return (facts.files.display(path), found.line, found.text ?? "")
    }

    /// Of a table that is empty there is none.
    func firstKey(_ test: Clause.PointerTest) throws -> (file: String, text: String)? {
        guard let path = try? RelativePath(parsing: test.file) else { return nil }
        let key: String?
        switch test.format {
        case .json: key = try facts.files.json(path)?.at(pointer: test.pointer)?.members.first?.key
        case .yaml: key = try facts.files.yaml(path)?.at(pointer: test.pointer)?.members.first?.key
        case .toml: key = try facts.files.toml(path)?.at(pointer: test.pointer)?.table?.entries.first?.key
        }
        return key.map { (facts.files.display(path), $0) }
    }
}

extension TOMLTable {
    /// Follows a pointer like JSON's; the root itself has no node.
    func at(pointer: String) -> TOMLNode? {
        var table: TOMLTable? = self
        var node: TOMLNode?
        for part in pointer.split(separator: "/") {
            if let elements = node?.array, let index = Int(part) {
                node = elements.indices.contains(index) ? elements[index] : nil
            } else {
                node = table?[String(part).replacing("~1", with: "/").replacing("~0", with: "~")]
            }
            table = node?.table
        }
        return node
    }
}

extension TOMLNode {
    /// Text of a value that is no array and no table.
    fileprivate var scalar: String? {
        switch value {
        case .string(let text), .date(let text): text
        case .integer(let number): String(number)
        case .float(let number): String(number)
        case .boolean(let flag): String(flag)
        case .array(let elements): elements.first?.string
        case .table: nil
        }
    }
}
