internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns

/// What a project must have for a preset to match: at least one of these. Weaker than the match itself, and cheap to ask.
package struct PresetSieve: Hashable, Sendable {
    package let clauses: [Clause]

    /// Nil when nothing cheap is needed for `tree` to hold.
    init?(of tree: MatchTree) {
        guard let clauses = Self.needed(by: tree), !clauses.isEmpty else { return nil }
        self.clauses = clauses
    }

    private static func needed(by tree: MatchTree) -> [Clause]? {
        switch tree {
        case .clause(let clause): return needed(by: clause.test).map { [$0] }
        case .none: return nil
        case .any(let trees):
            let parts = trees.map(needed)
            return parts.contains { $0 == nil } ? nil : parts.compactMap(\.self).flatMap(\.self)
        // All of them have to hold, so the rarest will do: dependencies before files, few before many.
        case .all(let trees):
            return trees.compactMap(needed).min {
                ($0.count { !$0.isDependency }, $0.count) < ($1.count { !$0.isDependency }, $1.count)
            }
        }
    }

    private static func needed(by test: Clause.Test) -> Clause? {
        switch test {
        case .file(let test): Clause(needed: .file(test))
        case .dependency(let test): Clause(needed: .dependency(test.ofAnyVersion))
        case .text(let test): Clause(needed: .file(Clause.FileTest(globs: test.globs, kind: .any, depth: 0)))
        case .pointer(let test):
            (try? Glob(test.file)).map { Clause(needed: .file(Clause.FileTest(globs: [$0], kind: .any, depth: 0))) }
        case .config(let key): Clause(needed: .config(key))
        case .imports(let test) where test.language == .python: Self.pythonSource
        case .appObject: Self.pythonSource
        case .imports, .script, .packageManager, .install, .ancestor: nil
        }
    }
}

extension PresetSieve {
    /// A file in which a program in Python is looked for.
    private static let pythonSource: Clause? = {
        let globs = ["*.py", "*/*.py", "*/*/*.py"].compactMap { try? Glob($0) }
        return Clause(needed: .file(Clause.FileTest(globs: globs, kind: .any, depth: 0)))
    }()
}

/// One line of cells, for `PresetIndex`.
extension PresetSieve {
    /// Nil when a name cannot be written in a cell.
    var cells: [String]? {
        let cells = clauses.compactMap(\.cell)
        return cells.count == clauses.count ? cells : nil
    }

    /// - Parameter cells: as `cells` gives them; nil for anything else.
    init?(cells: [Substring]) {
        let clauses = cells.compactMap(Clause.init(cell:))
        guard !clauses.isEmpty, clauses.count == cells.count else { return nil }
        self.clauses = clauses
    }
}

extension Clause {
    fileprivate init(needed test: Test) { self.init(test: test, confidence: nil, location: SourceLocation(file: "")) }

    fileprivate var isDependency: Bool { if case .dependency = test { true } else { false } }

    /// The kind of test, what it is asked with, and names: words without blanks.
    fileprivate var cell: String? {
        let words: [String]
        switch test {
        case .file(let test): words = ["file", test.kind.rawValue, "\(test.depth)"] + test.globs.map(\.text)
        case .dependency(let test): words = ["dependency", test.ecosystem.rawValue, test.locked ? "locked" : "named"] + test.names
        case .config(let key): words = ["config", key]
        default: return nil
        }
        return words.contains { $0.isEmpty || $0.contains(where: \.isWhitespace) } ? nil : words.joined(separator: " ")
    }

    fileprivate init?(cell: Substring) {
        let words = cell.utf8.split(separator: UInt8(ascii: " ")).map(Substring.init)
        guard words.count >= 2 else { return nil }
        let names = words.dropFirst(3)
        switch words[0] {
        case "config" where words.count == 2: self.init(needed: .config(String(words[1])))
        case "file":
            let globs = names.compactMap { try? Glob(String($0)) }
            guard let kind = FileKind(rawValue: String(words[1])), let depth = Int(words[2]), globs.count == names.count, !globs.isEmpty
            else {
                return nil
            }
            self.init(needed: .file(FileTest(globs: globs, kind: kind, depth: depth)))
        case "dependency":
            guard let ecosystem = Ecosystem(rawValue: String(words[1])), !names.isEmpty else { return nil }
            self.init(
                needed: .dependency(
                    DependencyTest(
                        names: names.map(String.init), ecosystem: ecosystem, scope: .any, locked: words[2] == "locked", version: nil)))
        default: return nil
        }
    }
}

extension Clause.DependencyTest {
    fileprivate var ofAnyVersion: Clause.DependencyTest {
        Clause.DependencyTest(names: names, ecosystem: ecosystem, scope: .any, locked: locked, version: nil)
    }
}
