import Testing

@testable import ForgePatterns

@Suite struct PatternTests {
    @Test(arguments: [
        ("abc", "xabcx", ["abc"]),
        ("a(b|c)+d", "zabcbd", ["abcbd", "b"]),
        ("^a.c$", "abc", ["abc"]),
        ("\\bnext\\b", "run next build", ["next"]),
        ("a{2,3}", "aaaa", ["aaa"]),
        ("a+?b", "aab", ["aab"]),
        ("(a+?)(a*)", "aaa", ["aaa", "a", "aa"]),
        ("[^a-c\\d]+", "a1xyz2", ["xyz"]),
        ("(?:x|(y))z", "yz", ["yz", "y"]),
        ("é.", "né!", ["é!"]),
        ("(a*)*b", "aab", ["aab", "aa"]),
    ])
    func matchesLeftmostAndGreedy(pattern: String, text: String, groups: [String]) throws {
        #expect(try Pattern(pattern).firstMatch(in: text) == groups)
    }

    @Test(arguments: [("^b", "ab"), ("a$", "ab"), ("a{3}", "aa"), ("\\bext", "next"), ("a.b", "a\nb")])
    func saysNoWhenNothingMatches(pattern: String, text: String) throws {
        #expect(try Pattern(pattern).firstMatch(in: text) == nil)
    }

    @Test(arguments: [
        "(", ")", "[a", "a**", "*a", "\\1", "(?=a)", "(?<n>a)", "a{2,1}", "a{1000}", "\\", "((((((a{99}){99}){99}){99}){99}){99})",
    ])
    func refusesWhatItCannotHold(pattern: String) {
        #expect(throws: PatternError.self) { try Pattern(pattern) }
    }

    @Test func nestedRepetitionsTakeNoMoreStepsThanTheTextIsLong() throws {
        // A backtracking matcher would need more steps than there are atoms in the universe.
        #expect(try Pattern("^(a+)+$").firstMatch(in: String(repeating: "a", count: 2000) + "b") == nil)
    }

    @Test func globsKnowStarsAndBraces() throws {
        #expect(try Glob("next.config.{js,mjs}").alternatives == [["next.config.js"], ["next.config.mjs"]])
        #expect(Glob.matches("vite.config.ts", part: "*.config.?s"))
        #expect(!Glob.matches("Vite.config.ts", part: "vite.*"))
        #expect(throws: GlobError.self) { try Glob("../x") }
        #expect(throws: GlobError.self) { try Glob("{a") }
    }

    /// What a search passes over must hold no match.
    @Test(
        arguments: [
            ("^a", "ba", nil), ("a|^b", "cb", nil), ("a|^b", "ca", "a"), ("(?:^|,)x", "a,x", ",x"), ("$", "ab", ""), ("b*", "ab", ""),
            ("b+$", "abb", "bb"),
            ("\\bfoo", "a foo", "foo"), ("[^a]", "aaé", "é"), ("é|字", "a字", "字"), ("(?:)x?", "yx", ""), ("x{0,2}y", "zxxy", "xxy"),
            ("a?$", "ba", "a"),
        ] as [(String, String, String?)])
    func aMatchIsFoundWhereverItMayBegin(pattern: String, text: String, match: String?) throws {
        #expect(try Pattern(pattern).firstMatch(in: text)?.first == match.map { .some($0) })
    }
}
