import ForgePresets
import Testing

@testable import ForgeToolchains

@Suite struct VersionRequirementTests {
    private static let node = ["18.18.2", "20.18.0", "22.20.0", "24.19.0"]
    private static let python = ["3.9.2", "3.11.2", "3.12.0", "3.13.5"]
    private static let go = ["1.24.11", "1.27.3"]

    private static func allowed(
        _ text: String, of versions: [String], _ grammar: Toolchain.Grammar, aliases: [String: String] = [:], isMinimum: Bool = false
    ) -> [String]? {
        VersionRequirement(text, grammar: grammar, aliases: aliases, isMinimum: isMinimum).map { requirement in
            versions.filter { ToolVersion($0).map(requirement.allows) ?? false }
        }
    }

    @Test(arguments: [
        ("20", ["20.18.0"]), ("v20.18.0", ["20.18.0"]), ("20.x", ["20.18.0"]), ("20.18", ["20.18.0"]), ("20.17", []),
        ("^20 || ^22", ["20.18.0", "22.20.0"]), (">=18", node), (">= 20 <24", ["20.18.0", "22.20.0"]), (">20", ["22.20.0", "24.19.0"]),
        ("<=20", ["18.18.2", "20.18.0"]), ("~20.18.0", ["20.18.0"]), ("~20.17", []), ("^18.19.0", []), ("18 - 20", ["18.18.2", "20.18.0"]),
        ("18.18.2 - 20.18.0", ["18.18.2", "20.18.0"]), ("*", node), ("", node), ("latest", node), ("lts/*", ["24.19.0"]),
        ("LTS/Iron", ["20.18.0"]), ("=22.20.0", ["22.20.0"]), (">=18 <19 || 24", ["18.18.2", "24.19.0"]), ("20.18.0-rc.1", ["20.18.0"]),
    ])
    func anNpmRangeAllowsWhatNpmWould(text: String, versions: [String]) {
        #expect(Self.allowed(text, of: Self.node, .npm, aliases: ["lts/*": "24", "lts/iron": "20"]) == versions)
    }

    @Test(arguments: [
        ("3.11", ["3.11.2"]), (">=3.11", ["3.11.2", "3.12.0", "3.13.5"]), (">=3.11,<3.13", ["3.11.2", "3.12.0"]),
        ("~=3.11", ["3.11.2", "3.12.0", "3.13.5"]),
        ("~=3.11.0", ["3.11.2"]), ("==3.12.*", ["3.12.0"]), ("!=3.12.*, >3.9", ["3.9.2", "3.11.2", "3.13.5"]),
        ("^3.11", ["3.11.2", "3.12.0", "3.13.5"]),
        ("3.11.7", []), ("<3.10", ["3.9.2"]), (">=3.9, !=3.11.2", ["3.9.2", "3.12.0", "3.13.5"]), ("*", python),
    ])
    func aPythonSpecifierAllowsWhatPipWould(text: String, versions: [String]) {
        #expect(Self.allowed(text, of: Self.python, .python) == versions)
    }

    private static let ruby = ["2.7.8", "3.1.2", "3.1.6", "3.3.0"]

    @Test(arguments: [
        ("~> 3.1", ["3.1.2", "3.1.6", "3.3.0"]), ("~> 3.1.0", ["3.1.2", "3.1.6"]), ("~>3.1.3", ["3.1.6"]), ("~> 2", ["2.7.8"]),
        (">= 2.7, < 3.3", ["2.7.8", "3.1.2", "3.1.6"]), ("ruby-3.1.2", ["3.1.2"]), (">= 3.1.3 and < 4.0.0", ["3.1.6", "3.3.0"]),
        ("~> 2.7 or ~> 3.3", ["2.7.8", "3.3.0"]), ("> 3.1", ["3.1.2", "3.1.6", "3.3.0"]), ("== 3.3.0-otp-27", ["3.3.0"]), ("", ruby),
    ])
    func aPessimisticConstraintAllowsWhatRubyGemsAndMixWould(text: String, versions: [String]) {
        #expect(Self.allowed(text, of: Self.ruby, .gem) == versions)
    }

    private static let php = ["7.4.33", "8.1.27", "8.2.36", "8.4.1"]

    @Test(arguments: [
        ("^8.2", ["8.2.36", "8.4.1"]), ("~8.1", ["8.1.27", "8.2.36", "8.4.1"]), ("~8.1.0", ["8.1.27"]), ("8.2.*", ["8.2.36"]),
        ("^7.4 | ^8.4", ["7.4.33", "8.4.1"]), ("^7.4|~8.2.0", ["7.4.33", "8.2.36"]), ("~8.1.0 || ~8.2.0", ["8.1.27", "8.2.36"]),
        (">=7.4 <8.2", ["7.4.33", "8.1.27"]), (">8.1", ["8.1.27", "8.2.36", "8.4.1"]), ("7.4 - 8.1", ["7.4.33", "8.1.27"]), ("*", php),
    ])
    func aConstraintOfComposerAllowsWhatComposerWould(text: String, versions: [String]) {
        #expect(Self.allowed(text, of: Self.php, .composer) == versions)
    }

    @Test(arguments: ["3.1 or", "and 3", "~>a"]) func whatIsHalfAConstraintIsNoRequirement(text: String) {
        #expect(Self.allowed(text, of: Self.ruby, .gem) == nil)
    }

    @Test(arguments: ["twenty", "lts/unknown", ">=a", "1..2", "20 - x - 3", "=>20", "99999999999999999999", "~=3", "||a"])
    func whatSaysNoVersionIsNoRequirement(text: String) {
        #expect(Self.allowed(text, of: Self.node, .npm) == nil)
    }

    @Test func theGoLineOfAModuleIsTheOldestThatWillDo() {
        #expect(Self.allowed("1.21", of: Self.go, .npm, isMinimum: true) == Self.go)
        #expect(Self.allowed("1.24.12", of: Self.go, .npm, isMinimum: true) == ["1.27.3"])
        #expect(Self.allowed("1.24", of: Self.go, .npm) == ["1.24.11"])
    }

    @Test func versionsAreOrderedByTheirNumbersAndNotByTheirLetters() {
        #expect(
            ["9.2", "10.1.0", "10.1", "2"].compactMap { ToolVersion($0) }.sorted().map(\.description) == ["2", "9.2", "10.1.0", "10.1"])
        #expect(ToolVersion("go1.24.11")?.description == "1.24.11")
        #expect(ToolVersion("none") == nil)
    }

    @Test func anExactVersionIsToldFromOneThatDiffersInTheLastNumberOnly() throws {
        let requirement = try #require(VersionRequirement("3.11.7", grammar: .python))
        #expect(try requirement.allowsButForPatch(#require(ToolVersion("3.11.2"))))
        #expect(try !requirement.allowsButForPatch(#require(ToolVersion("3.12.7"))))
        #expect(try !#require(VersionRequirement(">=3.11.7", grammar: .python)).allowsButForPatch(#require(ToolVersion("3.11.2"))))
    }
}
