import ForgeModel
import ForgePresets
import Foundation
import Testing

@testable import ForgePlanning

/// Every project of `fixtures/projects` has its plan, or the refusal of one, in `fixtures/plans`.
@Suite struct GoldenPlanTests {
    static let projects = ((try? FileManager.default.contentsOfDirectory(atPath: Repository.root + "/fixtures/projects")) ?? []).sorted()
    static let updates = ProcessInfo.processInfo.environment["FORGE_UPDATE_GOLDENS"] == "1"

    /// Their toolchains are not at hand where the tests run: the plan is all that is looked at.
    static let notRun = Set(
        ((try? String(contentsOfFile: Repository.root + "/fixtures/not-run.txt", encoding: .utf8)) ?? "").split(separator: "\n").map(
            String.init))

    private struct Refusal: Encodable {
        struct Error: Encodable {
            let code: String
            let message: String
            let file: String?
            let line: Int?
            let column: Int?
            let hint: String?
        }
        let error: Error
    }

    @Test(arguments: projects)
    func planIsTheGoldenOne(project: String) throws {
        let tree = FolderTree(folder: "\(Repository.root)/fixtures/projects/\(project)")
        // The preset's digest changes with every comment in its file: the golden plan says which preset, not which bytes.
        let plan: String
        do {
            let found = try Planner.plans(Shipped.survey(tree))
            plan = try found.reduce(Shipped.json(PlanRendering.json(found))) { text, app in
                let digest = app.plan.preset.digest
                return text.replacing("\(digest)/\(digest.sizeBytes)", with: "sha256:…")
            }
        } catch let error as ForgeError {
            plan = try Shipped.json(
                Refusal(
                    error: .init(
                        code: error.code, message: error.message, file: error.location?.file, line: error.location?.line,
                        column: error.location?.column, hint: error.hint)))
        }
        let remark = Self.notRun.contains(project) ? "// Not run: its toolchain is not at hand where the tests run.\n" : ""
        try compare(plan + remark, with: "plans/\(project).json")
    }

    @Test(arguments: projects)
    func detectionIsTheGoldenOne(project: String) throws {
        let tree = FolderTree(folder: "\(Repository.root)/fixtures/projects/\(project)")
        try compare(try Shipped.json(Shipped.survey(tree).report), with: "plans/\(project).detect.json")
    }

    @Test func noGoldenPlanIsWithoutItsProject() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root + "/fixtures/plans")
        let known = Set(Self.projects.flatMap { ["\($0).json", "\($0).detect.json"] })
        #expect(Set(names).subtracting(known) == [])
        #expect(Self.projects.count >= 150)
        #expect(Self.notRun.subtracting(Self.projects) == [])
    }

    @Test func everyShippedPresetHasAProject() throws {
        let known = Set(
            Self.projects.compactMap { project -> String? in
                try? Shipped.survey(FolderTree(folder: "\(Repository.root)/fixtures/projects/\(project)")).own?.detection.preset.id
            })
        #expect(try Shipped.catalog.get().presets.map(\.id).filter { !known.contains($0) } == [])
    }

    private func compare(_ found: String, with name: String) throws {
        let file = "\(Repository.root)/fixtures/\(name)"
        if Self.updates { try Data(found.utf8).write(to: URL(fileURLWithPath: file)) }
        let golden = try? String(contentsOfFile: file, encoding: .utf8)
        #expect(golden != nil, "`\(name)` is missing: run the tests with FORGE_UPDATE_GOLDENS=1 and read it")
        #expect(found == golden)
    }
}
