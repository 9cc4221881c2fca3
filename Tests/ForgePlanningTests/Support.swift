import ForgeModel
import ForgePresets
import Foundation

@testable import ForgePlanning

enum Shipped {
    static let catalog = Result { try PresetCatalog.load(directories: [Repository.root + "/Presets"]) }

    static func detect(_ texts: [String: String]) throws -> Detection { try detect(MemoryTree(texts)) }

    static func detect(_ tree: some SourceTree) throws -> Detection {
        try Detector(catalog: catalog.get()).detect(in: tree, configuration: ProjectConfiguration.load(from: tree))
    }

    static func plan(_ tree: some SourceTree) throws -> BuildPlan {
        let configuration = try ProjectConfiguration.load(from: tree)
        return try Planner.plan(
            Detector(catalog: catalog.get()).detect(in: tree, configuration: configuration), configuration: configuration)
    }

    static func survey(_ tree: some SourceTree) throws -> Survey {
        try Surveyor(catalog: catalog.get()).survey(tree, configuration: ProjectConfiguration.load(from: tree))
    }

    static func survey(_ texts: [String: String]) throws -> Survey { try survey(MemoryTree(texts)) }

    static func plans(_ texts: [String: String]) throws -> [AppPlan] { try Planner.plans(survey(texts)) }

    static func plan(_ texts: [String: String]) throws -> BuildPlan { try plan(MemoryTree(texts)) }

    /// What a person reads when `work` fails: code, place, message, hint; every further finding on lines of its own.
    static func failure(_ work: () throws -> some Any) -> String {
        do {
            _ = try work()
            return "no failure"
        } catch let error as ForgeError {
            var lines = ["\(error.code) (exit \(error.exitCode))"]
            for finding in [Diagnostic(error.message, at: error.location, hint: error.hint)] + error.others {
                lines.append((finding.location.map { "\($0): " } ?? "") + finding.message)
                if let hint = finding.hint { lines.append("  hint: \(hint)") }
            }
            return lines.joined(separator: "\n")
        } catch {
            return "foreign error: \(error)"
        }
    }

    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    }
}
