import ForgeModel
import Testing

@testable import ForgePlanning

/// Which versions of a framework its preset is written for.
@Suite struct KnownVersionTests {
    private static func next(_ requirement: String) -> [String: String] {
        [
            "package.json": "{\"scripts\": {\"build\": \"next build\"},\n\"dependencies\": {\"next\": \"\(requirement)\"}}",
            "package-lock.json": "",
        ]
    }

    @Test(arguments: ["8.1.0", "^8.1.0", "~7", "v8", "5 - 8", "^7 || ^8", "<9", ">=7 < 9.0.0", "<=8"])
    func anOlderOneIsRefusedWithItsPlaceAndWhatToDo(requirement: String) {
        #expect(
            Shipped.failure { try Shipped.detect(Self.next(requirement)) } == """
                detect.version-too-old (exit 20)
                package.json:2: `next` \(requirement): Next.js is built from version 9 on
                  hint: upgrade it, or describe the build in `crowdforge.toml`: `[build]` with `framework = "node"`, `command` and `output`
                """)
    }

    @Test(arguments: [
        "9.0.0", "^16.1.0", ">=8", ">=8 <15", "^17 || ^16", ">=8 <=9", "*", "latest", "canary", "^8 || ^14", "8.x || 9.x", "8 - 10",
        "workspace:*",
    ])
    func oneThatMayBeOfTheKnownIsTakenWithoutAWord(requirement: String) throws {
        #expect(try Shipped.detect(Self.next(requirement)).warnings == [])
    }

    @Test(arguments: ["17.0.0", "^17.0.0", ">=17", "^18 || ^17"]) func aNewerOneIsTakenWithAWarning(requirement: String) throws {
        #expect(
            try Shipped.detect(Self.next(requirement)).warnings == [
                Diagnostic(
                    "`next` \(requirement) is newer than what is known of Next.js", at: SourceLocation(file: "package.json", line: 2),
                    hint: "look at the plan; where it is wrong, `[build]` in `crowdforge.toml` says it")
            ])
    }
}
