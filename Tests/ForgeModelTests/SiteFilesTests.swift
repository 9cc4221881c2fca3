import ForgeModel
import Foundation
import Testing

/// `_redirects` and `_headers`, as Netlify and Cloudflare Pages write them.
@Suite struct SiteFilesTests {
    @Test func theLinesOfRedirectsAreRulesAndTheOthersAreToldWithTheirNumber() throws {
        let text = """
            # moved
            /old /new
            /a/* /b/:splat 302   # until spring

            /app/* /app/index.html 200
            /forced https://example.org/x 307!
            \t/tab\t/there\t308
            /gone /404.html 404
            /store id=:id page /shop/:id 301
            /store id=:id page=2 all= /shop/:id 301
            /* /german/:splat 302 Language=de,gsw Cookie=seen
            https://Blog.example.org/* /blog/:splat
            http://blog.example.org/* https://blog.example.org/:splat 301!
            /x /y 302 Country=de
            /x /y 302 Role=admin
            /x /y 302 Weather=rain
            /x /y 302 soon
            /api/* https://api.example.org/:splat 200
            /alone
            /x /y 999
            /é /e
            """
        let (rules, faults) = SiteFiles.redirects(parsing: [0xEF, 0xBB, 0xBF] + Array(text.replacing("\n", with: "\r\n").utf8))
        #expect(
            try rules == [
                SiteRedirect(from: "/old", to: "/new", status: 301), SiteRedirect(from: "/a/*", to: "/b/:splat", status: 302),
                SiteRedirect(from: "/app/*", to: "/app/index.html", status: 200),
                SiteRedirect(from: "/forced", to: "https://example.org/x", status: 307, isForced: true),
                SiteRedirect(from: "/tab", to: "/there", status: 308), SiteRedirect(from: "/gone", to: "/404.html", status: 404),
                SiteRedirect(
                    from: "/store", to: "/shop/:id", status: 301,
                    if: [
                        SiteCondition(.query, "id", values: [":id"]), SiteCondition(.query, "page", values: ["2"]),
                        SiteCondition(.query, "all"),
                    ]),
                SiteRedirect(
                    from: "/*", to: "/german/:splat", status: 302,
                    if: [SiteCondition(.language, values: ["de", "gsw"]), SiteCondition(.cookie, "seen")]),
                SiteRedirect(
                    from: "/*", to: "/blog/:splat", status: 301, if: [SiteCondition(.host, values: ["blog.example.org"])]),
                SiteRedirect(from: "/é", to: "/e", status: 301),
            ])
        #expect(
            faults.map { "\($0.line): \($0.message)" } == [
                "9: `page` is no value of a query: write `name=:name`",
                "13: whether `blog.example.org` answers with http or https is not for a rule to say",
                "14: from which country a request comes is not known here", "15: who asks is not known here",
                "16: `Weather` is no condition that is known here", "17: `soon` is no condition",
                "18: `https://api.example.org/:splat` is another host's: requests are sent there (301), not passed on",
                "19: nothing says where `/alone` leads: write `/from /to 301`",
                "20: a rule cannot answer 999: 301, 302, 303, 307 and 308 send on, 200 and 404 answer with a page of the site",
            ])
    }

    @Test func theLinesOfHeadersHoldForThePathAboveThem() throws {
        let text = """
            # all
            /*
              X-Frame-Options: DENY
              Link: </a.css>; rel=preload
              Link: </b.css>; rel=preload
            /api/*
            \tAccess-Control-Allow-Origin:  *
              ! X-Frame-Options
              Content-Length: 7
              nonsense
            https://other.example.org/*
              X-Other: 1
            /a b
              X-Lost: 2
            """
        let (rules, faults) = SiteFiles.headers(parsing: Array(text.utf8))
        #expect(
            try rules == [
                SiteHeader(for: "/*", "X-Frame-Options", "DENY", .append), SiteHeader(for: "/*", "Link", "</a.css>; rel=preload", .append),
                SiteHeader(for: "/*", "Link", "</b.css>; rel=preload", .append),
                SiteHeader(for: "/api/*", "Access-Control-Allow-Origin", "*", .append),
                SiteHeader(for: "/api/*", "X-Frame-Options", "", .remove),
                SiteHeader(for: "/*", "X-Other", "1", .append, if: [SiteCondition(.host, values: ["other.example.org"])]),
            ])
        #expect(
            faults.map { "\($0.line): \($0.message)" } == [
                "9: `Content-Length` is the gateway's to say", "10: `nonsense` is no header: write `Name: value`",
                "13: ` ` cannot stand in the path `/a b`",
                "14: no path stands above `X-Lost: 2` for which it could hold",
            ])
    }

    @Test func rulesAreWrittenTheSameWayEachTimeAndReadBackAsTheyWere() throws {
        var rules = SiteRules()
        rules.redirects = [
            try SiteRedirect(from: "/a/*", to: "/b/:splat", status: 301),
            try SiteRedirect(from: "/c", to: "/d", status: 200, isForced: true),
            try SiteRedirect(
                from: "/e", to: "/:f", status: 302,
                if: [SiteCondition(.header, "X-F", values: ["a:f*"]), SiteCondition(.cookie, "g", isMissing: true)]),
        ]
        rules.headers = [
            try SiteHeader(for: "/*", "A", "b"), try SiteHeader(for: "/*", "C", "d", .append), try SiteHeader(for: "/e", "A", "", .remove),
        ]
        rules.trailingSlash = false
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = try encoder.encode(rules)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"headers":[{"for":"/*","name":"A","value":"b"},{"change":"append","for":"/*","name":"C","value":"d"},"#
                + #"{"change":"remove","for":"/e","name":"A"}],"redirects":[{"from":"/a/*","status":301,"to":"/b/:splat"},"#
                + #"{"force":true,"from":"/c","status":200,"to":"/d"},{"from":"/e","if":[{"name":"x-f","on":"header","#
                + #""values":["a:f*"]},{"missing":true,"name":"g","on":"cookie"}],"status":302,"to":"/:f"}],"trailingSlash":false}"#)
        #expect(try JSONDecoder().decode(SiteRules.self, from: bytes) == rules)
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(
                SiteHeader.self, from: Data(#"{"for":"/*","name":"A","value":"b\r\nSet-Cookie: c"}"#.utf8))
        }
    }

    @Test func whatIsTooMuchIsLetGoAndTold() throws {
        var rules = SiteRules()
        let redirect = try SiteRedirect(from: "/a", to: "/b", status: 301)
        rules.redirects = Array(repeating: redirect, count: 2001)
        rules.headers = Array(repeating: try SiteHeader(for: "/", "A", "b"), count: 1002)
        #expect(
            rules.limited() == [
                "a site has at most 2000 redirects, found 2001: the last are not served",
                "a site has at most 1000 rules for headers, found 1002: the last are not served",
            ])
        #expect(rules.redirects.count == 2000 && rules.headers.count == 1000)
        #expect(SiteFiles.redirects(parsing: Array(String(repeating: "x\n", count: 5000).utf8)).faults.count == 100)
        #expect(throws: SiteFault.self) { try SitePattern(parsing: "/" + String(repeating: "a", count: 2048)) }
    }
}
