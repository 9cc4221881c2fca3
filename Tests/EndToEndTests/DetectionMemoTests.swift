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

    @Test func presetsAreLookedAtByTheirTimesAndADifferenceNeverGoesUnseen() async throws {
        try await withForgeHome { home in
            let project = try home.project(["tides.conf": "", "index.html": ""])
            _ = try await home.build(project.path)
            let file = "\(home.path)/presets/tides.toml"
            func preset(_ name: String) throws {
                try FileManager.default.createDirectory(atPath: "\(home.path)/presets", withIntermediateDirectories: true)
                let text = """
                    id = "tides"
                    name = "\(name)"
                    language = "static"
                    group = "framework"
                    match = { file = "tides.conf" }

                    [artifact]
                    kind = "static"

                    """
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                // Long ago, so that its times alone speak for it.
                try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: file)
            }
            func detected() async throws -> JSON? { try await home.run("detect", project.path, "--json").json()["name"] }
            let memos = "\(home.path)/descriptors"
            /// Once the preset's times lie in the past a memo is made.
            func settle(_ count: Int) async throws {
                for _ in 1...200 where Folder.names(memos).count < count { _ = try await detected() }
                #expect(Folder.names(memos).count == count)
            }
            try preset("Tides of May")
            #expect(try await detected() == "Tides of May")
            try await settle(2)
            #expect(try await detected() == "Tides of May")
            try preset("Tides of Jun")
            #expect(try await detected() == "Tides of Jun", "as long and as old, but another file")
            try await settle(3)
            for memo in Folder.names(memos) { try "else".write(toFile: "\(memos)/\(memo)", atomically: true, encoding: .utf8) }
            #expect(try await detected() == "Tides of Jun", "whatever a memo says")
            try FileManager.default.removeItem(atPath: file)
            #expect(try await detected() == "Static site")
        }
    }
}
