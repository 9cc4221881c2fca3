import ForgeManifests
import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// What a detection has looked at decides whether it is made again.
@Suite struct ReadSetTests {
    private static let files = [
        "package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}"#, "package-lock.json": "{}",
        "vite.config.js": "export default {}", "index.html": "", "src/main.js": "", "src/deep/er/page.js": "one",
    ]

    private static func readSet(_ files: [String: String]) throws -> ReadSet {
        let tree = WitnessedTree(MemoryTree(files))
        #expect(try Shipped.detect(tree).preset.id == "vite")
        return tree.readSet
    }

    private static func holds(_ changes: [String: String?]) throws -> Bool {
        var changed = files
        for (name, text) in changes { changed[name] = text }
        return try readSet(files).holds(in: MemoryTree(changed))
    }

    @Test func aTreeThatIsTheSameAnswersTheSame() throws {
        #expect(try Self.readSet(Self.files).count > 100)
        #expect(try Self.holds([:]))
    }

    @Test func whatNobodyLookedIntoMayChange() throws {
        #expect(try Self.holds(["src/deep/er/page.js": "two, and longer"]))
        #expect(try Self.holds(["src/deep/er/other.js": "new"]))
        #expect(try Self.holds(["index.html": "<p>written", "src/deep/er/page.js": nil, "src/deep/er/third.js": "moved"]))
    }

    @Test(
        arguments: [
            ["package.json": "{}"], ["vite.config.js": "export default { build: { outDir: 'out' } }"], ["package-lock.json": nil],
            ["yarn.lock": ""], [".nvmrc": "20"], ["next.config.js": ""], ["crowdforge.toml": "[build]\noutput = \"x\"\n"],
            ["index.html": "→ src/main.js"], ["Procfile": "web: x"],
        ] as [[String: String?]])
    func whatADetectionAskedForMayNot(changes: [String: String?]) throws { #expect(try !Self.holds(changes)) }

    @Test func itIsTheSameAfterItWasWrittenDown() throws {
        let set = try Self.readSet(Self.files)
        #expect(ReadSet(fields: set.fields[...]) == set)
        #expect(set.fields.count == set.count * 3)
    }

    @Test(arguments: [
        ["n", "a"], ["x", "a", "file"], ["d", "", ""], ["f", "a", "12/3"], ["f", "a", String(repeating: "0", count: 64)],
    ])
    func whatNobodyWroteIsNone(fields: [String]) {
        #expect(ReadSet(fields: fields[...]) == nil)
    }
}
