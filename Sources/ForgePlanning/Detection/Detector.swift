internal import ForgeManifests
package import ForgeModel
internal import ForgePatterns
internal import ForgePlatforms
package import ForgePresets

/// Recognizes what a project is. Pure over a read-only tree: it looks at files and runs nothing. May block on files.
package struct Detector: Sendable {
    package let catalog: PresetCatalog

    package init(catalog: PresetCatalog) { self.catalog = catalog }

    /// - Throws: `ForgeError`: `detect.empty`, `detect.none`, `detect.ambiguous`, `detect.several-lockfiles`,
    ///   `detect.manifest-syntax`, `detect.conflict`, `config.unknown-framework`, `config.no-root`.
    package func detect(in tree: some SourceTree, configuration: ProjectConfiguration) throws -> Detection {
        try detect(try facts(tree, configuration))
    }

    func detect(_ facts: ProjectFacts) throws -> Detection {
        try checkRoot(facts.files, facts.configuration)
        let ranking = try rank(facts)
        guard let winner = ranking.winner else { throw try nothing(facts, ranking) }
        if let rival = ranking.rival { throw ambiguous(winner, rival) }
        try checkVersion(winner.preset, facts)
        return try DetectionBuilder(facts: facts, ranking: ranking, winner: winner).build()
    }

    /// What every preset made of the project; never fails because presets disagree or none fits.
    package func explain(in tree: some SourceTree, configuration: ProjectConfiguration) throws -> Explanation {
        let facts = try facts(tree, configuration)
        let ranking = try rank(facts, asksAll: true)
        let entries = ranking.all.map {
            Explanation.Entry(preset: $0.preset.id, name: $0.preset.name, group: $0.preset.group, outcome: $0.outcome)
        }
        let missed = entries.filter { !$0.outcome.held && $0.outcome.clauses.contains { $0.held && !$0.negated } }
        let nearest = missed.max { left, right in
            let (a, b) = (left.outcome.clauses, right.outcome.clauses)
            return (a.count { $0.held && !$0.negated }, -a.count { !$0.speaksFor }) < (
                b.count { $0.held && !$0.negated }, -b.count { !$0.speaksFor }
            )
        }
        let clear = ranking.rival == nil
        return Explanation(
            entries: entries, forced: facts.framework?.value, winner: clear ? ranking.winner?.preset.id : nil,
            reason: ranking.reason, nearestMiss: nearest, platforms: platforms(facts, ranking))
    }

    /// What was taken of other platforms' files; of a project that nothing claims, what they say.
    private func platforms(_ facts: ProjectFacts, _ ranking: Ranking) -> [PlatformReport] {
        guard let winner = ranking.winner, ranking.rival == nil,
            let detection = try? DetectionBuilder(facts: facts, ranking: ranking, winner: winner).build()
        else { return [] }
        return detection.platforms
    }

    private func facts(_ tree: some SourceTree, _ configuration: ProjectConfiguration) throws -> ProjectFacts {
        let files = ProjectFiles(tree: tree, root: configuration.root)
        try checkRoot(files, configuration)
        return ProjectFacts(files: files, configuration: configuration, catalog: catalog)
    }

    func checkRoot(_ files: ProjectFiles, _ configuration: ProjectConfiguration) throws {
        guard case .directory? = try files.node(.root) else {
            throw ForgeError(
                .configuration, "config.no-root", "there is no folder `\(configuration.root)`", at: configuration.build.root?.location,
                hint: "`root` names a folder below the one that holds `crowdforge.toml`")
        }
    }

    struct Match {
        let preset: Preset
        let outcome: MatchOutcome
    }

    /// The presets in order of rank, and who wins.
    struct Ranking {
        let all: [Match]
        let winner: Match?
        /// Holds the same rank as the winner, and nothing orders them.
        let rival: Match?
        let reason: String
        let losers: [(match: Match, reason: String)]
    }

    func rank(_ facts: ProjectFacts, asksAll: Bool = false) throws -> Ranking {
        let evaluator = ClauseEvaluator(facts: facts, installs: { false }, asksAll: asksAll)
        let asked = catalog.entries.filter { asksAll || $0.id == facts.framework?.value || evaluator.passes($0) }
        let all = try asked.map { entry in
            let preset = try entry.preset()
            return Match(preset: preset, outcome: try evaluator.evaluate(preset.match, defaultConfidence: preset.confidence))
        }.sorted { Detector.seniority($0) < Detector.seniority($1) }
        let held = all.filter(\.outcome.held)
        if let forced = facts.framework { return try self.forced(forced, all, held) }
        let superseded = Dictionary(held.flatMap { by in by.preset.supersedes.map { ($0, by.preset.id) } }) { first, _ in first }
        var open = held.filter { superseded[$0.preset.id] == nil }.sorted {
            Detector.strength($0).lexicographicallyPrecedes(Detector.strength($1))
        }
        if let said = facts.movingIn.setting(.language) {
            let meant = open.filter { $0.preset.language == said.text }
            if !meant.isEmpty {
                open = meant
            } else if open.first.map({ $0.preset.group == .custom }) ?? true,
                let runtime = try runtime(of: said.text, facts)
            {
                return Ranking(all: all, winner: runtime, rival: nil, reason: "`\(said.location.file)` names its language", losers: [])
            }
        }
        guard let winner = open.first else {
            return Ranking(all: all, winner: nil, rival: nil, reason: "no preset matches", losers: [])
        }
        let rival = open.dropFirst().first { Detector.strength($0) == Detector.strength(winner) }
        let losers = held.filter { $0.preset.id != winner.preset.id }.map { match in
            (match: match, reason: superseded[match.preset.id].map { "superseded by \($0)" } ?? Detector.reason(match, against: winner))
        }
        let reason =
            rival.map { "`\(winner.preset.id)` and `\($0.preset.id)` match at the same rank" } ?? Detector.victory(winner, losers.count)
        return Ranking(all: all, winner: winner, rival: rival, reason: reason, losers: losers)
    }

    /// What a language is built with where only a file of another platform tells of it.
    private func runtime(of language: String, _ facts: ProjectFacts) throws -> Match? {
        let runtimes = try catalog.presets.filter { $0.group == .runtime && $0.language == language }
        guard let preset = runtimes.first(where: { $0.id == language }) ?? runtimes.min(by: { $0.order < $1.order }) else { return nil }
        let evaluator = ClauseEvaluator(facts: facts, installs: { false }, asksAll: true)
        return Match(preset: preset, outcome: try evaluator.evaluate(preset.match, defaultConfidence: preset.confidence))
    }

    private func forced(_ name: Located<String>, _ all: [Match], _ held: [Match]) throws -> Ranking {
        guard let winner = all.first(where: { $0.preset.id == name.value }) else {
            throw ForgeError(
                .configuration, "config.unknown-framework", "no preset named `\(name.value)`", at: name.location,
                hint: NearestName.hint(for: name.value, in: catalog.entries.map(\.id)))
        }
        let losers = held.filter { $0.preset.id != winner.preset.id }.map {
            (match: $0, reason: "`\(name.location.file)` names `\(name.value)`")
        }
        return Ranking(all: all, winner: winner, rival: nil, reason: "`\(name.location.file)` names it", losers: losers)
    }

    /// Order in which presets are shown.
    private static func seniority(_ match: Match) -> (Int, Int, String) {
        (Preset.Group.allCases.firstIndex(of: match.preset.group) ?? 0, match.preset.order, match.preset.id)
    }

    /// Smaller wins; equal is a tie nobody wrote an order for.
    private static func strength(_ match: Match) -> [Int] {
        let group = Preset.Group.allCases.firstIndex(of: match.preset.group) ?? 0
        let doubt = Confidence.allCases.count - (Confidence.allCases.firstIndex(of: match.outcome.confidence) ?? 0)
        // Runtimes, Dockerfile and static follow one written order; how sure they are does not change it.
        return match.preset.group.isOrdered ? [group, match.preset.order] : [group, doubt]
    }

    private static func reason(_ match: Match, against winner: Match) -> String {
        if match.preset.group != winner.preset.group {
            return "a \(winner.preset.group.rawValue) goes before a \(match.preset.group.rawValue)"
        }
        return match.preset.group.isOrdered ? "`\(winner.preset.id)` comes first in the order" : "only \(match.outcome.confidence.rawValue)"
    }

    private static func victory(_ winner: Match, _ losers: Int) -> String {
        losers == 0 ? "only `\(winner.preset.id)` matches" : "`\(winner.preset.id)` outranks the others that match"
    }

    /// - Throws: `detect.version-too-old`
    private func checkVersion(_ preset: Preset, _ facts: ProjectFacts) throws {
        guard let known = preset.versions, let min = known.min, let ecosystem = preset.ecosystem,
            let dependency = try facts.manifests.find(known.dependency, ecosystem),
            !VersionRange.mayReach(min, requirement: dependency.requirement)
        else { return }
        let least = min.map(String.init).joined(separator: ".")
        throw ForgeError(
            .detection, "detect.version-too-old",
            "`\(dependency.name)` \(dependency.requirement): \(preset.name) is built from version \(least) on",
            at: SourceLocation(file: dependency.file, line: dependency.line),
            hint: "upgrade it, or describe the build in `crowdforge.toml`: `[build]` with `framework = \"node\"`, `command` and `output`")
    }

    private func ambiguous(_ winner: Match, _ rival: Match) -> ForgeError {
        let names = [winner, rival].map { "`\($0.preset.id)`" }.joined(separator: " and ")
        let lines = [winner, rival].compactMap { match in
            match.outcome.evidence.first?.place.map { "`\(match.preset.id)`: \($0)" }
        }.joined(separator: ", ")
        return ForgeError(
            .detection, "detect.ambiguous", "the project looks like \(names)" + (lines.isEmpty ? "" : " (\(lines))"),
            hint: "write `framework = \"\(winner.preset.id)\"` (or `\"\(rival.preset.id)\"`) below `[build]` in `crowdforge.toml`")
    }

    private func nothing(_ facts: ProjectFacts, _ ranking: Ranking) throws -> ForgeError {
        let entries = try facts.files.entries(.root).map(\.name).filter { $0 != ".git" }
        guard !entries.isEmpty else {
            return ForgeError(
                .detection, "detect.empty",
                (facts.files.root.isRoot ? "the source" : "the folder `\(facts.files.root)`") + " is empty: there is nothing to build",
                hint: "add an `index.html`, or run forge in the project's folder")
        }
        let message = "no framework recognized in `\(facts.files.root)`"
        let spelled = Detector.misspelled(entries, try catalog.presets)
        if spelled == nil, let advice = FolderSearch(detector: self, facts: facts).advice() {
            return ForgeError(.detection, "detect.none", message, hint: advice)
        }
        let manifests = try catalog.packageManagers.filter(\.isDefault).compactMap { manager in
            manager.manifests.first.map { "`\($0)` (\(manager.name))" }
        }
        let settle = "describe the build in `crowdforge.toml`: `[build]` with `command` and `output`"
        return ForgeError(
            .detection, "detect.none", message,
            hint: (spelled.map { $0 + "; " } ?? "")
                + "looked for \(catalog.entries.count) frameworks and languages, for \(manifests.joined(separator: ", ")), a "
                + "`Dockerfile` and an `index.html`; if it is none of them, " + settle)
    }

    /// A file that only its case keeps from being found.
    private static func misspelled(_ entries: [String], _ presets: [Preset]) -> String? {
        let wanted = presets.flatMap(\.match.clauses).flatMap { clause -> [String] in
            guard case .file(let test) = clause.test else { return [] }
            return test.globs.flatMap(\.alternatives).filter { $0.count == 1 }.flatMap { $0 }
        }
        for entry in entries {
            if let name = wanted.first(where: { $0.lowercased() == entry.lowercased() && $0 != entry && !Glob.isWild($0) }) {
                return "`\(entry)` is not `\(name)`: case counts, rename it"
            }
        }
        return nil
    }
}
