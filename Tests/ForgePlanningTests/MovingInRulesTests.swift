import ForgeManifests
import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning
@testable import ForgePlatforms

/// Which of several files is believed, what is left, and what broken ones do.
@Suite struct MovingInRulesTests {
    @Test func crowdforgeTomlGoesBeforeAllFilesAndEarlierFilesBeforeLaterOnesAndItIsSaid() throws {
        let files = Moved.with(
            Moved.vite,
            [
                "crowdforge.toml": "[build]\noutput = \"own\"\n[env]\nA = \"own\"\n",
                "vercel.json": #"{"outputDirectory": "theirs", "buildCommand": "npm run a", "env": {"A": "1", "B": "1"}}"#,
                "netlify.toml": "[build]\ncommand = \"npm run b\"\npublish = \"others\"\n[build.environment]\nB = \"2\"\nC = \"2\"\n",
            ])
        let detection = try Shipped.detect(files)
        #expect(detection.report.output == "own")
        #expect(detection.report.build == "npm run a")
        #expect(
            detection.platforms.map(\.line) == [
                "vercel.json: took buildCommand, env.B; left outputDirectory, env.A (`crowdforge.toml` says it)",
                "netlify.toml: took build.environment.C; left build.command, build.environment.B (`vercel.json` says it), "
                    + "build.publish (`crowdforge.toml` says it)",
            ])
        let disagreement = try #require(detection.warnings.first { $0.message.contains("do not agree") })
        #expect(
            disagreement
                == Diagnostic(
                    "`vercel.json` and `netlify.toml` do not agree: `npm run a` (vercel.json:1) is used, not `npm run b` (netlify.toml:2)",
                    at: SourceLocation(file: "netlify.toml", line: 2, column: 11),
                    hint: "settle it in `crowdforge.toml`: `command = …` below `[build]`"))
        let environment = try Shipped.plan(files).steps.last?.environment
        #expect(environment?.filter { ["A", "B", "C"].contains($0.key) } == ["A": "own", "B": "1", "C": "2"])
    }

    @Test(arguments: [
        (
            "vercel.json", "{\n  \"buildCommand\": \"x\"\n  \"a\": 1}",
            "vercel.json:3:3: `vercel.json` is not valid JSON: expected `,` or `}`, found `\"`"
        ),
        ("netlify.toml", "[build]\ncommand = ", "netlify.toml:2:11: `netlify.toml` is not valid TOML: "),
        ("render.yaml", "services:\n  - a: [1", "render.yaml:3:1: `render.yaml` is not valid YAML: "),
        ("vercel.json", "[]", "vercel.json:1:1: `vercel.json` must be a table of keys and values"),
        ("netlify.toml", "[build]\nbase = \"gone\"\n", "netlify.toml:2:8: `build.base` names the folder `gone`, which is not there"),
    ])
    func aBrokenFileOfAnotherPlatformIsAWarningWithItsPlaceAndNothingElse(file: String, text: String, message: String) throws {
        let detection = try Shipped.detect(Moved.with(Moved.vite, [file: text]))
        #expect(detection.report.build == "npm run build")
        let warning = try #require(detection.warnings.first)
        #expect("\(try #require(warning.location)): \(warning.message)".hasPrefix(message))
        #expect(warning.hint == "nothing is taken from it; correct it, or remove it when the project has moved")
        #expect(try Shipped.plan(Moved.with(Moved.vite, [file: text])).warnings == detection.warnings)
    }

    @Test func valuesOfAWrongTypeAreLeftWithTheReason() throws {
        let detection = try Shipped.detect(
            Moved.with(
                Moved.vite,
                [
                    "vercel.json":
                        #"{"buildCommand": 1, "outputDirectory": "../out", "env": {"a b": "x", "CROWDFORGE_X": "1"}, "rewrites": {}, "framework": null}"#
                ]))
        #expect(
            detection.platforms.map(\.line) == [
                "vercel.json: took nothing; left buildCommand (a text is expected here), outputDirectory (path `../out` leaves the "
                    + "project: `..` is not allowed), env.a b (no name of a variable), env.CROWDFORGE_X (names with `CROWDFORGE_` are "
                    + "the platform's), rewrites (a list is expected here)"
            ])
        #expect(detection.report.output == "dist")
    }

    @Test func aPublishedFolderOfAServersFrameworkLeavesItAServer() throws {
        let next = [
            "package.json": #"{"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "14.0.0"}}"#,
            "package-lock.json": "{}", "netlify.toml": "[build]\npublish = \"public\"\n",
        ]
        #expect(
            try Moved.outcome(next) == """
                nextjs server in .
                port 3000, health /
                netlify.toml: took nothing; left build.publish (what a server needs of its build is known)

                """)
    }

    @Test func aFileThatNamesOneMemberOfAWorkspaceSpeaksForItAlone() throws {
        let files = [
            "package.json": #"{"workspaces": ["apps/*"]}"#, "package-lock.json": "{}",
            "netlify.toml": "[build]\nbase = \"apps/site\"\npublish = \"out\"\n",
            "apps/site/package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5.0.0"}}"#,
            "apps/api/package.json": #"{"scripts": {"start": "node server.js"}}"#, "apps/api/server.js": "",
        ]
        let survey = try Shipped.survey(files)
        #expect(survey.apps.map(\.name) == ["api", "site"])
        #expect(try survey.app("site").detection.platforms.map(\.line) == ["netlify.toml: took build.base, build.publish"])
        #expect(try survey.app("api").detection.platforms == [])
    }

    @Test func whatSpeaksForARootThatIsNoAppIsToldToBeLeft() throws {
        let files = [
            "package.json": #"{"workspaces": ["apps/*"]}"#, "package-lock.json": "{}",
            "vercel.json": #"{"buildCommand": "turbo run build"}"#,
            "apps/api/package.json": #"{"scripts": {"start": "node server.js"}}"#, "apps/api/server.js": "",
        ]
        let survey = try Shipped.survey(files)
        #expect(
            ExplainRendering.text(survey) == """
                workspace of npm, 1 member
                moved in  vercel.json: took nothing; left buildCommand (the root is no app: in an app's own folder, or below `[[app]]`, it \
                would be read)
                app  api  apps/api  server  Node.js (node)

                """)
        #expect(survey.report.platforms == survey.unread)
    }

    @Test(arguments: 0..<24)
    func noBytesMakeAReaderFail(seed: Int) throws {
        let texts = [
            ("vercel.json", #"{"buildCommand": "a && b", "rewrites": [{"source": "/(.*)", "destination": "/"}], "env": {"A": "1"}}"#),
            ("netlify.toml", "[build]\nbase = \"x\"\ncommand = \"a\"\n[[redirects]]\nfrom = \"/*\"\nto = \"/index.html\"\nstatus = 200\n"),
            (
                "render.yaml",
                "services:\n  - type: web\n    rootDir: x\n    buildCommand: a; b\n    envVars:\n      - key: A\n        value: b\n"
            ),
            (".do/app.yaml", "services:\n  - name: a\n    http_port: 80\n    envs: [{key: A, value: b}]\n"),
            ("fly.toml", "[env]\nPORT = 1\n[processes]\nweb = \"a\"\n[[services]]\ninternal_port = 80\n"),
            ("nixpacks.toml", "[phases.build]\ncmds = [\"a\", \"...\"]\n[start]\ncmd = \"a\"\n"), ("Procfile", "web: a\nb: c\n"),
            ("app.json", #"{"env": {"A": {"value": 1}}, "stack": [{}]}"#),
        ]
        var random = UInt64(seed + 1)
        func next(_ bound: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((random >> 33) % UInt64(bound))
        }
        for (file, text) in texts {
            for _ in 0..<40 {
                var bytes = Array(text.utf8)
                for _ in 0...next(4) {
                    let at = next(bytes.count)
                    switch next(3) {
                    case 0: bytes[at] = UInt8(next(256))
                    case 1: bytes.remove(at: at)
                    default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + next(12))], at: next(bytes.count))
                    }
                }
                let found = MovingIn(files: ProjectFiles(tree: MemoryTree(bytes: [file: bytes]))).parts
                #expect(found.count <= 1)
                #expect(found.allSatisfy { $0.fault == nil || $0.settings.isEmpty })
            }
        }
    }

    @Test func anEmptyBuildCommandBuildsNothing() throws {
        let files = [
            "package.json": #"{"scripts": {"build": "x"}}"#, "index.html": "",
            "vercel.json": #"{"buildCommand": "", "outputDirectory": "."}"#,
        ]
        let plan = try Shipped.plan(files)
        #expect(plan.steps.map(\.id).contains("build") == false)
        #expect(plan.artifact.output == .root)
    }

    @Test func aSentenceOfWhatWasTakenStandsInEveryRendering() throws {
        let files = ["vercel.json": #"{"buildCommand": "make", "outputDirectory": "site", "crons": [{}]}"#]
        let line = "vercel.json: took buildCommand, outputDirectory; left crons (nothing runs on a schedule)"
        let detection = try Shipped.detect(files)
        #expect(ExplainRendering.text(detection).hasSuffix("moved in  \(line)\n"))
        let explained = try Detector(catalog: Shipped.catalog.get()).explain(in: MemoryTree(files), configuration: ProjectConfiguration())
        #expect(ExplainRendering.text(explained).hasPrefix("custom: only `custom` matches\n\(line)\n"))
        #expect(PlanRendering.text(try Shipped.plan(files)).hasSuffix("warning   \(line)\n"))
        #expect(
            try Shipped.json(detection.platforms) == """
                [
                  {
                    "fault" : null,
                    "file" : "vercel.json",
                    "left" : [
                      {
                        "key" : "crons",
                        "line" : 1,
                        "reason" : "nothing runs on a schedule"
                      }
                    ],
                    "platform" : "Vercel",
                    "taken" : [
                      {
                        "key" : "buildCommand",
                        "line" : 1,
                        "use" : "build"
                      },
                      {
                        "key" : "outputDirectory",
                        "line" : 1,
                        "use" : "output"
                      }
                    ],
                    "variables" : [

                    ]
                  }
                ]

                """)
    }

    @Test(arguments: [
        ("npm install && npm run build", "npm run build"), ("npm ci; npm run build\nnpm run more", "npm run build && npm run more"),
        ("npm install", ""), ("npm run build && npm install", "npm run build && npm install"),
        ("yarn && (cd x && make)", "yarn && (cd x && make)"), ("echo 'a && b' && make", "echo 'a && b' && make"),
        ("pnpm i --frozen-lockfile && pnpm -r build", "pnpm -r build"), ("a & b", "a & b"), (" make ", "make"),
        ("python -m pip install -r requirements.txt && python x.py", "python x.py"), ("bundle && rake", "rake"),
    ])
    func whatInstallsAtTheBeginningOfABuildIsLeftToTheInstallStep(line: String, build: String) {
        #expect(InstallWords.building(line) == build)
    }
}
