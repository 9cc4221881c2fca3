import ForgeModel
import ForgeStore
import Foundation
import Testing

/// A site with rules of its own: what is sent on, what answers for another path, which headers are added.
@Suite struct GatewayRulesTests {
    private static let files = [
        "index.html": "home", "about.html": "about", "docs/index.html": "docs", "app/index.html": "app", "new.html": "new",
        "404.html": "none",
        "gone.html": "gone", ".env": "SECRET", "a.js": "script",
    ]

    private static func run(
        _ rules: String, headers: String = "", cleanURLs: Bool? = nil, trailingSlash: Bool? = nil,
        _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        var site = SiteRules()
        site.redirects = SiteFiles.redirects(parsing: Array(rules.utf8)).rules
        site.headers = SiteFiles.headers(parsing: Array(headers.utf8)).rules
        site.cleanURLs = cleanURLs
        site.trailingSlash = trailingSlash
        try await GatewayFixture.run { gateway in
            let entry = RouteEntry(
                release: "one", artifact: Digest(of: "one"), root: try gateway.site(Self.files), fallback: nil, site: site)
            try gateway.routes.apply([.publish(host: "site.localhost", entry)])
            try await body(gateway)
        }
    }

    @Test func theFirstRuleThatHoldsAnswersWhereThereIsNoFile() async throws {
        let rules = """
            /about /new
            /docs/* /new 301
            /over /new 302!
            /about.html /new 307!
            /old/* /fresh/:splat 308
            /old/x /never
            /app/* /app/index.html 200
            /absent/* /nowhere.html 200
            /absent/* /gone.html 404
            /secret /.env 200
            /climb/* /../../:splat 200
            /loop /loop 301!
            /see https://example.org/:x/y 303
            /see https://example.org/y 303
            """
        try await Self.run(rules) { gateway in
            for (target, expected) in [
                ("/about", "200 about"), ("/docs/", "200 docs"), ("/docs/x?a=1", "301 /new?a=1"), ("/over", "302 /new"),
                ("/about.html", "307 /new"), ("/old/x/y/", "308 /fresh/x/y/"), ("/old/x", "308 /fresh/x"), ("/app/users/7", "200 app"),
                ("/absent/a", "404 gone"), ("/secret", "404 none"), ("/climb/etc/passwd", "404 none"), ("/loop", "404 none"),
                ("/see", "303 https://example.org/y"), ("/old//evil.example", "308 /fresh/evil.example"), ("/.old/x", "404 none"),
                ("/old/%5Cevil.example", "308 /fresh/%5Cevil.example"), ("//old/a", "308 /fresh/a"),
            ] {
                let answer = try await gateway.get(target)
                #expect("\(answer.status) \(answer.headers["location"] ?? answer.text)" == expected, "\(target)")
                let head = try await gateway.get(target, method: "HEAD")
                #expect(head.status == answer.status && head.headers == answer.headers && head.body.isEmpty, "HEAD \(target)")
            }
            #expect(try await gateway.get("/old/%0d%0aX: y").status == 400)
            #expect(try await gateway.get("/old/a", method: "POST", ["Content-Length: 0"]).status == 405)
        }
    }

    @Test func aRewrittenPageIsTheFileItselfToCachesAndRanges() async throws {
        try await Self.run("/app/* /app/index.html 200") { gateway in
            let page = try await gateway.get("/app/")
            let other = try await gateway.get("/app/users/7")
            #expect(page.headers == other.headers)
            let tag = try #require(other.headers["etag"])
            #expect(try await gateway.get("/app/users/7", ["If-None-Match: \(tag)"]).status == 304)
            let part = try await gateway.get("/app/users/7", ["Range: bytes=1-2"])
            #expect(part.status == 206 && part.text == "pp")
        }
    }

    @Test func headersOfAPathAreAddedAndWhatTheGatewaySaysOfFilesGivesWay() async throws {
        let headers = """
            /*
              X-Frame-Options: DENY
              Link: </a>
              Cache-Control: public, max-age=60
            /docs/*
              Link: </b>
              ! X-Frame-Options
              ! X-Content-Type-Options
              Content-Type: text/plain
            """
        try await Self.run("/old /new", headers: headers) { gateway in
            let tag = try #require(try await gateway.get("/docs/").headers["etag"])
            #expect(
                try await gateway.get("/docs/").headers == [
                    "content-type": "text/plain", "cache-control": "public, max-age=60", "etag": tag, "accept-ranges": "bytes",
                    "link": "</a>, </b>", "content-length": "4", "connection": "close",
                ])
            #expect(
                try await gateway.get("/docs/", ["If-None-Match: \(tag)"]).headers == [
                    "cache-control": "public, max-age=60", "etag": tag, "link": "</a>, </b>", "connection": "close",
                ])
            let moved = try await gateway.get("/old").headers
            #expect(moved["x-frame-options"] == "DENY" && moved["cache-control"] == "no-cache" && moved["location"] == "/new")
            let missing = try await gateway.get("/nowhere")
            #expect(missing.status == 404 && missing.headers["cache-control"] == "no-cache" && missing.headers["x-frame-options"] == "DENY")
            #expect(missing.headers["content-type"] == "text/html; charset=utf-8")
        }
    }

    @Test func pagesHaveTheSlashAndTheNameThatTheSiteWants() async throws {
        try await Self.run("/old /about!", cleanURLs: true, trailingSlash: false) { gateway in
            for (target, expected) in [
                ("/about", "200 about"), ("/about.html?a=1", "308 /about?a=1"), ("/about/", "308 /about"), ("/docs", "200 docs"),
                ("/docs/", "308 /docs"), ("/docs/index.html", "308 /docs"), ("/index.html", "308 /"), ("/", "200 home"),
                ("/a.js", "200 script"),
            ] {
                let answer = try await gateway.get(target)
                #expect("\(answer.status) \(answer.headers["location"] ?? answer.text)" == expected, "\(target)")
            }
        }
        try await Self.run("", trailingSlash: true) { gateway in
            for (target, expected) in [
                ("/about", "308 /about/"), ("/about/", "200 about"), ("/docs", "308 /docs/"), ("/docs/", "200 docs"),
                ("/a.js", "200 script"),
                ("/about.html", "200 about"), ("//about", "308 /about/"), ("//evil.example/x", "308 /evil.example/x/"),
            ] {
                let answer = try await gateway.get(target)
                #expect("\(answer.status) \(answer.headers["location"] ?? answer.text)" == expected, "\(target)")
            }
        }
    }

    @Test func twoThousandRulesAreNoWeight() async throws {
        let single = (0..<1900).map { "/page\($0) /new\($0)" }
        let patterns = (0..<100).map { "/p\($0)/*/x /q\($0)/:splat" }
        try await Self.run((single + patterns).joined(separator: "\n")) { gateway in
            let last = try await gateway.get("/page1899")
            #expect(last.headers["location"] == "/new1899")
            #expect(try await gateway.get("/p99/a/b/x").headers["location"] == "/q99/a/b")
            #expect(try await gateway.get("/nowhere").status == 404)
        }
    }

    @Test func rulesWithConditionsHoldForRequestsThatMeetThemAndCachesAreTold() async throws {
        let rules = """
            /shop id=:id kind=boat* /boats/:id 302
            /shop id=:id /all/:id 302
            / /german 302! Language=de
            /about /seen 307! Cookie=seen
            https://other.localhost/* /elsewhere 302
            https://site.localhost/here /there 302
            """
        let headers = "https://site.localhost/new\n  X-Here: yes\nhttps://other.localhost/*\n  X-Other: yes\n"
        try await Self.run(rules, headers: headers) { gateway in
            for (target, fields, expected) in [
                ("/shop?id=7&kind=boat%2Bsail", [], "302 /boats/7?id=7&kind=boat%2Bsail -"),
                ("/shop?id=7&kind=car", [], "302 /all/7?id=7&kind=car -"),
                ("/shop?id=", [], "404 none -"), ("/shop?id=a+b&id=%2F..", [], "302 /all/..?id=a+b&id=%2F.. -"),
                ("/shop", [], "404 none -"), ("/", [], "200 home accept-language"),
                ("/", ["Accept-Language: en;q=0.5, de-AT, fr"], "302 /german accept-language"),
                ("/", ["Accept-Language: en, de;q=0.9"], "200 home accept-language"),
                ("/", ["accept-language: *, de;q=x"], "200 home accept-language"), ("/about", [], "200 about cookie"),
                ("/about", ["Cookie: a=1; seen=; b=2"], "307 /seen cookie"), ("/about", ["Cookie: unseen=1; seen"], "200 about cookie"),
                ("/here", [], "302 /there -"), ("/new", [], "200 new -"),
            ] as [(String, [String], String)] {
                let answer = try await gateway.get(target, fields)
                let found = "\(answer.status) \(answer.headers["location"] ?? answer.text) \(answer.headers["vary"] ?? "-")"
                #expect(found == expected, "\(target) \(fields)")
                #expect(answer.headers["x-here"] == (target == "/new" ? "yes" : nil))
                #expect(answer.headers["x-other"] == nil)
            }
        }
    }
}
