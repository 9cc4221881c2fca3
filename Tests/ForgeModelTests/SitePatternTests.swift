import ForgeModel
import Testing

/// Which paths a rule is about, and where it leads.
@Suite struct SitePatternTests {
    /// What a rule answers at a path; nil where it is about other paths.
    private func location(_ from: String, _ to: String, _ path: String, query: String = "") throws -> String? {
        let rule = try SiteRedirect(from: from, to: to, status: 301)
        let names = path.split(separator: "/").map(String.init)
        guard let bound = rule.source.match(names) else { return nil }
        return rule.destination.location(bound, query: query, isDirectory: names.isEmpty || path.hasSuffix("/"))
    }

    @Test(arguments: [
        ("/old", "/new", "/old", "/new"), ("/old", "/new", "/old/", "/new"), ("/old", "/new", "/older", nil),
        ("/old", "/new", "/old/a", nil),
        ("/old", "/new", "/Old", nil), ("/", "/home", "/", "/home"), ("/", "/home", "/a", nil),
        ("/blog/:year/:slug", "/:slug-:year", "/blog/2024/boats", "/boats-2024"), ("/blog/:year/:slug", "/x", "/blog/2024", nil),
        ("/a/*", "/b/:splat", "/a/c/d", "/b/c/d"), ("/a/*", "/b/:splat", "/a/c/d/", "/b/c/d/"), ("/a/*", "/b/:splat", "/a", "/b/"),
        ("/a/*/z", "/:splat", "/a/b/c/z", "/b/c"), ("/a/*/z", "/:splat", "/a/z", "/"), ("/a/*/z", "/:splat", "/a/b", nil),
        ("/:rest*", "/x/:rest", "/a/b", "/x/a/b"), ("/:rest+", "/x/:rest", "/", nil), ("/:rest+", "/x/:rest", "/a", "/x/a"),
        ("/*.js", "/scripts/:splat.js", "/a/b.js", "/scripts/a/b.js"), ("/*.js", "/x", "/js", nil),
        ("/v:n/:page", "/:page?v=:n", "/v2/a", "/a?v=2"),
        ("/post-:id.html", "/p/:id", "/post-7.html", "/p/7"), ("/post-:id.html", "/p/:id", "/post-.html", nil),
        ("/caf%C3%A9", "/coffee", "/café", "/coffee"), ("/a%3Ab", "/c", "/a:b", "/c"), ("/a%2Ab", "/c", "/a*b", "/c"),
        ("/a/*", "https://example.org/:splat", "/a/b c", "https://example.org/b%20c"),
        ("/a", "https://example.org", "/a", "https://example.org/"),
        ("/a", "/Special:Page", "/a", "/Special:Page"), ("/a", "/é b", "/a", "/%C3%A9%20b"), ("/a", "/b#c", "/a", "/b#c"),
    ])
    func aRuleLeadsAPathToItsPlace(from: String, to: String, path: String, expected: String?) throws {
        #expect(try location(from, to, path) == expected)
    }

    @Test func theQueryGoesAlongUnlessTheRuleHasOne() throws {
        #expect(try location("/a", "/b", "/a", query: "?x=1&y=2") == "/b?x=1&y=2")
        #expect(try location("/a", "/b?z=3", "/a", query: "?x=1") == "/b?z=3")
        #expect(try location("/a", "/b#top", "/a", query: "?x=1") == "/b?x=1#top")
    }

    @Test(arguments: [
        "//evil.example", "/\\evil.example", "/\\/evil.example/", "/evil.example/..//x", "/\r\nSet-Cookie: a=b", "/a\r\nb",
        "/https://evil.example",
        "/\u{2028}/x", "/%2F%2Fevil.example", "/@evil.example", "/?a", "/#b", "/ü",
    ])
    func noPathLeadsOutOfTheSiteOrIntoTheHead(path: String) throws {
        for (from, to) in [("/*", "/:splat"), ("/:a*", "/:a/x"), ("/*", "/:splat/"), ("/*", "/a?b=:splat"), ("/*", "/:splat:splat")] {
            // Names as they are after decoding: with whatever a client hid behind a percent sign.
            let names = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            let rule = try SiteRedirect(from: from, to: to, status: 302)
            let bound = try #require(rule.source.match(names))
            let location = rule.destination.location(bound, query: "?\r\nX: y", isDirectory: true)
            #expect(location.hasPrefix("/") && !location.hasPrefix("//") && !location.contains("\\"))
            #expect(location.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        }
    }

    @Test(arguments: [
        ("old", "/new", 301, "`old` is no path: it does not begin with `/`"), ("/a?b", "/c", 301, "`?` cannot stand in the path `/a?b`"),
        ("/*/a/*", "/b", 301, "`/*/a/*` has more than one `*`"), ("/:a-:b", "/c", 301, "`/:a-:b` has two placeholders side by side"),
        ("/:a/:a", "/c", 301, "`:a` stands in `/:a/:a` twice"),
        ("/%zz", "/c", 301, "`/%zz` has a `%` that stands for nothing a path can have"),
        ("/a%0Ab", "/c", 301, "`/a%0Ab` has a `%` that stands for nothing a path can have"),
        ("/a/../b", "/c", 301, "`..` cannot stand in the path `/a/../b`"),
        ("/a", "b", 301, "`b` is neither a path that begins with `/` nor a URL of http or https"),
        ("/a", "javascript:alert(1)", 301, "`javascript:alert(1)` is neither a path that begins with `/` nor a URL of http or https"),
        ("/a", "//example.org", 301, "`//example.org` names a host: write `https:` before it"),
        ("/a", "/\\example.org", 301, "`\\` cannot stand in `/\\example.org`"),
        ("/:h", "https://:h/x", 301, "`https://:h/x` names no host: nothing in one can be filled in"),
        ("/:h", "https://:h.example.org", 301, "`https://:h.example.org` names no host: nothing in one can be filled in"),
        ("/a", "https://u@example.org", 301, "`https://u@example.org` names no host: nothing in one can be filled in"),
        ("/a", "/:b", 301, "`:b` in `/:b` stands for nothing of the path"),
        ("/a", "https://example.org/b", 200, "`https://example.org/b` is another host's: requests are sent there (301), not passed on"),
        ("/a", "/b", 500, "a rule cannot answer 500: 301, 302, 303, 307 and 308 send on, 200 and 404 answer with a page of the site"),
    ])
    func aRuleThatCannotBeHadSaysWhy(from: String, to: String, status: Int, message: String) {
        #expect(throws: SiteFault(message)) { try SiteRedirect(from: from, to: to, status: status) }
    }

    @Test(arguments: [
        ("Content-Length", "1", "`Content-Length` is the gateway's to say"),
        ("transfer-encoding", "chunked", "`transfer-encoding` is the gateway's to say"),
        ("Connection", "close", "`Connection` is the gateway's to say"), ("DATE", "x", "`DATE` is the gateway's to say"),
        ("Location", "https://evil.example", "`Location` is the gateway's to say"),
        ("Proxy-Authenticate", "x", "`Proxy-Authenticate` is the gateway's to say"),
        ("A B", "x", "`A B` is no name of a header"), ("A\r\nB", "x", "`A\u{FFFD}\u{FFFD}B` is no name of a header"),
        ("", "x", "`` is no name of a header"),
        ("A", "x\r\nB: y", "the value of `A` holds what a header cannot: only printable ASCII may stand there"),
        ("A", "x\u{0}", "the value of `A` holds what a header cannot: only printable ASCII may stand there"),
        ("A", "é", "the value of `A` holds what a header cannot: only printable ASCII may stand there"), ("A", "  ", "`A` has no value"),
    ])
    func aHeaderThatCannotBeHadSaysWhy(name: String, value: String, message: String) {
        #expect(throws: SiteFault(message)) { try SiteHeader(for: "/*", name, value) }
    }

    @Test func aPatternIsMatchedInTimeThatGrowsWithThePath() throws {
        let pattern = try SitePattern(parsing: "/a*a/" + (0..<200).map { "a:n\($0)a" }.joined(separator: "/"))
        let names = Array(repeating: String(repeating: "a", count: 200), count: 400)
        let clock = ContinuousClock()
        let took = clock.measure { for _ in 0..<100 { _ = pattern.match(names) } }
        #expect(took < .seconds(2), "\(took)")
        #expect(pattern.match(names)?.count == 201)
    }
}
