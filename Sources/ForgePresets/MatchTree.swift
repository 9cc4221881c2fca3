package import ForgeManifests
package import ForgeModel
package import ForgePatterns

/// How a preset recognizes a project: clauses under `all`, `any` and `none`.
package indirect enum MatchTree: Hashable, Sendable {
    case all([MatchTree])
    case any([MatchTree])
    case none([MatchTree])
    case clause(Clause)
}

/// How much a clause says about a project.
package enum Confidence: String, Sendable, Codable, CaseIterable, Comparable {
    case incidental, likely, certain

    private var rank: Int { Confidence.allCases.firstIndex(of: self) ?? 0 }
    package static func < (left: Confidence, right: Confidence) -> Bool { left.rank < right.rank }
}

/// One question about a project, answered from its files alone.
package struct Clause: Hashable, Sendable {
    package let test: Test
    /// Weaker than the preset's own confidence when given.
    package let confidence: Confidence?
    package let location: SourceLocation

    package init(test: Test, confidence: Confidence?, location: SourceLocation) {
        self.test = test
        self.confidence = confidence
        self.location = location
    }

    package enum Test: Hashable, Sendable {
        case file(FileTest)
        case dependency(DependencyTest)
        case pointer(PointerTest)
        case text(TextTest)
        case imports(ImportTest)
        case appObject(AppObjectTest)
        case script(ScriptTest)
        case packageManager([String])
        /// The project's `crowdforge.toml` sets the dotted key.
        case config(String)
        /// Whether the package manager has something to install.
        case install(Bool)
        /// A file lies in a folder above the project, up to the source's root.
        case ancestor([Glob])
    }

    package enum Format: String, Sendable, CaseIterable { case json, toml, yaml }

    package struct FileTest: Hashable, Sendable {
        package let globs: [Glob]
        package let kind: FileKind
        /// How many folders below the root a pattern may begin.
        package let depth: Int
    }

    package struct DependencyTest: Hashable, Sendable {
        package enum Scope: String, Sendable, CaseIterable { case prod, dev, any }
        package let names: [String]
        package let ecosystem: Ecosystem
        package let scope: Scope
        /// Whether a name that only the lockfile lists counts.
        package let locked: Bool
        /// The versions that count, by what the manifest asks for; nil: any.
        package let version: VersionRange?
    }

    package struct PointerTest: Hashable, Sendable {
        package let format: Format
        package let file: String
        package let pointer: String
        package let equals: String?
        package let matches: Pattern?
    }

    package struct TextTest: Hashable, Sendable {
        package let pattern: Pattern
        package let globs: [Glob]
        package let comments: Comments.Style
    }

    /// Asked of the files in which a program begins, or of those that are named.
    package struct ImportTest: Hashable, Sendable {
        package enum Language: String, Sendable, CaseIterable { case python, js }
        package let modules: [String]
        package let language: Language
        package let globs: [Glob]
    }

    package struct AppObjectTest: Hashable, Sendable {
        /// Qualified names of what makes the object: `flask.Flask`.
        package let constructors: [String]
        /// Names of top-level functions that return one, in a file that imports the constructor's module.
        package let factories: [String]
    }

    package struct ScriptTest: Hashable, Sendable {
        /// `*`: any script.
        package let name: String
        /// A word of the script's line.
        package let contains: String?
        /// What its line matches, or that of a script that it runs.
        package let pattern: Pattern?
    }
}

extension MatchTree {
    package var clauses: [Clause] {
        switch self {
        case .all(let trees), .any(let trees), .none(let trees): trees.flatMap(\.clauses)
        case .clause(let clause): [clause]
        }
    }
}

extension Clause: CustomStringConvertible {
    /// As a person would say it; part of `--explain`.
    package var description: String {
        switch test {
        case .file(let test):
            (test.kind == .directory ? "folder " : "file ") + test.globs.map { "`\($0.text)`" }.joined(separator: " or ")
        case .dependency(let test):
            "\(test.ecosystem.rawValue) dependency " + Clause.either(test.names)
                + (test.version.map { " \($0.text)" } ?? "") + (test.scope == .any ? "" : " (\(test.scope.rawValue))")
        case .pointer(let test):
            "`\(test.pointer)` in `\(test.file)`" + (test.equals.map { " is `\($0)`" } ?? "")
                + (test.matches.map { " matches `\($0.text)`" } ?? "")
        case .text(let test): "`\(test.pattern.text)` in " + Clause.either(test.globs.map(\.text))
        case .imports(let test): "import of " + Clause.either(test.modules)
        case .appObject(let test): "application object " + Clause.either(test.constructors + test.factories.map { "\($0)()" })
        case .script(let test):
            (test.name == "*" ? "any package script" : "package script `\(test.name)`") + (test.contains.map { " with `\($0)`" } ?? "")
                + (test.pattern.map { " matching `\($0.text)`" } ?? "")
        case .packageManager(let ids): "package manager " + Clause.either(ids)
        case .config(let key): "`\(key)` in `crowdforge.toml`"
        case .install(let expected): expected ? "something to install" : "nothing to install"
        case .ancestor(let globs): "in a folder above: file " + Clause.either(globs.map(\.text))
        }
    }

    private static func either(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: " or ") }
}
