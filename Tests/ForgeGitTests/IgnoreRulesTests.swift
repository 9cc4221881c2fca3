import ForgeGit
import ForgeModel
import ForgeSystem
import Testing

/// Ignore rules, held against what the real git makes of the same files.
struct IgnoreRulesTests {
    private static let names = [
        "a", "a.log", "x.log", "b.txt", "b1", "b]", "b-", "b^", "other/foo", "foobar", "foo.d/bar", "foo/bar", "foo/a/bar", "foo/a/b/bar",
        "xfoo/bar",
        "dir/foo/x", "dir/deep/foo", "dir/deep/bar.o", "dir/x.log", "build/out/x", "src/build/y", "sp ace", "trail", "#hash", "!bang",
        "star*", "q?", "back\\slash", "caf\u{E9}", "UPPER", "dot/.hidden", ".env", "a b/c d", "[x]", "tab\t", "n/m/build/z", "abc/def/ghi",
    ]

    @Test(arguments: [
        "*.log\n!x.log\n", "/a\n", "foo\n", "foo/\n", "foo/*\n!foo/a\n", "foo/**\n", "**/foo\n", "foo/**/bar\n", "foo**/bar\n",
        "**\n!*/\n!*.log\n",
        "dir/foo\n", "/dir/*/foo\n", "b?\n", "b[0-9]\n", "b[!0-9]\n", "b[^0-9]\n", "b[]-]\n", "b[\\]]\n", "[[:upper:]]*\n",
        "b[[:digit:]x]\n",
        "b[[:nonsense:]]\n", "b[\n", "\\#hash\n", "#hash\n", "\\!bang\n", "!bang\n", "star\\*\n", "q\\?\n", "back\\\\slash\n", "a\\\n",
        "trail  \n", "sp\\ ace\n", "sp ace \n", "trail\\ \n", "caf?\n", "caf??\n", "build\n!src/build\n", "build/\n!build/out\n", "/\n",
        "//\n",
        "\u{FEFF}a\n", "a\r\n*.log\r\n", "a", "\n\n  \na\n", ".*\n", "*/bar\n", "**/bar\n!foo/**/bar\n", "abc/**\n!abc/def\n",
        "/**/build/\n",
        "[!a]*\n", "*\n!foo\n!foo/a\n!foo/a/bar\n", "a b/\n", "\\[x\\]\n", "tab\t\n", "***/bar\n", "foo/***\n", "**foo\n", "f**o/bar\n",
        "foo/**/\n", "a/**b\n", "[a-c]\n", "[c-a]\n", "[a-\n", "*o*/*a*\n", "!*.log\n*.log\n!/x.log\n", "b[[:digit:]\n", "b[[:\n",
        "b[a-]]\n",
    ])
    func aPatternIgnoresWhatItIgnoresForGit(rules: String) async throws {
        let workshop = try Workshop()
        try workshop.write(Dictionary(uniqueKeysWithValues: Self.names.map { ($0, "") }), in: "repository")
        try workshop.write([".gitignore": rules], in: "repository")
        try await compare(workshop)
    }

    @Test func filesInDeeperFoldersHaveTheLastWord() async throws {
        let workshop = try Workshop()
        try workshop.write(Dictionary(uniqueKeysWithValues: Self.names.map { ($0, "") }), in: "repository")
        try workshop.write(
            [
                ".gitignore": "*.log\nfoo\n/dir/deep/*\n", "dir/.gitignore": "!x.log\n!deep/foo\n", "foo/.gitignore": "!*\n",
                "src/.gitignore": "/build\n",
            ],
            in: "repository")
        try await compare(workshop)
    }

    /// The work tree as git lists it, and as it is read with and without the repository.
    private func compare(_ workshop: borrowing Workshop) async throws {
        try await workshop.git("init", "--quiet", ".")
        let listed = try await workshop.git("ls-files", "--others", "--exclude-standard", "-z")
        let expected = listed.split(separator: "\0").map(String.init).sorted()
        #expect(try files(of: WorkTree(at: workshop.repository)) == expected)
        try Files.removeTree(workshop.repository + "/.git")
        #expect(try files(of: WorkTree(at: workshop.repository)) == expected)
    }

    private func files(of tree: WorkTree, below path: RelativePath = .root) throws -> [String] {
        try tree.entries(of: path).flatMap { entry -> [String] in
            let child = path.appending(component: entry.name)
            return entry.node == .directory ? try files(of: tree, below: child) : [child.string]
        }.sorted()
    }
}
