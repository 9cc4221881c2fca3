import ForgeModel
import ForgeSystem
import Foundation
import Testing

@testable import ForgeReleases

@Suite struct ReleaseNamesTests {
    @Test(arguments: [
        "a", "my-site", "site2", "0", "a--b", "staging", "pr-7", "my-staging-site", "my-pr-x", String(repeating: "a", count: 40),
    ])
    func aDNSLabelIsASlug(text: String) throws {
        #expect(try ProjectSlug(parsing: text).text == text)
    }

    @Test(arguments: [
        "", "My-Site", "my_site", "my.site", "-a", "a-", "a b", "ü", "a/b", "../a", "my-site-staging", "my-site-pr-7", "a-pr-123", "a\n",
        "a\u{0}", String(repeating: "a", count: 41),
    ])
    func anythingElseIsNot(text: String) {
        let error = #expect(throws: ForgeError.self) { try ProjectSlug(parsing: text) }
        #expect(error?.code == "project.invalid-slug")
        #expect(error?.exitCode == 2)
    }

    @Test func onlyAPreviewHasANumber() throws {
        let slug = try ProjectSlug(parsing: "a")
        #expect(throws: ForgeError.self) { try ReleasePlace(project: slug, environment: .preview) }
        #expect(throws: ForgeError.self) { try ReleasePlace(project: slug, environment: .preview, preview: 0) }
        #expect(throws: ForgeError.self) { try ReleasePlace(project: slug, environment: .staging, preview: 1) }
    }

    @Test func namesOfReleasesSortByTime() {
        let names = [0, 1, 31, 32, 1_800_000_000_000, 1_800_000_000_001].map { ReleaseID.make(now: $0) }
        #expect(names == names.sorted())
        #expect(names.allSatisfy { $0.utf8.count == 16 })
    }
}
