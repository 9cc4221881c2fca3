import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// What is found of presets that stand in each other's way.
@Suite struct LinterTests {
    private static func preset(_ id: String, _ match: String, more: String = "", group: String = "framework") -> DescriptorFile {
        let text = """
            id = "\(id)"
            name = "\(id)"
            group = "\(group)"
            \(more)
            match = \(match)
            [artifact]
            kind = "static"
            """
        return DescriptorFile(file: "\(id).toml", bytes: Array(text.utf8))
    }

    private func findings(_ files: [DescriptorFile], cases: [PresetLinter.Case] = []) throws -> [String] {
        let check = try DescriptorCheck(files, besides: [])
        #expect(check.faults == [])
        return try PresetLinter(catalog: check.catalog).findings(about: check.presets, cases: cases).map { item in
            "\(item.kind.rawValue) \(item.diagnostic.location?.description ?? "?"): \(item.diagnostic.message)"
                + (item.diagnostic.hint.map { "\n  hint: \($0)" } ?? "")
        }
    }

    @Test func presetsThatMatchTheSameProjectAtTheSameRankAreNamedWithAProjectThatShowsIt() throws {
        let found = try findings([
            Self.preset("alpha", #"{ all = [{ file = "site.conf" }, { dependency = "left", ecosystem = "npm" }] }"#),
            Self.preset("beta", #"{ file = "site.{conf,json}" }"#),
        ])
        #expect(
            found == [
                """
                overlap alpha.toml:1:6: `alpha` and `beta` match the same project at the same rank: `package.json` with \
                `{"dependencies":{"left":"1.0.0"}}`, `site.conf`
                  hint: write `supersedes = ["beta"]`, or let one of them doubt: `confidence = "likely"`
                """
            ])
    }

    @Test func anOrderBetweenThemIsEnough() throws {
        let alpha = Self.preset("alpha", #"{ all = [{ file = "a" }, { file = "b" }] }"#, more: #"supersedes = ["beta"]"#)
        let beta = Self.preset("beta", #"{ file = "a" }"#)
        #expect(try findings([alpha, beta]) == [])
        let likely = Self.preset("beta", #"{ file = "a" }"#, more: #"confidence = "likely""#)
        #expect(try findings([Self.preset("alpha", #"{ all = [{ file = "a" }, { file = "b" }] }"#), likely]) == [])
        let first = Self.preset("alpha", #"{ all = [{ file = "a" }, { file = "b" }] }"#, more: "order = 1", group: "runtime")
        #expect(try findings([first, Self.preset("beta", #"{ file = "a" }"#, more: "order = 2", group: "runtime")]) == [])
    }

    @Test func presetsOfUnlikeProjectsAreNotNamedThoughOneProjectCouldHoldBoth() throws {
        #expect(
            try findings([
                Self.preset("alpha", #"{ dependency = "left", ecosystem = "npm" }"#),
                Self.preset("beta", #"{ dependency = "right", ecosystem = "npm" }"#),
            ]) == [])
    }

    @Test func aPresetThatAnotherAlwaysBeatsIsShadowed() throws {
        let found = try findings([
            Self.preset("narrow", #"{ all = [{ file = "a" }, { file = "b" }] }"#, more: #"confidence = "likely""#),
            Self.preset("wide", #"{ file = "a" }"#),
        ])
        #expect(
            found == [
                """
                shadowed narrow.toml:1:6: `narrow` never wins: whatever it was shown to match is `wide`
                  hint: write `supersedes = ["wide"]`, or ask for something that `wide` does not have
                """
            ])
    }

    @Test func aClauseThatTheOthersForbidIsNamedWithItsPlace() throws {
        let found = try findings([
            Self.preset("alpha", #"{ all = [{ any = [{ file = "a" }, { file = "b" }] }, { none = [{ file = "b" }] }] }"#)
        ])
        #expect(
            found == [
                """
                neverMatches alpha.toml:5:43: this clause of `alpha` can hold of no project together with the others: file `b`
                  hint: see what stands below `none` beside it; `forge detect --explain` shows each answer
                """
            ])
    }

    @Test func aCaseShowsAnOverlapThatNoExampleDoes() throws {
        let files = [
            Self.preset("alpha", #"{ dependency = "left", ecosystem = "npm" }"#),
            Self.preset("beta", #"{ dependency = "right", ecosystem = "npm" }"#),
        ]
        let both = MemoryTree(["package.json": #"{"dependencies": {"left": "1", "right": "2"}}"#])
        #expect(
            try findings(files, cases: [.init(name: "both", tree: both)]) == [
                """
                overlap alpha.toml:1:6: `alpha` and `beta` match the same project at the same rank: case `both`
                  hint: write `supersedes = ["beta"]`, or let one of them doubt: `confidence = "likely"`
                """
            ])
    }

    /// Each line: a clause, and the project that is made up for it.
    @Test(arguments: [
        (#"{ dependency = "a", ecosystem = "pypi", scope = "dev" }"#, "`Pipfile` with `\"dev-packages\".\"a\" = \"==1.0.0\"`"),
        (#"{ dependency = "a", ecosystem = "pypi", version = ">=2.1" }"#, "`requirements.txt` with `a==2.1.0`"),
        (#"{ dependency = "a", ecosystem = "cargo", version = "<4" }"#, "`Cargo.toml` with `\"dependencies\".\"a\" = \"3.0.0\"`"),
        (#"{ dependency = "example.org/a", ecosystem = "go" }"#, "`go.mod` with `require example.org/a v1.0.0`"),
        (#"{ dependency = "a", ecosystem = "gem", scope = "prod" }"#, "`Gemfile` with `gem \"a\", \"1.0.0\"`"),
        (#"{ dependency = "a/b", ecosystem = "composer" }"#, "`composer.json` with `{\"require\":{\"a/b\":\"1.0.0\"}}`"),
        (#"{ dependency = "a", ecosystem = "hex" }"#, "`mix.exs` with `{:a, \"1.0.0\"},`"),
        (
            #"{ dependency = "a:b", ecosystem = "maven" }"#,
            "`pom.xml` with `<groupId>a</groupId><artifactId>b</artifactId><version>1.0.0</version>`"
        ),
        (#"{ dependency = "a.b", ecosystem = "maven" }"#, "`build.gradle` with `id \"a.b\"`"),
        (#"{ dependency = "A", ecosystem = "nuget" }"#, "`sample.csproj` with `<PackageReference Include=\"A\" Version=\"1.0.0\" />`"),
        (#"{ dependency = "a", ecosystem = "pub" }"#, "`pubspec.yaml` with `{\"dependencies\":{\"a\":\"1.0.0\"}}`"),
        (#"{ dependency = "a", ecosystem = "shards" }"#, "`shard.yml` with `{\"dependencies\":{\"a\":\"1.0.0\"}}`"),
        (
            #"{ dependency = "a", ecosystem = "swift" }"#,
            "`Package.swift` with `.package(url: \"https://example.org/a\", from: \"1.0.0\"),`"
        ),
        (#"{ dependency = "a", ecosystem = "deno" }"#, "`deno.json` with `{\"imports\":{\"a\":\"jsr:a@1.0.0\"}}`"),
        (#"{ toml = "a.toml", pointer = "/b/c", matches = '^x\d+$' }"#, "`a.toml` with `\"b\".\"c\" = \"x1\"`"),
        (#"{ json = "a.json", pointer = "/b", equals = "c" }"#, "`a.json` with `{\"b\":\"c\"}`"),
        (#"{ yaml = "a.yaml", pointer = "/b" }"#, "`a.yaml` with `{\"b\":\"sample\"}`"),
        (#"{ text = '^(?:a|b)\s+=\s*[cd]{2}', in = "**/a?.{txt,md}" }"#, "`ax.txt` with `a =cc`"),
        (#"{ import = "flask" }"#, "`main.py` with `import flask`"),
        (#"{ import = "hono/", language = "js" }"#, "`index.js` with `import sample from \"hono/sample\"`"),
        (#"{ appObject = "flask.Flask" }"#, "`main.py` with `from flask import Flask ⏎ app = Flask()`"),
        (#"{ script = "*", contains = "tool" }"#, "`package.json` with `{\"scripts\":{\"build\":\"tool\"}}`"),
        (#"{ config = "build.start" }"#, "`crowdforge.toml` with `\"build\".\"start\" = \"sample\"`"),
        (#"{ file = "content", kind = "directory" }"#, "`content/sample`"), (#"{ ancestor = "nx.json" }"#, "`nx.json`"),
    ])
    func aClauseHoldsOfTheProjectThatIsMadeUpForIt(match: String, summary: String) throws {
        let files = [Self.preset("alpha", #"{ all = [\#(match), { file = "x" }] }"#), Self.preset("beta", match)]
        let found = try findings(files)
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("overlap alpha.toml:1:6: `alpha` and `beta` match the same project at the same rank: ") == true)
        #expect(found.first?.contains(summary) == true, "\(found)")
    }

    @Test func theShippedPresetsStandInNoOnesWay() throws {
        let catalog = try Shipped.catalog.get()
        #expect(try PresetLinter(catalog: catalog).findings(about: try catalog.presets).map(\.diagnostic) == [])
    }
}
