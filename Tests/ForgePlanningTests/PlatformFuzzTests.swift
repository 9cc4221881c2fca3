import ForgeManifests
import ForgeModel
import ForgePlatforms
import ForgePresets
import ForgeTestSupport
import Testing

@testable import ForgePlanning

/// Files of other platforms survive what chance makes of them: 10,000 inputs each, and none of them makes a build fail.
@Suite struct PlatformFuzzTests {
    @Test(arguments: [
        (
            "vercel.json",
            #"{"framework": "vite", "buildCommand": "npm ci && vite build", "cleanUrls": true, "redirects": [{"source": "/a/:b(.*)", "destination": "/$1", "has": [{"type": "query", "key": "a", "value": "x|(?<y>.*)"}]}], "routes": [{"src": "^/a/(?<n>[^/]+)/.*$", "dest": "/$n.html", "missing": [{"type": "host", "value": "(a|b)"}]}, {"handle": "filesystem"}], "rewrites": [{"source": "/(.*)", "destination": "/index.html"}], "headers": [{"source": "/(.*).js", "headers": [{"key": "A", "value": "b"}]}], "env": {"A": "@b"}}"#
        ),
        (
            "netlify.toml",
            "[build]\nbase = \"web\"\ncommand = \"npm run build\"\npublish = \"out\"\n[build.environment]\nNODE_VERSION = \"18\"\n[[redirects]]\nfrom = \"/*\"\nto = \"/index.html\"\nstatus = 200\nforce = true\nquery = {a = \":b\"}\nconditions = {Language = [\"de\"]}\n[[headers]]\nfor = \"/*\"\n[headers.values]\nA = [\"b\", \"c\"]\n"
        ),
        (
            "render.yaml",
            "services:\n  - type: web\n    name: a\n    rootDir: b\n    buildCommand: pip install -r requirements.txt && make\n    startCommand: c\n    envVars:\n      - {key: D, value: e}\n    routes: [{type: rewrite, source: /*, destination: /index.html}, {type: redirect, source: /a/*, destination: /b/*}]\n    headers: [{path: /*, name: A, value: b}]\n"
        ),
        (
            "fly.toml",
            "app = \"a\"\n[env]\nA = \"b\"\n[processes]\nweb = \"c\"\n[http_service]\ninternal_port = 80\n[[http_service.checks]]\npath = \"/d\"\n"
        ),
        (
            "railpack.json",
            ##"{"steps": {"install": {"commands": ["npm ci", {"cmd": "a"}]}, "build": {"commands": ["...", "b"]}}, "deploy": {"startCommand": "c", "variables": {"D": "e"}}, "packages": {"node": "22"}, "secrets": ["F"]}"##
        ),
        (
            "nixpacks.toml",
            "[phases.install]\ncmds = [\"npm ci\"]\n[phases.build]\ncmds = [\"a\"]\n[start]\ncmd = \"b\"\n[variables]\nC = \"d\"\n"
        ),
        (
            "railway.json",
            #"{"build": {"builder": "NIXPACKS", "buildCommand": "npm ci && a"}, "deploy": {"startCommand": "b", "healthcheckPath": "/c"}}"#
        ),
        ("Procfile", "web: a --port $PORT\nrelease: b\nworker : c\n"),
        (
            "app.json",
            #"{"env": {"A": "b", "C": {"value": "d", "required": true}, "SECRET_E": {"generator": "secret"}}, "addons": ["f"], "buildpacks": [{"url": "g"}]}"#
        ),
        (
            ".do/app.yaml",
            "name: a\nservices:\n- name: b\n  source_dir: /c\n  run_command: d\n  http_port: 8080\n  health_check: {http_path: /e}\n  envs:\n  - key: F\n    value: ${G}\n    type: SECRET\nstatic_sites:\n- catchall_document: index.html\n"
        ),
        (
            "wrangler.toml",
            "main = \"a.js\"\npages_build_output_dir = \"./b\"\n[build]\ncommand = \"c\"\n[assets]\ndirectory = \"d\"\nnot_found_handling = \"single-page-application\"\n[vars]\nE = \"f\"\n"
        ),
    ])
    func aPlatformsFileIsTakenOrToldAndNothingFails(file: String, sample: String) throws {
        let path = try RelativePath(parsing: file)
        let slow = Fuzz.slowest(file, [sample]) { bytes in
            let movingIn = MovingIn(files: ProjectFiles(tree: OneFile(path: path, bytes: bytes)))
            _ = (movingIn.isServer, movingIn.environment, movingIn.disagreements(ProjectConfiguration()))
            for part in movingIn.parts {
                if let fault = part.fault { Self.hold(fault.location?.file == file && !fault.message.isEmpty) }
                Self.hold(part.left.allSatisfy { !$0.reason.isEmpty && ($0.line ?? 1) >= 1 })
                Self.hold(part.settings.allSatisfy { $0.location.file == file && ($0.location.line ?? 0) >= 1 })
                for rule in part.site.redirects { Self.check(rule) }
                for rule in part.site.headers { Self.check(rule) }
            }
        }
        #expect(slow == nil)
    }

    @Test func redirectsAreReadOrToldWithTheirLineAndLeadNowhereElse() {
        let samples = [
            "/a/* /b/:splat 301!\n/c/:d id=:id /e/:d 302 Country=de # f\n/g https://example.org/:h 307\n/* /index.html 200\r\n",
            "/:a*.html /:a\n",
        ]
        let slow = Fuzz.slowest("_redirects", samples) { bytes in
            let (rules, faults) = SiteFiles.redirects(parsing: bytes)
            Self.hold(faults.allSatisfy { $0.line >= 1 && !$0.message.isEmpty })
            for rule in rules.prefix(50) { Self.check(rule) }
        }
        #expect(slow == nil)
    }

    @Test func headersAreReadOrToldWithTheirLineAndSayNothingOfTheMessage() {
        let samples = [
            "/*\n  X-A: b; c=\"d\"\n  ! Link\n/e/:f/*\n\tContent-Security-Policy: default-src 'self'\r\n# g\nhttps://h/*\n  I: j\n"
        ]
        let slow = Fuzz.slowest("_headers", samples) { bytes in
            let (rules, faults) = SiteFiles.headers(parsing: bytes)
            Self.hold(faults.allSatisfy { $0.line >= 1 && !$0.message.isEmpty })
            for rule in rules.prefix(50) { Self.check(rule) }
        }
        #expect(slow == nil)
    }

    /// `#expect` takes its words apart each time, and this is asked a million times.
    private static func hold(_ isTrue: Bool, line: Int = #line) {
        if !isTrue { Issue.record("what line \(line) says does not hold") }
    }

    /// Whatever a path is, a rule answers with printable ASCII, of a host that it names itself or of none.
    private static func check(_ rule: SiteRedirect) {
        for path in [["", "evil.example"], ["a", "b\r\nX: y", "\\c"]] {
            guard let bound = rule.source.match(path) else { continue }
            let location = rule.destination.location(bound, query: "?\r\n", isDirectory: true)
            Self.hold(location.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
            Self.hold(rule.destination.isElsewhere ? location.hasPrefix("http") : location.hasPrefix("/") && !location.hasPrefix("//"))
        }
    }

    private static func check(_ rule: SiteHeader) {
        Self.hold(!SiteHeader.owned.contains(rule.name.lowercased()))
        Self.hold((rule.name + rule.value).utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 })
    }
}
