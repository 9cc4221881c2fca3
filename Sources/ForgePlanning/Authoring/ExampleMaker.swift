internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePresets

/// Makes up small projects of which a match tree should hold: one for each way in which it can.
struct ExampleMaker {
    let catalog: PresetCatalog
    /// More ways than this are not followed up.
    static let limit = 24

    struct Example {
        let clauses: [Clause]
        /// Nil when none could be made up; that says nothing about the clauses.
        let project: ExampleProject?
    }

    func examples(of tree: MatchTree) -> [Example] {
        Self.ways(tree).prefix(Self.limit).map { clauses in Example(clauses: clauses, project: project(clauses)) }
    }

    /// The clauses that have to hold together, for each way; what must not hold is left to whoever asks the whole tree.
    private static func ways(_ tree: MatchTree) -> [[Clause]] {
        switch tree {
        case .clause(let clause): return [[clause]]
        case .none: return [[]]
        case .any(let trees): return trees.flatMap(ways)
        case .all(let trees):
            return trees.reduce([[]]) { ways, tree in
                Array(ways.flatMap { way in self.ways(tree).map { way + $0 } }.prefix(4 * limit))
            }
        }
    }

    private func project(_ clauses: [Clause]) -> ExampleProject? {
        var draft = ExampleDraft()
        for clause in clauses { guard add(clause.test, to: &draft) else { return nil } }
        return draft.project()
    }

    private func add(_ test: Clause.Test, to draft: inout ExampleDraft) -> Bool {
        switch test {
        case .file(let test):
            guard let path = Self.path(test.globs) else { return false }
            draft.place(test.kind == .directory ? path + "/sample" : path)
            return true
        case .dependency(let test): return dependency(test, &draft)
        case .pointer(let test):
            let keys = test.pointer.split(separator: "/").map { String($0).replacing("~1", with: "/").replacing("~0", with: "~") }
            return draft.set(keys, test.equals ?? test.matches?.example ?? "sample", in: test.file, test.format)
        case .text(let test): return Self.path(test.globs).map { draft.write(test.pattern.example, to: $0) } ?? false
        case .imports(let test): return imports(test, &draft)
        case .appObject(let test): return application(test, &draft)
        case .script(let test):
            let line = test.contains ?? test.pattern?.example ?? "sample"
            return draft.set(["scripts", test.name == "*" ? "build" : test.name], line, in: "package.json", .json)
        case .packageManager(let ids):
            guard let manager = ids.first.flatMap({ try? catalog.packageManager($0) }), let lockfile = manager.lockfiles.first else {
                return false
            }
            for file in [lockfile] + manager.manifests.prefix(1) { draft.place(file) }
            return true
        case .config(let key):
            return draft.set(key.split(separator: ".").map(String.init), "sample", in: ProjectConfiguration.fileName, .toml)
        case .ancestor(let globs):
            guard let path = Self.path(globs) else { return false }
            draft.placeAbove(path)
            return true
        case .install: return false
        }
    }

    /// The plainest path that fits the first pattern.
    private static func path(_ globs: [Glob]) -> String? {
        globs.first?.alternatives.first.map { parts in
            parts.filter { $0 != "**" }.map { $0.replacing("*", with: "sample").replacing("?", with: "x") }.joined(separator: "/")
        }
    }

    private func imports(_ test: Clause.ImportTest, _ draft: inout ExampleDraft) -> Bool {
        guard let module = test.modules.first else { return false }
        let file = Self.path(test.globs) ?? (test.language == .js ? "index.js" : "main.py")
        let name = module.hasSuffix("/") || module.hasSuffix(":") ? module + "sample" : module
        return draft.write(test.language == .js ? "import sample from \"\(name)\"" : "import \(name)", to: file)
    }

    private func application(_ test: Clause.AppObjectTest, _ draft: inout ExampleDraft) -> Bool {
        guard let parts = test.constructors.first?.split(separator: "."), parts.count > 1, let name = parts.last else { return false }
        return draft.write("from \(parts.dropLast().joined(separator: ".")) import \(name)", to: "main.py")
            && draft.write("app = \(name)()", to: "main.py")
    }

    private func dependency(_ test: Clause.DependencyTest, _ draft: inout ExampleDraft) -> Bool {
        guard let name = test.names.first else { return false }
        let version = Self.version(test.version)
        let dev = test.scope == .dev
        switch test.ecosystem {
        case .npm: return draft.set([dev ? "devDependencies" : "dependencies", name], version, in: "package.json", .json)
        case .cargo: return draft.set([dev ? "dev-dependencies" : "dependencies", name], version, in: "Cargo.toml", .toml)
        case .composer: return draft.set([dev ? "require-dev" : "require", name], version, in: "composer.json", .json)
        case .pub: return draft.set([dev ? "dev_dependencies" : "dependencies", name], version, in: "pubspec.yaml", .yaml)
        case .shards: return draft.set([dev ? "development_dependencies" : "dependencies", name], version, in: "shard.yml", .yaml)
        case .deno: return draft.set(["imports", name], "jsr:\(name)@\(version)", in: "deno.json", .json)
        case .pypi:
            return dev
                ? draft.set(["dev-packages", name], "==\(version)", in: "Pipfile", .toml)
                : draft.write("\(name)==\(version)", to: "requirements.txt")
        case .go: return draft.write("require \(name) v\(version)", to: "go.mod")
        case .gem: return draft.write("gem \"\(name)\", \"\(version)\"" + (dev ? ", group: :development" : ""), to: "Gemfile")
        case .hex: return draft.write("{:\(name), \"\(version)\"\(dev ? ", only: :dev" : "")},", to: "mix.exs")
        case .nuget: return draft.write("<PackageReference Include=\"\(name)\" Version=\"\(version)\" />", to: "sample.csproj")
        case .swift: return draft.write(".package(url: \"https://example.org/\(name)\", from: \"\(version)\"),", to: "Package.swift")
        case .maven:
            let parts = name.split(separator: ":")
            guard parts.count == 2 else { return draft.write("id \"\(name)\"", to: "build.gradle") }
            let artifact = parts[1] == "*" ? "sample" : parts[1]
            return draft.write(
                "<groupId>\(parts[0])</groupId><artifactId>\(artifact)</artifactId><version>\(version)</version>", to: "pom.xml")
        }
    }

    private static func version(_ range: VersionRange?) -> String {
        var numbers = range?.from ?? [1]
        if range?.from == nil, let to = range?.to?.first { numbers = [max(0, to - 1)] }
        while numbers.count < 3 { numbers.append(0) }
        return numbers.map(String.init).joined(separator: ".")
    }
}
