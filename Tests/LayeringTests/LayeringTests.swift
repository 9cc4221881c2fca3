import ForgeTestSupport
import Foundation
import Testing

/// The house plan as written in `docs/architecture.md`, section 1.
private struct HousePlan {
    /// Module → floor.
    let floors: [String: Int]

    init() throws {
        let text = try String(contentsOfFile: BuildProducts.checkout + "docs/architecture.md", encoding: .utf8)
        let block = try #require(text.split(separator: "```", omittingEmptySubsequences: false).dropFirst().first)
        var floors: [String: Int] = [:]
        for line in block.split(separator: "\n") {
            guard let match = line.firstMatch(of: /^ ([0-9])  (.*)$/), let floor = Int(match.output.1) else { continue }
            for name in match.output.2.matches(of: /\b(Forge[A-Za-z]+|C[A-Z][A-Za-z0-9]+|forge(-sandbox)?)\b/) {
                floors[String(name.output.0)] = floor
            }
        }
        self.floors = floors
    }

    /// Plugins stand on floor 4, whatever they are called.
    func floor(of module: String) -> Int? { floors[module] ?? (module.hasPrefix("forge-target-") ? 4 : nil) }
}

/// One import of a module of this package.
private struct Import: Hashable {
    let from: String
    let to: String
    let file: String
}

private func swiftFiles(below folder: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".swift") }.sorted()
}

private func imports(of module: String, in folder: String, among known: Set<String>) throws -> [Import] {
    try swiftFiles(below: folder).flatMap { file in
        let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        return text.matches(
            of:
                /(?m)^(?:@\w+(?:\([^)]*\))? )?(?:(?:public|package|internal|private|fileprivate) )?import (?:(?:struct|class|enum|func|protocol) )?(\w+)/
        )
        .map { Import(from: module, to: String($0.output.1), file: file) }
        .filter { known.contains($0.to) && $0.to != module }
    }
}

@Suite struct LayeringTests {
    private static let sources = BuildProducts.checkout + "Sources"
    private static let plugins = BuildProducts.checkout + "Plugins"

    private func modules() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: Self.sources).sorted() }

    @Test func everyModuleStandsOnAFloorOfThePlan() throws {
        let plan = try HousePlan()
        #expect(try modules().filter { plan.floor(of: $0) == nil } == [])
    }

    @Test func noImportRunsUpwardOrSideways() throws {
        let plan = try HousePlan()
        let modules = try modules()
        let wrong = try modules.flatMap { try imports(of: $0, in: "\(Self.sources)/\($0)", among: Set(modules)) }
            .filter { plan.floor(of: $0.from) ?? 0 <= plan.floor(of: $0.to) ?? 99 }
        #expect(wrong == [])
    }

    @Test func aTargetImportsNothingOfForgeButItsProtocol() throws {
        let modules = Set(try modules())
        let used = try FileManager.default.contentsOfDirectory(atPath: Self.plugins)
            .flatMap { try imports(of: $0, in: "\(Self.plugins)/\($0)", among: modules) }
        #expect(!used.isEmpty)
        #expect(Set(used.map(\.to)) == ["ForgeTargetProtocol"])
    }

    @Test func theManifestAllowsNoDependencyThatThePlanForbids() throws {
        let plan = try HousePlan()
        let manifest = try String(contentsOfFile: BuildProducts.checkout + "Package.swift", encoding: .utf8)
        let rooms = manifest.matches(of: /(?s)room\(\s*"(\w+)",\s*\[(.*?)\]\)/)
        #expect(rooms.count > 10)
        let wrong = rooms.flatMap { room in
            room.output.2.matches(of: /"(\w+)"/).map { (String(room.output.1), String($0.output.1)) }
        }.filter { plan.floor(of: $0.0) ?? 0 <= plan.floor(of: $0.1) ?? 99 }
        #expect(wrong.map { "\($0.0) -> \($0.1)" } == [])
    }

    @Test func theManifestDeclaresWhatARoomOrItsTestsImportAndNothingElse() throws {
        let manifest = try String(contentsOfFile: BuildProducts.checkout + "Package.swift", encoding: .utf8)
        let libraries = manifest.matches(of: /systemLibrary\(name: "(\w+)"/).map { String($0.output.1) }
        let known = Set(try modules() + libraries)
        var wrong: [String] = []
        for room in manifest.matches(of: /(?s)(room|tests)\(\s*"(\w+)",\s*\[(.*?)\]\)/) {
            let name = String(room.output.2)
            let folder = BuildProducts.checkout + (room.output.1 == "tests" ? "Tests/" : "Sources/") + name
            let declared = Set(room.output.3.matches(of: /"(\w+)"/).map { String($0.output.1) }).intersection(known)
            let imported = Set(try imports(of: name, in: folder, among: known).map(\.to))
            wrong += imported.subtracting(declared).sorted().map { "\(name) does not declare \($0)" }
            wrong += declared.subtracting(imported).sorted().map { "\(name) declares \($0) and does not import it" }
        }
        #expect(wrong == [])
    }

    @Test func nothingIsPublicOutsideTheTargetProtocol() throws {
        let files = try modules().filter { $0 != "ForgeTargetProtocol" }.flatMap { module in
            swiftFiles(below: "\(Self.sources)/\(module)").map { "\(Self.sources)/\(module)/\($0)" }
        }
        let leaking = try files.filter {
            try String(contentsOfFile: $0, encoding: .utf8).contains(
                /(?m)^\s*(public|open) (struct|class|enum|func|let|var|protocol|actor|init|static)/)
        }
        #expect(leaking == [])
    }

    @Test func unsafeEscapesStayInTheSystemRoom() throws {
        let files = try modules().filter { $0 != "ForgeSystem" && $0 != "ForgeREAPI" }.flatMap { module in
            swiftFiles(below: "\(Self.sources)/\(module)").map { "\(Self.sources)/\(module)/\($0)" }
        }
        let escaping = try files.filter {
            let text = try String(contentsOfFile: $0, encoding: .utf8)
            return ["@unchecked Sendable", "try!", "as!", "nonisolated(unsafe)"].contains { text.contains($0) }
        }
        #expect(escaping == [])
    }
}
