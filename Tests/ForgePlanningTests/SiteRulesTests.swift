import ForgeModel
import ForgePresets
import ForgeTestSupport
import Foundation
import Testing

@testable import ForgePlanning

/// What projects say of redirects and headers, in `crowdforge.toml` and in other platforms' files.
@Suite struct SiteRulesTests {
    private func plan(_ files: [String: String]) throws -> (artifact: ArtifactSpec, lines: [String]) {
        let app = try #require(try Shipped.survey(files).own)
        return (try Planner.plan(app.detection, configuration: app.configuration).artifact, app.detection.platforms.map(\.line))
    }

    /// As a plan keeps them.
    private func text(_ rules: SiteRules?) throws -> String {
        guard let rules else { return "none" }
        let redirects = rules.redirects.map { "\($0.source.text) → \($0.destination.text) \($0.status)\($0.isForced ? "!" : "")" }
        let headers = rules.headers.map { "\($0.source.text) \($0.change.rawValue) \($0.name): \($0.value)" }
        let flags = ["clean \(rules.cleanURLs.map(String.init) ?? "-")", "slash \(rules.trailingSlash.map(String.init) ?? "-")"]
        return (redirects + headers + flags).joined(separator: "\n")
    }

    @Test func crowdforgeTomlSaysWhereASiteSendsItsPaths() throws {
        let toml = """
            [site]
            fallback = "app.html"
            clean_urls = true
            trailing_slash = false
            [[site.redirect]]
            from = "/old/*"
            to = "/new/:splat"
            [[site.redirect]]
            from = "/x"
            to = "https://example.org/y"
            status = 302
            force = true
            [[site.header]]
            for = "/*"
            values = { X-Frame-Options = "DENY", Link = "</a>" }
            """
        let spec = try plan(["index.html": "", "crowdforge.toml": toml]).artifact
        #expect(spec.fallback?.string == "app.html")
        #expect(
            try text(spec.site) == """
                /old/* → /new/:splat 301
                /x → https://example.org/y 302!
                /* set X-Frame-Options: DENY
                /* set Link: </a>
                clean true
                slash false
                """)
        #expect(try text(spec.movedInSite) == "none")
    }

    @Test func eachFaultOfTheTableIsToldWithItsPlace() throws {
        let toml = """
            [site]
            fallback = "/"
            cleanurls = true
            [[site.redirect]]
            from = "old"
            to = "/new"
            [[site.redirect]]
            from = "/a"
            to = "/:b"
            [[site.redirect]]
            from = "/a"
            to = "/b"
            status = 500
            [[site.redirect]]
            to = "/b"
            [[site.header]]
            for = "/*"
            values = { Content-Length = "1", A = "x\\ny", B = 1 }
            [[site.header]]
            for = "/*"
            """
        let error = #expect(throws: ForgeError.self) { try ProjectConfiguration(parsing: Array(toml.utf8), file: "crowdforge.toml") }
        let found = try #require(error)
        let faults = ([Diagnostic(found.message, at: found.location)] + found.others).map { fault in
            (fault.location.map { "\($0) " } ?? "") + fault.message
        }
        #expect(
            faults == [
                "crowdforge.toml:2:12 `fallback` cannot be `/`: a page of the site is expected",
                "crowdforge.toml:3:1 unknown key `cleanurls` in `[site]`",
                "crowdforge.toml:5:8 `old` is no path: it does not begin with `/`",
                "crowdforge.toml:9:6 `:b` in `/:b` stands for nothing of the path",
                "crowdforge.toml:13:10 a rule cannot answer 500: 301, 302, 303, 307 and 308 send on, 200 and 404 answer with a page of the site",
                "crowdforge.toml:14:1 `[[site.redirect]]` has no `from`", "crowdforge.toml:18:12 `Content-Length` is the gateway's to say",
                "crowdforge.toml:18:34 the value of `A` holds what a header cannot: only printable ASCII may stand there",
                "crowdforge.toml:18:50 `B` must be a string, found an integer", "crowdforge.toml:19:1 `[[site.header]]` has no `values`",
            ])
    }

    @Test func vercelsRulesAreTakenOneByOneAndWhatIsMoreIsToldWithItsLine() throws {
        let vercel = """
            {
              "cleanUrls": true,
              "trailingSlash": false,
              "redirects": [
                { "source": "/old", "destination": "/new" },
                { "source": "/blog/:slug(.*)", "destination": "/news/:slug", "permanent": false },
                { "source": "/v(.*)/(.+)", "destination": "/$1-$2", "statusCode": 302 },
                { "source": "/docs/:path*", "destination": "https://docs.example.org/:path*" },
                { "source": "/post/:id(\\\\d+)", "destination": "/p/:id" },
                { "source": "/me", "destination": "/you", "has": [{ "type": "cookie", "key": "a" }] },
                { "source": "/a", "destination": "/b", "permanent": true }
              ],
              "rewrites": [
                { "source": "/api/(.*)", "destination": "https://api.example.org/$1" },
                { "source": "/app/([^/]+)", "destination": "/app.html" },
                { "source": "/(.*)", "destination": "/index.html" },
                { "source": "/late", "destination": "/late.html" }
              ],
              "headers": [
                { "source": "/(.*).js", "headers": [{ "key": "Cache-Control", "value": "max-age=1" }, { "key": "Connection", "value": "close" }] }
              ]
            }
            """
        let (spec, lines) = try plan(["index.html": "", "vercel.json": vercel])
        #expect(spec.fallback?.string == "index.html")
        #expect(try text(spec.site) == "none")
        #expect(
            try text(spec.movedInSite) == """
                /old → /new 308!
                /blog/:slug* → /news/:slug 307!
                /docs/:path* → https://docs.example.org/:path 308!
                /a → /b 308!
                /app/:1 → /app.html 200
                /:1*.js set Cache-Control: max-age=1
                clean true
                slash false
                """)
        #expect(
            lines == [
                "vercel.json: took rewrites, cleanUrls, trailingSlash, redirects, headers; left redirects:7 (`/v:1*/:2+` has more than one `*`), "
                    + "redirects:9 (the expression `(\\d+)` is more than a pattern can say), redirects:10 (`has` is a condition: rules look at "
                    + "the path alone), rewrites:14 (`https://api.example.org/:1` is another host's: requests are sent there (301), not passed "
                    + "on), rewrites:17 (an earlier rule answers everything), headers:20 (`Connection` is the gateway's to say)"
            ])
    }

    @Test func netlifysRulesAreTakenOneByOneAndWhatIsMoreIsToldWithItsLine() throws {
        let netlify = """
            [[redirects]]
              from = "/old/*"
              to = "/new/:splat"
            [[redirects]]
              from = "/x"
              to = "/y"
              status = 302
              force = true
            [[redirects]]
              from = "/de"
              to = "/german"
              conditions = { Country = ["de"] }
            [[redirects]]
              from = "/api/*"
              to = "https://api.example.org/:splat"
              status = 200
            [[headers]]
              for = "/*"
              [headers.values]
                X-Frame-Options = "DENY"
                Link = ["</a>", "</b>"]
                Content-Length = "4"
            """
        let (spec, lines) = try plan(["index.html": "", "netlify.toml": netlify])
        #expect(
            try text(spec.movedInSite) == """
                /old/* → /new/:splat 301
                /x → /y 302!
                /* append X-Frame-Options: DENY
                /* append Link: </a>
                /* append Link: </b>
                clean -
                slash -
                """)
        #expect(
            lines == [
                "netlify.toml: took redirects, headers; left redirects:9 (`conditions` is a condition: rules look at the path alone), "
                    + "redirects:13 (`https://api.example.org/:splat` is another host's: requests are sent there (301), not passed on), "
                    + "headers:22 (`Content-Length` is the gateway's to say)"
            ])
    }

    @Test func aServerAnswersForItselfWhateverIsSaidOfASite() throws {
        let app = try #require(
            try Shipped.survey([
                "package.json": #"{"scripts": {"start": "node a.js"}, "dependencies": {"express": "4.0.0"}}"#, "package-lock.json": "{}",
                "a.js": "", "vercel.json": #"{"redirects": [{"source": "/a", "destination": "/b"}]}"#,
                "crowdforge.toml": "[site]\ntrailing_slash = true\n",
            ]).own)
        let plan = try Planner.plan(app.detection, configuration: app.configuration)
        #expect(plan.artifact.site == nil && plan.artifact.movedInSite == nil)
        #expect(app.detection.platforms.map(\.line) == ["vercel.json: took nothing; left redirects (a server answers for itself)"])
        #expect(
            plan.warnings.contains {
                $0.message.hasPrefix("`[site]` is for sites") && $0.location?.line == 1
            })
    }
}
