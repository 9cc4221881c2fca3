import ForgeModel
import Testing

/// What rules of a site ask for besides a path.
@Suite struct SiteConditionTests {
    /// Values, what is found, what is bound.
    static let cases: [([String], String?, String)] = [
        (["a"], "a", "bound"), (["a"], "A", "not"), (["a", "b"], "b", "bound"), ([], "anything", "bound"), ([], "", "bound"),
        ([":x"], "abc", "x=abc"), ([":x"], "", "not"), ([":x*"], "", "x="), (["v:x"], "v12", "x=12"), (["a-:x/b"], "a-1/2/b", "x=1/2"),
        (["*"], "", "bound"), (["text/*"], "text/html", "bound"), (["text/*"], "image/png", "not"), (["%3A%2A"], ":*", "bound"),
        (["é"], "é", "bound"), (["a"], nil, "not"),
    ]

    @Test(arguments: cases)
    func aValueIsOneOfThoseThatAreAskedForOrBindsWhatStandsInItsHole(values: [String], found: String?, expected: String) throws {
        func text(_ bound: [String: String]?) -> String {
            bound.map { $0.isEmpty ? "bound" : $0.map { "\($0.key)=\($0.value)" }.joined() } ?? "not"
        }
        #expect(text(try SiteCondition(.header, "X", values: values).match(found)) == expected)
        guard values.allSatisfy({ !$0.contains(":x") }) else { return }
        #expect(
            text(try SiteCondition(.cookie, "X", values: values, isMissing: true).match(found)) == (expected == "not" ? "bound" : "not"))
    }

    @Test(arguments: [("de", true), ("de-at", true), ("de-at-1996", true), ("d", false), ("den", false), ("en", false)])
    func aLanguageIsMeantByItsRegionsToo(tag: String, holds: Bool) throws {
        #expect((try SiteCondition(.language, values: ["fr", "DE"]).match(tag) != nil) == holds)
    }

    @Test func aConditionThatCannotBeHadSaysWhy() throws {
        func fault(_ make: () throws -> SiteCondition) -> String {
            do { return "\(try make())" } catch { return (error as? SiteFault)?.message ?? "\(error)" }
        }
        #expect(fault { try SiteCondition(.header, "a b") } == "`a b` is no name of a header")
        #expect(fault { try SiteCondition(.cookie) } == "`` is no name of a cookie")
        #expect(fault { try SiteCondition(.query) } == "a value of the query has a name")
        #expect(fault { try SiteCondition(.host) } == "nothing says which host is meant")
        #expect(fault { try SiteCondition(.language) } == "nothing says which language is meant")
        #expect(fault { try SiteCondition(.query, "a", values: [""]) } == "a value that is asked for is empty")
        #expect(fault { try SiteCondition(.query, "a", values: [":b", "c"]) } == "`:b` stands in one of several values")
        #expect(fault { try SiteCondition(.query, "a", values: [":b"], isMissing: true) } == "`:b` cannot be filled in by what is missing")
        #expect(fault { try SiteCondition(.query, "a", values: [":b:c"]) } == "`:b:c` has two placeholders side by side")
        #expect(fault { try SiteCondition(.query, "a", values: ["50%"]) } == "`50%` has a `%` that stands for nothing")
        #expect(
            fault { try SiteCondition(.query, "a", values: [String](repeating: "x", count: 65)) } == "a condition has at most 64 values")
    }

    @Test func aRuleFillsInWhatItsConditionsBind() throws {
        let rule = try SiteRedirect(from: "/a/:x", to: "/:y/:x", status: 301, if: [SiteCondition(.query, "y", values: [":y"])])
        #expect(rule.destination.location(["x": "1", "y": "a b/é"], query: "", isDirectory: false) == "/a%20b/%C3%A9/1")
        #expect(throws: SiteFault("`:x` is bound twice")) {
            try SiteRedirect(from: "/a/:x", to: "/", status: 301, if: [SiteCondition(.query, "y", values: [":x"])])
        }
        #expect(throws: SiteFault("a rule has at most 16 conditions")) {
            try SiteRedirect(
                from: "/", to: "/a", status: 301, if: (0..<17).map { try SiteCondition(.cookie, "c\($0)") })
        }
    }
}
