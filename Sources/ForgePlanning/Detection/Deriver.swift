internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePlatforms
internal import ForgePresets

/// Works out a preset's values for one project, each with its provenance. Remembers them; used by one detection.
final class Deriver {
    let preset: Preset
    let facts: ProjectFacts
    private(set) var kind: Artifact.Kind
    /// What further placeholders stand for.
    var names: [String: String] = [:]
    private var derive: [String: Derivation]
    /// The package manager's own words, while its commands are worked out.
    private var managers: [String: Derivation] = [:]
    private var known: [String: Derived?] = [:]
    private var underway: Set<String> = []

    init(preset: Preset, facts: ProjectFacts) throws {
        self.preset = preset
        self.facts = facts
        derive = preset.derive
        kind = preset.artifact.kind
        for item in preset.cases where try evaluator.holds(item.when) {
            derive.merge(item.derive) { $1 }
            kind = item.kind ?? kind
            break
        }
        try settleKind()
        // Asked while it was settled, under the rules before it was.
        known = [:]
    }

    /// `[build] start` asks for a server, whatever the framework usually is; so does what another platform starts. A folder that is
    /// published there is a site's where nothing else is known of the project than its language.
    private func settleKind() throws {
        let start = facts.configuration.build.start
        switch (kind, facts.movingIn.isServer) {
        case (.static, true) where facts.configuration.build.output == nil: kind = .container
        case (.static, _): if start != nil { kind = .container }
        case (.container, false) where start == nil:
            if try preset.group.isOrdered || value("start") == nil { kind = .static }
        default: break
        }
    }

    var keys: [String] { derive.keys.sorted() }

    var evaluator: ClauseEvaluator {
        ClauseEvaluator(facts: facts) { [unowned self] in try value("install") != nil }
    }

    /// The ecosystem's usual one too, where nothing but a list of the preset's own is installed.
    func packageManager() throws -> PackageManager? {
        guard let ecosystem = preset.ecosystem else { return nil }
        if let manager = try facts.packageManager(ecosystem) { return manager }
        return try derive["manifest"] != nil && value("manifest") != nil
            ? facts.catalog.packageManagers(of: ecosystem).first { $0.isDefault && $0.derive["manifest"] != nil } : nil
    }

    /// Nil when no source of the key yields anything.
    func value(_ key: String) throws -> Derived? {
        if let known = known[key] { return known }
        // A key that asks for itself on its way has no value there.
        guard underway.insert(key).inserted else { return nil }
        defer { underway.remove(key) }
        if let slot = PlatformSetting.Slot(rawValue: key), facts.value(of: slot.key ?? "")?.text.value.isEmpty == true { return nil }
        let value = try derive[key].flatMap { try first(of: $0, key: key) }
        known[key] = .some(value)
        return value
    }

    /// The text a placeholder stands for; lists are the planner's.
    func placeholder(_ name: String) throws -> Derived? {
        if name.hasPrefix("script.") { return try script(String(name.dropFirst("script.".count))) }
        if name == "packageManager.install" { return try packageManager().flatMap(install) }
        if let text = names[name] { return Derived(value: .text(text), source: own, rule: "workspace", requires: [], inputs: nil) }
        if name.hasPrefix("program."), let text = facts.catalog.programs[String(name.dropFirst("program.".count))] {
            return Derived(value: .text(text), source: own, rule: "program", requires: [], inputs: nil)
        }
        return try value(name) ?? managers[name].flatMap { try first(of: $0, key: name) }
    }

    /// A command of the package manager, in its words where the preset has none.
    func first(of derivation: Derivation, of manager: PackageManager, key: String) throws -> Derived? {
        let outer = managers
        managers = manager.derive
        defer { managers = outer }
        return try first(of: derivation, key: key)
    }

    /// The list of requirements that is installed, where a manager has one that can lie anywhere.
    func manifest(_ manager: PackageManager) throws -> RelativePath? {
        guard let own = manager.derive["manifest"] else { return nil }
        return try (value("manifest") ?? first(of: own, of: manager, key: "manifest")).flatMap { try? RelativePath(parsing: $0.text) }
    }

    func first(of derivation: Derivation, key: String) throws -> Derived? {
        for source in derivation.sources where try evaluator.holds(source.when) {
            guard let found = try found(source, key: key) else { continue }
            return Derived(
                value: found.value, source: found.source, rule: found.rule ?? source.rule.description,
                requires: source.requires.isEmpty ? found.requires : source.requires, inputs: source.inputs ?? found.inputs)
        }
        return nil
    }

    private struct Found {
        let value: Derived.Value
        let source: String
        var inputs: [String]?
        /// Where it is not the source's own.
        var rule: String?
        /// Of the value that it takes over.
        var requires: [String] = []

        static func text(_ text: String, _ source: String) -> Found { Found(value: .text(text), source: source) }
    }

    private var own: String { preset.provenance }

    private func found(_ source: DerivationSource, key: String) throws -> Found? {
        switch source.rule {
        case .config(let name): return configured(name, key)
        case .script(let name): return try script(name).map { Found(value: $0.value, source: $0.source) }
        case .scriptFlag(let name, let flags): return try flag(name, flags)
        case .literal(let template): return try fill(template, quoted: false).map { .text($0, own) }
        case .argv(let templates):
            let words = try templates.map { try fill($0, quoted: false) }
            return words.contains(nil) ? nil : Found(value: .command(.argv(words.compactMap { $0 })), source: own)
        case .shell(let template): return try fill(template, quoted: true).map { Found(value: .command(.shell($0)), source: own) }
        case .capture(let test):
            guard let match = try evaluator.match(test), let text = match.groups.dropFirst().compactMap({ $0 }).first else { return nil }
            return .text(Deriver.trim(text), facts.files.display(match.path))
        case .pointer(let test):
            guard let found = try evaluator.pointer(test), !found.text.isEmpty else { return nil }
            return .text(found.text, found.file)
        case .firstKey(let test): return try evaluator.firstKey(test).map { .text($0.text, $0.file) }
        case .value(let name):
            return try value(name).map { Found(value: $0.value, source: $0.source, inputs: $0.inputs, requires: $0.requires) }
        case .scriptCapture(let name, let pattern): return try captured(name, pattern)
        case .existing(let rule): return try existing(rule, source, key)
        case .missing(let rule):
            guard let found = try found(source.saying(rule), key: key), case .text(let text) = found.value,
                let path = try? RelativePath(parsing: text), path.components.first != "node_modules", try facts.files.node(path) == nil
            else { return nil }
            return .text(path.string, found.source)
        case .install: return try packageManager().flatMap(install).map { Found(value: $0.value, source: $0.source, inputs: $0.inputs) }
        default: return try placed(source.rule, of: source)
        }
    }

    /// Rules that look for a file.
    private func placed(_ rule: DerivationSource.Rule, of source: DerivationSource) throws -> Found? {
        func path(_ globs: [Glob]) throws -> RelativePath? {
            try self.path(globs, containing: source.containing, without: source.without)
        }
        switch rule {
        case .firstLine(let name): return try line(of: name, Deriver.trim)
        case .toolVersion(let tool):
            return try line(of: ".tool-versions") { line in
                let words = line.split(whereSeparator: \.isWhitespace)
                return words.count > 1 && words[0] == tool ? String(words[1]) : nil
            }
        case .appObject(let test, let call):
            return try facts.python.match(test).map { match in
                .text("\(match.module):\(match.name)" + (match.isFactory && call ? "()" : ""), facts.files.display(match.path))
            }
        case .searchPath(let test):
            return try facts.python.match(test).flatMap { match in
                match.searchPath.isRoot ? nil : .text(match.searchPath.string, facts.files.display(match.path))
            }
        case .moduleOf(let globs):
            return try path(globs).map { .text(PythonProject.module($0), facts.files.display($0)) }
        case .path(let globs): return try path(globs).map { .text($0.string, facts.files.display($0)) }
        case .folderOf(let globs):
            return try path(globs).map { .text($0.parent.isRoot ? "." : $0.parent.string, facts.files.display($0)) }
        case .folderName(let globs):
            return try path(globs).flatMap { $0.parent.isRoot ? nil : .text($0.parent.name, facts.files.display($0)) }
        case .stemOf(let globs):
            return try path(globs).map { path in
                .text(path.name.lastIndex(of: ".").map { String(path.name[..<$0]) } ?? path.name, facts.files.display(path))
            }
        case .procfile(let process): return try self.process(process)
        case .ignored(let folders): return try ignored(folders)
        case .onlySubdirectoryWith(let file): return try onlySubdirectory(with: file)
        default: return nil
        }
    }

    /// What a rule yields, if it is a file of the project.
    private func existing(_ rule: DerivationSource.Rule, _ source: DerivationSource, _ key: String) throws -> Found? {
        guard let found = try found(source.saying(rule), key: key), case .text(let text) = found.value,
            let path = try? RelativePath(parsing: text),
            try facts.files.isFile(path)
        else { return nil }
        return .text(path.string, found.source)
    }

    private func configured(_ name: String, _ key: String) -> Found? {
        guard let (text, platform) = facts.value(of: name), !text.value.isEmpty else { return nil }
        // What a server's build writes is more than what another platform publishes of it.
        let isWhole = platform?.isWhole == true || facts.workspace?.isBuiltAtRoot == true
        guard platform?.slot != .output || kind == .static || isWhole else { return nil }
        let value: Derived.Value = Preset.commandKeys.contains(key) ? .command(.shell(text.value)) : .text(text.value)
        return Found(value: value, source: platform?.place ?? text.location.file, rule: platform?.rule)
    }

    private func script(_ name: String) throws -> Derived? {
        guard try facts.manifests.script(name) != nil, let manager = try facts.packageManager(.npm) else { return nil }
        let words = manager.run.compactMap { template in template.filled { $0 == "script" ? name : nil } }
        let file = facts.files.display(Manifests.path("package.json"))
        return Derived(value: .command(.argv(words)), source: file, rule: "script \(name)", requires: [], inputs: nil)
    }

    private func captured(_ script: String, _ pattern: Pattern) throws -> Found? {
        for line in try facts.manifests.scriptLines(script).map(\.line) {
            guard let text = pattern.firstMatch(in: line)?.dropFirst().compactMap({ $0 }).first else { continue }
            return .text(Deriver.trim(text), facts.files.display(Manifests.path("package.json")))
        }
        return nil
    }

    private func flag(_ script: String, _ flags: [String]) throws -> Found? {
        guard let line = try facts.manifests.script(script)?.line else { return nil }
        let words = SourceText.words(of: line)
        for (index, word) in words.enumerated() {
            for flag in flags {
                var value: String?
                if word == flag, index + 1 < words.count { value = words[index + 1] }
                if word.hasPrefix(flag + "=") { value = String(word.dropFirst(flag.count + 1)) }
                if let value, !value.hasPrefix("-") { return .text(value, facts.files.display(Manifests.path("package.json"))) }
            }
        }
        return nil
    }

    /// A package manager's install command; nil when there is nothing to install.
    func install(_ manager: PackageManager) throws -> Derived? {
        if let context = facts.workspace, context.manager(manager.ecosystem) != nil {
            return try Deriver(preset: preset, facts: context.root).workspaceInstall(manager)
        }
        let isListed = try manager.derive["manifest"] != nil && value("manifest") != nil
        guard try isListed || facts.manifests.hasAny(manager.ecosystem) else { return nil }
        guard let derived = try first(of: manager.install, of: manager, key: "install") else { return nil }
        let inputs = try evaluator.holds(manager.readsTree ?? .any([])) ? ["**"] : derived.inputs
        return Derived(
            value: derived.value, source: manager.provenance, rule: derived.rule, requires: [], inputs: inputs)
    }

    /// What installs a whole workspace: asked of its root, where the lockfile is. What it reads stands apart.
    private func workspaceInstall(_ manager: PackageManager) throws -> Derived? {
        try first(of: manager.install, of: manager, key: "install").map {
            Derived(value: $0.value, source: manager.provenance, rule: $0.rule, requires: [], inputs: nil)
        }
    }

    /// In a shell line a text is quoted where it has to be; a command stands as it is, and what is empty leaves nothing.
    private func fill(_ template: Template, quoted: Bool) throws -> String? {
        try template.filled { name in
            guard let found = try placeholder(name) else { return nil }
            guard quoted, !found.text.isEmpty, case .text = found.value else { return found.text }
            return CommandText.quote(found.text)
        }
    }

    private func line(of file: String, _ pick: (String) -> String?) throws -> Found? {
        let path = Manifests.path(file)
        guard let text = try facts.files.text(path) else { return nil }
        for line in SourceText.lines(text) where !line.hasPrefix("#") && line.contains(where: { !$0.isWhitespace }) {
            if let value = pick(line), !value.isEmpty { return .text(value, facts.files.display(path)) }
        }
        return nil
    }

    private func path(_ globs: [Glob], containing wanted: Pattern?, without unwanted: Pattern?) throws -> RelativePath? {
        for glob in globs {
            let found = try facts.files.expand(glob, passing: ProjectFiles.sideFolders)
            guard wanted != nil || unwanted != nil else { if let path = found.first { return path } else { continue } }
            for path in found {
                let lines = try facts.files.text(path).map(SourceText.lines) ?? []
                func has(_ pattern: Pattern) -> Bool { lines.contains { $0.utf8.count <= 4096 && pattern.matches($0) } }
                if wanted.map(has) ?? true, !(unwanted.map(has) ?? false) { return path }
            }
        }
        return nil
    }

    private func process(_ name: String) throws -> Found? {
        let path = Manifests.path("Procfile")
        for line in try facts.files.text(path).map(SourceText.lines) ?? [] {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, Deriver.trim(String(parts[0])) == name else { continue }
            let command = Deriver.trim(String(parts[1]))
            if !command.isEmpty { return Found(value: .command(.shell(command)), source: facts.files.display(path)) }
        }
        return nil
    }

    private func ignored(_ folders: [String]) throws -> Found? {
        let path = Manifests.path(".gitignore")
        let lines = try facts.files.text(path).map(SourceText.lines) ?? []
        let names = Set(lines.map { $0.split(separator: "/").joined(separator: "/") })
        return folders.first(where: names.contains).map { .text($0, facts.files.display(path)) }
    }

    private func onlySubdirectory(with file: String) throws -> Found? {
        let folders = try facts.files.subfolders(.root).filter { name in
            try facts.files.isFile(RelativePath.root.appending(component: name).appending(Manifests.path(file)))
        }
        guard folders.count == 1, let only = folders.first else { return nil }
        return .text(only, facts.files.display(RelativePath.root.appending(component: only)))
    }

    private static func trim(_ text: String) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
