import ForgeTestSupport
import Foundation
import Testing

/// A build looks at the project anew only when something has changed that it had looked at.
@Suite struct DetectionMemoTests {
    private static func plans(_ home: ForgeHome) -> Set<String> {
        let all = FileManager.default.enumerator(atPath: home.path)?.compactMap { $0 as? String } ?? []
        return Set(all.filter { $0.contains("/plans/") || $0.hasPrefix("plans/") })
    }

    private static func package(_ command: String) -> [String: String] {
        ["package.json": "{\"name\": \"site\", \"scripts\": {\"build\": \"mkdir -p dist && \(command) > dist/index.html\"}}\n"]
    }

    @Test func whatNoRuleHasReadMayChangeWithoutARuleBeingAsked() async throws {
        try await withForgeHome { home in
            let project = try home.project(Self.package("cat src/of/the/page.html"))
            try project.write(["src/of/the/page.html": "one\n"])
            func page() async throws -> [String: String] {
                _ = try await home.build(project.path, "--out", "\(home.folder)/out", "--force")
                return try Folder.texts("\(home.folder)/out")
            }
            #expect(try await page() == ["index.html": "one\n"])
            let made = Self.plans(home)
            #expect(made.count == 2, "a plan, and what was asked for it")
            try project.write(["src/of/the/page.html": "two\n", "src/of/the/other.html": "other\n"])
            #expect(try await page() == ["index.html": "two\n"])
            #expect(Self.plans(home) == made)
            try project.write(Self.package("echo three"))
            #expect(try await page() == ["index.html": "three\n"])
            #expect(Self.plans(home).count == 3)
            // A file that was looked for and not found.
            try project.write(["crowdforge.toml": "[build]\ncommand = \"mkdir -p dist && echo four > dist/index.html\"\n"])
            #expect(try await page() == ["index.html": "four\n"])
            #expect(Self.plans(home).count == 4)
        }
    }
}
