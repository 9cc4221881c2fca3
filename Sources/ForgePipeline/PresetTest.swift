internal import ForgeModel
internal import ForgePlanning
internal import ForgePresets
internal import ForgeSources
internal import ForgeSystem
internal import Foundation

/// `forge preset test`: what became of each case.
package struct PresetTestReport: Sendable, Encodable {
    package enum Outcome: String, Sendable, Encodable { case passed, failed, updated }

    package struct Case: Sendable, Encodable {
        package let name: String
        package let preset: String?
        package let outcome: Outcome
        package let golden: String
        /// Lines that the golden file has (`-`) and that came out (`+`), each with two around it; where there is none, that.
        package let difference: [String]
    }

    package let cases: [Case]
    /// Presets of the folder that win no case.
    package let unproved: [String]

    package var isPassed: Bool { unproved.isEmpty && cases.allSatisfy { $0.outcome != .failed } }
}

extension Pipeline {
    /// Detects and plans every project of `DIR/cases` with the presets of `DIR` among those installed, and compares with `<case>.json`
    /// beside it. Nothing is run.
    /// - Throws: `preset.invalid` with every fault; `preset.no-cases`
    package func testPresets(in folder: String, updating: Bool) async throws -> PresetTestReport {
        try await BlockingPool.run {
            let found = try PresetFolder.descriptors(at: [folder])
            let check = try DescriptorCheck(found.descriptors, besides: presets.directories)
            guard check.faults.isEmpty else { throw ForgeError(.configuration, "preset.invalid", findings: check.faults) }
            let cases = try PresetFolder.cases(in: folder)
            guard !cases.isEmpty else {
                throw ForgeError(
                    .configuration, "preset.no-cases", "there are no cases in `\(folder)/\(PresetFolder.casesName)`",
                    hint: "put a small project into `\(folder)/\(PresetFolder.casesName)/NAME`, or begin with `forge preset new ID`")
            }
            let results = try cases.map { try Self.prove($0, in: folder, check.catalog, updating: updating) }
            let won = Set(results.compactMap(\.preset))
            return PresetTestReport(cases: results, unproved: check.presets.map(\.id).filter { !won.contains($0) })
        }
    }

    static func prove(
        _ item: (name: String, tree: LooseFolder), in folder: String, _ catalog: PresetCatalog, updating: Bool
    ) throws -> PresetTestReport.Case {
        let file = "\(folder)/\(PresetFolder.casesName)/\(item.name).json"
        let (preset, found) = try outcome(of: item.tree, catalog)
        let golden = try Files.read(file, limit: 16 << 20).map { String(decoding: $0, as: UTF8.self) }
        guard found != golden else { return .init(name: item.name, preset: preset, outcome: .passed, golden: file, difference: []) }
        if updating { try Files.writeAtomically(Array(found.utf8), to: file) }
        return .init(
            name: item.name, preset: preset, outcome: updating ? .updated : .failed, golden: file,
            difference: golden.map { LineDifference.lines(from: $0, to: found) } ?? ["there is no `\(file)` yet"])
    }

    private struct Outcome: Encodable {
        struct Failure: Encodable {
            let code: String
            let message: String
            let file: String?
            let line: Int?
            let hint: String?
        }

        var detection: DetectionReport?
        var plan: PlanRendering.Document?
        var error: Failure?
    }

    /// What detection and plan come to, as a golden file says it: a preset by its id, as its digest changes with every comment.
    static func outcome(of tree: some SourceTree, _ catalog: PresetCatalog) throws -> (preset: String?, text: String) {
        var outcome = Outcome()
        var preset: String?
        var digests: [Digest] = []
        do {
            let survey = try Surveyor(catalog: catalog).survey(tree, configuration: ProjectConfiguration.load(from: tree))
            outcome.detection = survey.report
            preset = survey.own?.detection.preset.id
            let plans = try Planner.plans(survey)
            digests = plans.map(\.plan.preset.digest)
            outcome.plan = PlanRendering.json(plans)
        } catch let error as ForgeError {
            outcome.error = .init(
                code: error.code, message: error.message, file: error.location?.file, line: error.location?.line, hint: error.hint)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(outcome), as: UTF8.self) + "\n"
        return (preset, digests.reduce(text) { $0.replacing("\($1)/\($1.sizeBytes)", with: "sha256:…") })
    }
}

/// What has to be taken out of one text and put in to have another, line by line.
enum LineDifference {
    /// Changed lines after `-` and `+`, each with up to two of their neighbours; `…` for what is left out.
    static func lines(from old: String, to new: String) -> [String] {
        let (a, b) = (old.split(separator: "\n").map(String.init), new.split(separator: "\n").map(String.init))
        let changes = b.difference(from: a)
        var removed: Set<Int> = []
        var inserted: Set<Int> = []
        for change in changes {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): inserted.insert(offset)
            }
        }
        var all: [(mark: String, text: String)] = []
        var (i, j) = (0, 0)
        while i < a.count || j < b.count {
            if i < a.count, removed.contains(i) {
                all.append(("-", a[i]))
                i += 1
            } else if j < b.count, inserted.contains(j) {
                all.append(("+", b[j]))
                j += 1
            } else {
                all.append((" ", b[j]))
                (i, j) = (i + 1, j + 1)
            }
        }
        let changed = all.indices.filter { all[$0].mark != " " }
        let shown = Set(changed.flatMap { max(0, $0 - 2)...min(all.count - 1, $0 + 2) })
        var lines: [String] = []
        for index in shown.sorted() {
            if index > 0, !shown.contains(index - 1) { lines.append("…") }
            lines.append("\(all[index].mark) \(all[index].text)")
        }
        return lines
    }
}
