internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
package import ForgePresets

/// A preset with everything its families say: `forge preset show`.
package struct PresetDescription: Sendable, Encodable {
    package struct Value: Sendable, Encodable {
        /// What is asked, in words.
        package let source: String
        package let when: String?
        /// Where it is written.
        package let place: String
    }

    package struct ClauseText: Sendable, Encodable {
        package let clause: String
        /// How deep it stands below `all`, `any` and `none`.
        package let depth: Int
        package let place: String?
    }

    package struct StepText: Sendable, Encodable {
        package let id: String
        package let run: String
        package let needs: [String]
        package let when: String?
        package let inputs: [String]
        package let outputs: [String]
        package let caches: [String]
        package let scratch: [String]
        package let network: String
    }

    package struct CaseText: Sendable, Encodable {
        package let when: String
        package let kind: String?
        package let derive: [String: [Value]]
    }

    package let id: String
    package let name: String
    package let from: String
    package let file: String
    package let digest: String
    package let families: [String]
    package let language: String?
    package let group: String
    package let order: Int
    package let confidence: String
    package let supersedes: [String]
    package let ecosystem: String?
    package let toolchains: [String]
    package let kind: String
    package let port: Int
    package let healthPath: String?
    package let writable: [String]?
    package let publicVariables: [String]
    package let match: [ClauseText]
    package let derive: [String: [Value]]
    package let cases: [CaseText]
    package let steps: [StepText]

    /// - Parameter place: how a file is named to the reader.
    package init(_ preset: Preset, from: String, place: (String) -> String) {
        func at(_ location: SourceLocation) -> String { place(location.file) + (location.line.map { ":\($0)" } ?? "") }
        func values(_ derive: [String: Derivation]) -> [String: [Value]] {
            derive.mapValues { derivation in
                derivation.sources.map { Value(source: $0.rule.words, when: $0.when?.words, place: at($0.location)) }
            }
        }
        id = preset.id
        name = preset.name
        self.from = from
        file = place(preset.file)
        digest = preset.digest.description
        families = preset.families
        language = preset.language
        group = preset.group.rawValue
        order = preset.order
        confidence = preset.confidence.rawValue
        supersedes = preset.supersedes
        ecosystem = preset.ecosystem?.rawValue
        toolchains = preset.toolchains
        kind = preset.artifact.kind.rawValue
        port = preset.artifact.port
        healthPath = preset.artifact.healthPath
        writable = preset.artifact.writable.isEmpty ? nil : preset.artifact.writable.map(\.display)
        publicVariables = preset.publicVariables
        match = Self.clauses(preset.match, 0, at)
        derive = values(preset.derive)
        cases = preset.cases.map { CaseText(when: $0.when.words, kind: $0.kind?.rawValue, derive: values($0.derive)) }
        steps = preset.steps.map { step in
            StepText(
                id: step.id, run: step.run.words, needs: step.needs, when: step.when?.words, inputs: step.inputs.map(\.text),
                outputs: step.outputs.map(\.text), caches: step.caches.map(\.text), scratch: step.scratch.map(\.text),
                network: step.network.rawValue)
        }
    }

    private static func clauses(_ tree: MatchTree, _ depth: Int, _ at: (SourceLocation) -> String) -> [ClauseText] {
        func group(_ word: String, _ trees: [MatchTree]) -> [ClauseText] {
            [ClauseText(clause: word, depth: depth, place: nil)] + trees.flatMap { clauses($0, depth + 1, at) }
        }
        switch tree {
        case .clause(let clause): return [ClauseText(clause: clause.description, depth: depth, place: at(clause.location))]
        case .all(let trees): return group("all of", trees)
        case .any(let trees): return group("any of", trees)
        case .none(let trees): return group("none of", trees)
        }
    }
}

extension PresetDescription {
    /// For people, as columns.
    package var text: String {
        var rows: [(String, String, String)] = [
            ("preset", "\(name) (\(id))", ""), ("from", from, file), ("digest", String(digest.prefix(19)) + "…", ""),
        ]
        if !families.isEmpty { rows.append(("builds on", families.joined(separator: ", "), "")) }
        rows.append(("group", group + (group == "framework" ? "" : ", order \(order)"), ""))
        for (label, list) in [("supersedes", supersedes), ("toolchains", toolchains), ("public", publicVariables)] where !list.isEmpty {
            rows.append((label, list.joined(separator: ", "), ""))
        }
        for (index, clause) in match.enumerated() {
            rows.append((index == 0 ? "match" : "", String(repeating: "  ", count: clause.depth) + clause.clause, clause.place ?? ""))
        }
        rows += Self.rows(derive, "")
        for item in cases {
            rows.append(("case", "when \(item.when)" + (item.kind.map { ": \($0)" } ?? ""), ""))
            rows += Self.rows(item.derive, "  ")
        }
        for step in steps {
            rows.append(("step \(step.id)", step.run, step.network == "registries" ? "reaches registries" : ""))
            for (word, list) in [
                ("needs", step.needs), ("reads", step.inputs), ("writes", step.outputs), ("keeps", step.caches), ("drops", step.scratch),
            ] where !list.isEmpty { rows.append(("", "\(word) \(list.joined(separator: ", "))", "")) }
        }
        rows.append(("artifact", kind + (kind == "container" ? ", port \(port)" + (healthPath.map { ", health \($0)" } ?? "") : ""), ""))
        if let writable { rows.append(("", "writes \(writable.joined(separator: ", "))", "")) }
        let label = rows.map(\.0.count).max() ?? 0
        let middle = min(60, rows.filter { !$0.2.isEmpty }.map(\.1.count).max() ?? 0)
        return rows.map { row in
            let start = row.0 + String(repeating: " ", count: label + 2 - row.0.count) + row.1
            guard !row.2.isEmpty else { return start + "\n" }
            return start + String(repeating: " ", count: max(2, middle + 2 - row.1.count)) + row.2 + "\n"
        }.joined()
    }

    private static func rows(_ derive: [String: [Value]], _ indent: String) -> [(String, String, String)] {
        derive.sorted { $0.key < $1.key }.flatMap { key, values in
            values.enumerated().map { index, value in
                (
                    index == 0 ? indent + key : "", (index == 0 ? "" : "else ") + value.source + (value.when.map { " when \($0)" } ?? ""),
                    value.place
                )
            }
        }
    }
}

extension StepTemplate.Run {
    fileprivate var words: String {
        switch self {
        case .command(let name): "{{\(name)}}"
        case .argv(let templates): CommandText.typed(templates.map(\.text))
        case .shell(let template): template.text
        }
    }
}

extension MatchTree {
    /// On one line.
    fileprivate var words: String {
        func joined(_ trees: [MatchTree], _ word: String) -> String { trees.map(\.words).joined(separator: word) }
        switch self {
        case .clause(let clause): return clause.description
        case .all(let trees): return joined(trees, " and ")
        case .any(let trees): return trees.count == 1 ? joined(trees, "") : "(\(joined(trees, " or ")))"
        case .none(let trees): return "no " + joined(trees, ", no ")
        }
    }
}

extension DerivationSource.Rule {
    fileprivate var words: String {
        switch self {
        case .literal(let template): "`\(template.text)`"
        case .argv(let templates): "`\(templates.map(\.text).joined(separator: " "))`"
        case .shell(let template): "`\(template.text)`"
        case .capture(let test): "capture `\(test.pattern.text)` in " + test.globs.map { "`\($0.text)`" }.joined(separator: ", ")
        case .firstLine(let file): "first line of `\(file)`"
        case .toolVersion(let tool): "`\(tool)` in `.tool-versions`"
        case .pointer(let test): "`\(test.pointer)` of `\(test.file)`"
        case .firstKey(let test): "first key of `\(test.pointer)` of `\(test.file)`"
        case .path(let globs), .moduleOf(let globs), .folderOf(let globs), .folderName(let globs), .stemOf(let globs):
            "\(description) of " + globs.map { "`\($0.text)`" }.joined(separator: ", ")
        case .existing(let rule): rule.words + ", if there"
        case .appObject(let test, _), .searchPath(let test):
            "application object " + test.constructors.map { "`\($0)`" }.joined(separator: ", ")
        case .missing(let rule): rule.words + ", if nothing is there"
        case .scriptCapture(let script, let pattern): "capture `\(pattern.text)` in script `\(script)`"
        default: description
        }
    }
}
