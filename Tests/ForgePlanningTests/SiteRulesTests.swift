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
        func text(_ conditions: [SiteCondition]) -> String {
            conditions.map { condition in
                " \(condition.isMissing ? "unless" : "if") \(condition.subject.rawValue) \(condition.name)="
                    + condition.values.map(\.text).joined(separator: "|")
            }.joined()
        }
        let redirects = rules.redirects.map {
            "\($0.source.text) → \($0.destination.text) \($0.status)\($0.isForced ? "!" : "")\(text($0.conditions))"
        }
        let headers = rules.headers.map { "\($0.source.text) \($0.change.rawValue) \($0.name): \($0.value)\(text($0.conditions))" }
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
            [[site.redirect]]
            from = "/show"
            to = "/shows/:id"
            has = [{ query = "id", value = ":id" }, { host = ["a.example.org", "b.example.org"] }, { language = "de" }]
            missing = [{ cookie = "seen" }, { header = "Accept", value = ["text/*", "%2A/%2A"] }]
            [[site.header]]
            for = "/*"
            values = { X-Frame-Options = "DENY", Link = "</a>" }
            missing = [{ host = "a.example.org" }]
            """
        let spec = try plan(["index.html": "", "crowdforge.toml": toml]).artifact
        #expect(spec.fallback?.string == "app.html")
        #expect(
            try text(spec.site) == """
                /old/* → /new/:splat 301
                /x → https://example.org/y 302!
                /show → /shows/:id 301 if query id=:id if host =a.example.org|b.example.org if language =de unless cookie seen= \
                unless header accept=text/*|%2A/%2A
                /* set X-Frame-Options: DENY unless host =a.example.org
                /* set Link: </a> unless host =a.example.org
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
            [[site.redirect]]
            from = "/a"
            to = "/b"
            has = [{}, { host = "a", cookie = "b" }, { host = "a", value = "b" }, { query = ["a", "b"] }, { cookie = "a b" }, { cokie = "a" }]
            missing = { cookie = "a" }
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
                "crowdforge.toml:24:8 a condition says one of `host`, `header`, `cookie`, `query`, `language`",
                "crowdforge.toml:24:12 a condition says one of `host`, `header`, `cookie`, `query`, `language`",
                "crowdforge.toml:24:56 `host` says its values itself", "crowdforge.toml:24:71 a condition is about one query",
                "crowdforge.toml:24:95 `a b` is no name of a cookie",
                "crowdforge.toml:24:117 unknown key `cokie` in `[[site.redirect.has]]`",
                "crowdforge.toml:25:11 `missing` must be an array of tables, found a table",
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
                { "source": "/me", "destination": "/you/:a", "has": [{ "type": "cookie", "key": "a" }] },
                { "source": "/(.*)", "destination": "https://example.org/$1", "has": [{ "type": "host", "value": "www\\\\.example\\\\.(.*)" }] },
                { "source": "/q", "destination": "/r/:n", "has": [{ "type": "query", "key": "p", "value": "(?<n>.+)" }], "missing": [{ "type": "header", "key": "X-A" }] },
                { "source": "/q", "destination": "/r", "has": [{ "type": "query", "key": "p", "value": "\\\\d+" }] },
                { "source": "/q", "destination": "/r", "has": [{ "type": "country", "value": "de" }] },
                { "source": "/q", "destination": "/s", "has": [{ "type": "query", "key": "p", "value": { "eq": "1*" } }, { "type": "host", "value": "a|b" }] },
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
                /me → /you/:a 308! if cookie a=:a*
                /:1* → https://example.org/:1 308! if host =www.example.*
                /q → /r/:n 308! if query p=:n unless header x-a=
                /q → /s 308! if query p=1%2A if host =a|b
                /a → /b 308!
                /app/:1 → /app.html 200
                /:1*.js set Cache-Control: max-age=1
                clean true
                slash false
                """)
        #expect(
            lines == [
                "vercel.json: took rewrites, cleanUrls, trailingSlash, redirects, headers; left redirects:7 (`/v:1*/:2+` has more than one `*`), "
                    + "redirects:9 (the expression `(\\d+)` is more than a pattern can say), redirects:13 (the expression `\\d+` is more than a "
                    + "pattern can say), redirects:14 (a condition on `country` is unknown here), rewrites:19 (`https://api.example.org/:1` is another host's: requests are sent there (301), not passed "
                    + "on), rewrites:22 (an earlier rule answers everything), headers:25 (`Connection` is the gateway's to say)"
            ])
    }

    @Test func vercelsOlderRoutesAreRulesBeforeAndAfterFiles() throws {
        let vercel = #"""
            {
              "routes": [
                { "src": "/assets/(.*)", "headers": { "Cache-Control": "max-age=9" }, "continue": true },
                { "src": "^/old/(?<name>[^/]+)$", "status": 301, "headers": { "Location": "/new/$name", "X-Was": "old" } },
                { "src": "/v[0-9]+/.*", "dest": "/x.html" },
                { "src": "/(?:a|b)/x", "dest": "/x.html" },
                { "src": "/up", "dest": "/up.html", "methods": ["POST"] },
                { "src": "/api/(.*)", "dest": "https://api.example.org/$1" },
                { "handle": "filesystem" },
                { "src": "/docs/.*/(.+)\\.html/?", "dest": "docs/$1.html", "has": [{ "type": "cookie", "key": "beta", "value": "1" }] },
                { "src": "/teapot", "status": 418 },
                { "handle": "error" },
                { "src": "/(.*)", "status": 404, "dest": "/404.html" },
                { "src": "/(.*)", "dest": "index.html" },
                { "src": "/late", "dest": "/late.html" }
              ]
            }
            """#
        let (spec, lines) = try plan(["index.html": "", "vercel.json": vercel])
        #expect(spec.fallback?.string == "index.html")
        #expect(
            try text(spec.movedInSite) == """
                /old/:name → /new/:name 301!
                /:1* → /404.html 404
                /assets/:1* set Cache-Control: max-age=9
                /old/:name set X-Was: old
                clean -
                slash -
                """)
        #expect(
            lines == [
                "vercel.json: took routes; left routes:5 (the expression `/v[0-9]+/.*` is more than a pattern can say), routes:6 (the "
                    + "expression `(a|b)` is more than a pattern can say), routes:7 (a site is only read: rules for other methods say nothing), "
                    + "routes:8 (`https://api.example.org/:1` is another host's: requests are sent there (301), not passed on), routes:10 "
                    + "(`/docs/:other1*/:1+.html` has more than one `*`), routes:11 (nothing is said that could be answered with 418), "
                    + "routes:12 (of phases only `filesystem` is known here), routes:15 (an earlier rule answers everything)"
            ])
    }

    @Test func rendersCloudflaresAndDigitalOceansListsAreRulesToo() throws {
        let render = """
            services:
              - type: web
                runtime: static
                name: site
                staticPublishPath: .
                routes:
                  - { type: redirect, source: /blog/*, destination: /news/* }
                  - { type: rewrite, source: "/u/:name", destination: "/user.html" }
                  - { type: proxy, source: /a, destination: /b }
                  - { type: rewrite, source: /*, destination: /index.html }
                headers:
                  - { path: /*, name: X-Frame-Options, value: DENY }
                  - { path: /*, name: Date, value: now }
            """
        let (spec, lines) = try plan(["index.html": "", "render.yaml": render])
        #expect(spec.fallback?.string == "index.html")
        #expect(
            try text(spec.movedInSite) == """
                /blog/* → /news/:splat 301
                /u/:name → /user.html 200
                /* set X-Frame-Options: DENY
                clean -
                slash -
                """)
        #expect(
            lines == [
                "render.yaml: took services.site.staticPublishPath, services.site.routes, services.site.headers; left "
                    + "services.site.routes:9 (`proxy` is unknown here), services.site.headers:13 (`Date` is the gateway's to say)"
            ])
        let drop = try plan(["index.html": "", "wrangler.toml": "[assets]\ndirectory = \".\"\nhtml_handling = \"drop-trailing-slash\"\n"])
        #expect(try text(drop.artifact.movedInSite) == "clean true\nslash false")
        #expect(drop.lines == ["wrangler.toml: took assets.directory, assets.html_handling"])
        let app =
            "static_sites:\n  - name: site\n    output_dir: .\n    error_document: oops.html\n    cors: {allow_origins: [{exact: x}]}\n"
        let errors = try plan(["index.html": "", ".do/app.yaml": app])
        #expect(try text(errors.artifact.movedInSite) == "/* → /oops.html 404\nclean -\nslash -")
        #expect(
            errors.lines == [
                ".do/app.yaml: took static_sites.site.output_dir, static_sites.site.error_document; left static_sites.site.cors (name its "
                    + "headers below `[site]`)"
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
              from = "https://www.example.org/*"
              to = "https://example.org/:splat"
              query = { id = ":id" }
              conditions = { Language = ["de", "fr"], Cookie = ["beta"] }
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
                /* → https://example.org/:splat 301 if host =www.example.org if query id=:id if language =de|fr if cookie beta=
                /* append X-Frame-Options: DENY
                /* append Link: </a>
                /* append Link: </b>
                clean -
                slash -
                """)
        #expect(
            lines == [
                "netlify.toml: took redirects, headers; left redirects:9 (from which country a request comes is not known here), "
                    + "redirects:18 (`https://api.example.org/:splat` is another host's: requests are sent there (301), not passed on), "
                    + "headers:27 (`Content-Length` is the gateway's to say)"
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
            plan.warnings.filter { $0.location?.file == "crowdforge.toml" } == [
                Diagnostic(
                    "`[site]` is for sites, and `Node.js` is a server, which answers for itself",
                    at: SourceLocation(file: "crowdforge.toml", line: 1, column: 1),
                    hint: "remove the table, or let the server do what it says")
            ])
    }
}
