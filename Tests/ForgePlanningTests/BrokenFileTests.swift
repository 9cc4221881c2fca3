import ForgeModel
import ForgePresets
import Foundation
import Testing

@testable import ForgePlanning

/// The tables of `fixtures/broken`: files with mistakes, and all that must be said about each.
@Suite struct BrokenFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let kind: String
        let name: String
        let text: String
        let expected: String
        var testDescription: String { "\(kind): \(name)" }
    }

    private static let folder = Repository.root + "/fixtures/broken"
    private static let kinds = ["preset", "package-manager", "toolchain", "crowdforge"]
    static let cases = kinds.flatMap(read)

    private static func read(_ kind: String) -> [Case] {
        let text = (try? String(contentsOfFile: "\(folder)/\(kind).txt", encoding: .utf8)) ?? ""
        return text.split(separator: "=== ").filter { !$0.isEmpty }.map { part in
            let end = part.firstIndex(of: "\n") ?? part.endIndex
            let halves = part[end...].dropFirst().split(separator: "\n---\n", maxSplits: 1, omittingEmptySubsequences: false)
            // A file without a line has nothing before its own end.
            let file = part[end...].hasPrefix("\n\n---\n") || part[end...].hasPrefix("\n---\n") ? "" : String(halves[0])
            let expected = halves.count > 1 ? halves[1] : part[end...].dropFirst().trimmingPrefix("---\n")
            return Case(kind: kind, name: String(part[..<end]), text: file, expected: String(expected))
        }
    }

    /// Code, then each finding with its place in the file and its hint.
    private static func said(of item: Case) throws -> String {
        let bytes = Array(item.text.utf8)
        var (code, findings): (String, [Diagnostic]) = ("preset.invalid", [])
        switch item.kind {
        case "crowdforge":
            do {
                _ = try ProjectConfiguration(parsing: bytes, file: "f")
            } catch let error as ForgeError {
                code = error.code
                findings = [Diagnostic(error.message, at: error.location, hint: error.hint)] + error.others
            }
        default:
            let folder = item.kind == "preset" ? "" : item.kind + "s/"
            findings = try DescriptorCheck([DescriptorFile(file: folder + "f", bytes: bytes)], besides: []).faults
        }
        let lines = findings.map { finding in
            "\(finding.location?.line ?? 0):\(finding.location?.column ?? 0): \(finding.message)"
                + (finding.hint.map { "\n    hint: \($0)" } ?? "")
        }
        return ([code] + lines).joined(separator: "\n")
    }

    @Test func everyFaultOfEveryFileIsSaidWithItsPlaceAndTheSchemaAgreesWhereItCan() throws {
        #expect(Self.cases.count >= 200)
        let schemas = try Schemas.findings(Self.cases.map { ($0.kind, $0.text) })
        let found = try zip(Self.cases, schemas).map { item, against in
            let verdict = against.map { $0.isEmpty ? "schema: cannot say" : "schema: refuses" } ?? "schema: no TOML"
            return (item, try Self.said(of: item) + "\n" + verdict + "\n")
        }
        if ProcessInfo.processInfo.environment["FORGE_UPDATE_GOLDENS"] == "1" {
            for kind in Self.kinds {
                let text = found.filter { $0.0.kind == kind }.map { "=== \($0.0.name)\n\($0.0.text)\n---\n\($0.1)" }.joined()
                try text.write(toFile: "\(Self.folder)/\(kind).txt", atomically: true, encoding: .utf8)
            }
        }
        for (item, text) in found { #expect(text == item.expected, "\(item.testDescription)") }
        // A file that nothing is said about is not broken.
        #expect(found.filter { $0.1.split(separator: "\n").count < 3 }.map(\.0.testDescription) == [])
    }
}

/// The schemas of `docs/schemas`, asked through Python's `jsonschema`.
enum Schemas {
    static func file(_ kind: String) -> String { Repository.root + "/docs/schemas/\(kind).schema.json" }

    /// What the schema of each kind says against each text; nil for one that is no TOML.
    static func findings(_ items: [(kind: String, text: String)]) throws -> [[String]?] {
        let request = try JSONEncoder().encode(items.map { [file($0.kind), $0.text] })
        let input = FileManager.default.temporaryDirectory.appendingPathComponent("forge-schemas-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: input) }
        try request.write(to: input)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [Repository.root + "/fixtures/broken/validate.py"]
        process.standardInput = try FileHandle(forReadingFrom: input)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try JSONDecoder().decode([[String]?].self, from: bytes)
    }
}
