import ForgeModel
import ForgePatterns
import ForgePresets
import Testing

@testable import ForgeManifests
@testable import ForgePlanning

@Suite struct ReadingTests {
    @Test(arguments: [
        ("", 1, 1, "expected a value, found end of file"),
        ("{\"a\": 1,}", 1, 8, "a comma before `}`"),
        ("{\n  \"a\" 1}", 2, 7, "expected `:` after the key `a`, found `1`"),
        ("{\r\n  a: 1}", 2, 3, "expected a key in double quotes, found `a`"),
        ("[1 2]", 1, 4, "expected `,` or `]`, found `2`"),
        ("\"a\nb\"", 1, 3, "a string ends before the line does: close it or write `\\n`"),
        ("\"\\x\"", 1, 3, "unknown escape `\\x`"),
        ("{} x", 1, 4, "unexpected `x` after the end of the value"),
        ("nul", 1, 1, "expected `null`"),
        ("\"é\" é", 1, 5, "unexpected `é` after the end of the value"),
    ])
    func jsonMistakesHaveTheirPlace(text: String, line: Int, column: Int, message: String) {
        #expect(throws: JSONSyntaxError(message: message, line: line, column: column)) { try JSONParser.parse(text) }
    }

    @Test func jsonIsReadWithPlaces() throws {
        let node = try JSONParser.parse("{\"a\": [true, null, -1.50e2, \"\\u00e9\\ud83d\\ude00\\n\"],\n \"a/b\": {\"c\": \"d\"}}")
        #expect(node.at(pointer: "/a/2")?.scalar == "-1.50e2")
        #expect(node.at(pointer: "/a/3")?.string == "é😀\n")
        #expect(node.at(pointer: "/a~1b/c")?.line == 2)
        #expect(node.at(pointer: "/a/9") == nil)
    }

    @Test func deepNestingIsRefusedNotFollowed() {
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(String(repeating: "[", count: 100_000)) }
    }

    @Test(arguments: [
        ("Flask_SQLAlchemy[async,x] >= 2.0 ; python_version > '3'", "Flask_SQLAlchemy", ["async", "x"], ">=2.0"),
        ("requests==2.32.0 # pinned", "requests", [], "==2.32.0"),
        ("pkg @ https://example.invalid/pkg.zip", "pkg", [], "@https://example.invalid/pkg.zip"),
        ("git+https://example.invalid/x.git#egg=thing", "thing", [], ""),
    ])
    func requirementLinesAreTakenApart(text: String, name: String, extras: [String], requirement: String) throws {
        let line = try #require(RequirementLine(text))
        #expect(line.name == name)
        #expect(line.extras == extras)
        #expect(line.requirement == requirement)
    }

    @Test(arguments: ["", "# c", "-r other.txt", "--hash=sha256:1", "./local", "https://example.invalid/a.whl"])
    func linesWithoutANameAreNone(text: String) { #expect(RequirementLine(text) == nil) }

    @Test func namesAreComparedAsTheirRegistryDoes() {
        #expect(Dependency.normalize("Flask_SQL.Alchemy", .pypi) == "flask-sql-alchemy")
        #expect(Dependency.normalize("@Scope/Name", .npm) == "@Scope/Name")
    }

    @Test func includedRequirementFilesAreFollowedOnce() throws {
        let files = ProjectFiles(
            tree: MemoryTree([
                "requirements.txt": "-r req/base.txt\nA==1\n", "req/base.txt": "-r ../requirements.txt\n-r more.txt\nB\n",
                "req/more.txt": "C",
            ]))
        #expect(try Manifests(files: files).dependencies(.pypi).map(\.name) == ["c", "b", "a"])
    }

    @Test func globsSkipWhatToolsMadeAndHiddenNames() throws {
        let tree = MemoryTree(["a.py": "", "src/b.py": "", "node_modules/c.py": "", ".hidden/d.py": "", "src/x/y/e.py": ""])
        let files = ProjectFiles(tree: tree)
        #expect(try files.expand(Glob("**/*.py")).map(\.string) == ["a.py", "src/b.py", "src/x/y/e.py"])
        #expect(try files.expand(Glob("*.py"), depth: 1).map(\.string) == ["a.py", "src/b.py"])
        #expect(try files.expand(Glob("src"), kind: .directory).map(\.string) == ["src"])
    }

    @Test func aFolderOfAnAppIsAWorldOfItsOwn() throws {
        let tree = MemoryTree(["apps/web/index.html": "", "package.json": "{broken", "crowdforge.toml": "[build]\nroot = \"apps/web\"\n"])
        let detection = try Shipped.detect(tree)
        #expect(detection.report.root == "apps/web")
        #expect(Set(detection.evidence.map(\.file)) == ["apps/web/index.html"])
    }
}
