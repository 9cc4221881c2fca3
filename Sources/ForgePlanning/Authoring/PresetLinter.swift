internal import ForgeManifests
package import ForgeModel
package import ForgePresets

/// Looks for presets that stand in each other's way, by projects that show it: examples made up from their own clauses, and cases.
package struct PresetLinter {
    package enum Kind: String, Sendable, Encodable {
        /// Two presets match a project at the same rank, and nothing orders them.
        case overlap
        /// Every project that the preset could be shown to match is another's.
        case shadowed
        /// No project could be made up that the clause holds of, with those that must hold beside it.
        case neverMatches
    }

    package struct Finding: Sendable, Hashable {
        package let kind: Kind
        package let presets: [String]
        package let diagnostic: Diagnostic
        /// The project that shows it.
        package let example: String?
    }

    /// A project that is there.
    package struct Case: Sendable {
        package let name: String
        package let tree: any SourceTree

        package init(name: String, tree: any SourceTree) {
            self.name = name
            self.tree = tree
        }
    }

    private let catalog: PresetCatalog
    private let detector: Detector
    private let maker: ExampleMaker

    package init(catalog: PresetCatalog) {
        self.catalog = catalog
        detector = Detector(catalog: catalog)
        maker = ExampleMaker(catalog: catalog)
    }

    /// - Parameter subjects: the presets that are looked at, against all of the catalog.
    package func findings(about subjects: [Preset], cases: [Case] = []) throws -> [Finding] {
        let ids = Set(subjects.map(\.id))
        var found: [Finding] = []
        var pairs: Set<Set<String>> = []
        for item in cases {
            let facts = ProjectFacts(files: ProjectFiles(tree: item.tree), configuration: try .load(from: item.tree), catalog: catalog)
            if facts.configuration.build.framework != nil { continue }
            try note(overlap: detector.rank(facts), ids, shown: "case `\(item.name)`", &pairs, &found)
        }
        for preset in try catalog.presets {
            let isSubject = ids.contains(preset.id)
            var wins = false
            var winners: [String] = []
            var clauses: [Clause: (held: Bool, unknown: Bool)] = [:]
            for example in maker.examples(of: preset.match) {
                let looked = example.project.map { project in Result { try rank(project, isSubject ? [preset] : subjects) } }
                let ranking = try? looked?.get()
                // What has a mistake in it says nothing.
                let isUnknown = if case .success? = looked { false } else { true }
                let isHeld = ranking?.all.contains { $0.preset.id == preset.id && $0.outcome.held } ?? false
                for clause in example.clauses {
                    let known = clauses[clause] ?? (false, false)
                    clauses[clause] = (known.held || isHeld, known.unknown || isUnknown)
                }
                guard let ranking, let project = example.project else { continue }
                try note(overlap: ranking, ids, shown: project.summary, &pairs, &found)
                guard isHeld else { continue }
                if ranking.winner?.preset.id == preset.id || ranking.rival != nil { wins = true }
                winners += [ranking.winner?.preset.id].compactMap(\.self)
            }
            guard isSubject else { continue }
            for (clause, known) in clauses.sorted(by: { $0.key.description < $1.key.description }) where !known.held && !known.unknown {
                found.append(never(preset, clause))
            }
            if !wins, let winner = winners.first { found.append(shadowed(preset, winner)) }
        }
        return found.sorted { ($0.presets.first ?? "", $0.diagnostic.message) < ($1.presets.first ?? "", $1.diagnostic.message) }
    }

    /// Nil when the project is none of the presets'.
    private func rank(_ project: ExampleProject, _ presets: [Preset]) throws -> Detector.Ranking? {
        var configuration = try ProjectConfiguration.load(from: project)
        if !project.root.isRoot {
            configuration.build.root = Located(project.root, at: SourceLocation(file: ProjectConfiguration.fileName))
        }
        let facts = ProjectFacts(files: ProjectFiles(tree: project, root: project.root), configuration: configuration, catalog: catalog)
        let evaluator = ClauseEvaluator(facts: facts) { false }
        let isAsked = try presets.contains { try evaluator.holds($0.match) }
        return isAsked ? try detector.rank(facts) : nil
    }

    private func note(
        overlap ranking: Detector.Ranking, _ ids: Set<String>, shown: String, _ pairs: inout Set<Set<String>>, _ found: inout [Finding]
    ) throws {
        guard let winner = ranking.winner?.preset, let rival = ranking.rival?.preset else { return }
        let mine = ids.contains(winner.id) ? winner : rival
        let other = mine.id == winner.id ? rival : winner
        guard ids.contains(mine.id), pairs.insert([mine.id, other.id]).inserted else { return }
        found.append(
            Finding(
                kind: .overlap, presets: [mine.id, other.id],
                diagnostic: Diagnostic(
                    "`\(mine.id)` and `\(other.id)` match the same project at the same rank: \(shown)", at: mine.written.id,
                    hint: mine.group.isOrdered
                        ? "give one of them another `order` than \(mine.order)"
                        : "write `supersedes = [\"\(other.id)\"]`, or let one of them doubt: `confidence = \"likely\"`"),
                example: shown))
    }

    private func shadowed(_ preset: Preset, _ winner: String) -> Finding {
        Finding(
            kind: .shadowed, presets: [preset.id, winner],
            diagnostic: Diagnostic(
                "`\(preset.id)` never wins: whatever it was shown to match is `\(winner)`", at: preset.written.id,
                hint: "write `supersedes = [\"\(winner)\"]`, or ask for something that `\(winner)` does not have"),
            example: nil)
    }

    private func never(_ preset: Preset, _ clause: Clause) -> Finding {
        Finding(
            kind: .neverMatches, presets: [preset.id],
            diagnostic: Diagnostic(
                "this clause of `\(preset.id)` can hold of no project together with the others: \(clause.description)",
                at: clause.location, hint: "see what stands below `none` beside it; `forge detect --explain` shows each answer"),
            example: nil)
    }
}
