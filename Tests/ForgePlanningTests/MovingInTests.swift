import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// Projects that other platforms build are built from what those platforms' files say.
@Suite struct MovingInTests {
    /// What comes out of a project: where each value is from, then what is said of each file.
    private func outcome(_ files: [String: String]) throws -> String {
        let survey = try Shipped.survey(files)
        let app = try #require(survey.own ?? survey.apps.first)
        let detection = app.detection
        let plan = try Planner.plan(detection, configuration: app.configuration)
        let report = detection.report
        var lines = ["\(detection.preset.id) \(report.kind?.rawValue ?? "") in \(report.root)"]
        for (key, value) in [
            ("install", report.install), ("build", report.build), ("output", report.output), ("start", report.start),
            ("runtimeVersion", report.runtimeVersion),
        ] {
            guard let value, let origin = report.derived[key], origin.rule.hasPrefix("platform") else { continue }
            lines.append("\(key): \(value)  (\(origin.source), \(origin.rule))")
        }
        let movedIn = detection.movedIn
        if let launch = plan.artifact.launch { lines.append("port \(launch.port), health \(launch.healthPath ?? "tcp")") }
        if let fallback = plan.artifact.fallback { lines.append("fallback \(fallback)") }
        if !movedIn.environment.isEmpty {
            lines.append(movedIn.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
        }
        return (lines + detection.platforms.map(\.line)).joined(separator: "\n") + "\n"
    }

    private let vite = [
        "package.json": #"{"scripts": {"build": "vite build", "start": "vite"}, "devDependencies": {"vite": "5.0.0"}}"#,
        "package-lock.json": "{}", "vite.config.js": "export default {}", "index.html": "",
    ]
    private let express = [
        "package.json": #"{"scripts": {"build": "tsc", "start": "node dist/a.js"}, "dependencies": {"express": "4.0.0"}}"#,
        "package-lock.json": "{}", "src/index.js": "",
    ]
    private let flask = [
        "requirements.txt": "flask==3.0.0\ngunicorn==23.0.0\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    ]

    private func with(_ project: [String: String], _ files: [String: String]) -> [String: String] { project.merging(files) { $1 } }

    @Test func vercelSaysHowASiteIsBuiltAndWhichPageAnswersForTheOthers() throws {
        let vercel = """
            {
              "$schema": "https://example.org/vercel.json",
              "framework": "vite",
              "buildCommand": "vite build --mode staging",
              "installCommand": "npm install --legacy-peer-deps",
              "outputDirectory": "build/web",
              "rewrites": [{ "source": "/(.*)", "destination": "/index.html" }],
              "redirects": [{ "source": "/old", "destination": "/new", "permanent": true }],
              "crons": [{ "path": "/api/daily", "schedule": "0 5 * * *" }],
              "build": { "env": { "VITE_COLOUR": "red" } },
              "env": { "API_TOKEN": "@api-token", "COST": "5$" },
              "surprise": 1
            }
            """
        #expect(
            try outcome(with(vite, ["vercel.json": vercel])) == """
                vite static in .
                install: npm install --legacy-peer-deps  (vercel.json:5, platform installCommand)
                build: vite build --mode staging  (vercel.json:4, platform buildCommand)
                output: build/web  (vercel.json:6, platform outputDirectory)
                fallback index.html
                COST=5$ VITE_COLOUR=red
                vercel.json: took framework, buildCommand, installCommand, outputDirectory, rewrites, build.env.VITE_COLOUR, env.COST; \
                left redirects (files are served as they are), crons (nothing runs on a schedule), env.API_TOKEN (set its value with \
                `forge env set`), surprise (unknown here)

                """)
    }

    @Test func netlifySaysWhichFolderIsBuiltAndItsValuesAreThatFolders() throws {
        let netlify = """
            [build]
              base = "web"
              command = "npm ci && npm run build"
              publish = "out"
            [build.environment]
              NODE_VERSION = "18.17.0"
              THEME = "dark"
            [[redirects]]
              from = "/*"
              to = "/index.html"
              status = 200
            [[redirects]]
              from = "/api/*"
              to = "https://example.org/:splat"
            [[plugins]]
              package = "@example/plugin"
            [context.production]
              command = "npm run production"
            """
        let project = Dictionary(uniqueKeysWithValues: vite.map { ("web/\($0.key)", $0.value) })
        #expect(
            try outcome(with(project, ["netlify.toml": netlify])) == """
                vite static in web
                build: npm run build  (netlify.toml:3, platform build.command)
                output: out  (netlify.toml:4, platform build.publish)
                runtimeVersion: 18.17.0  (netlify.toml:6, platform build.environment.NODE_VERSION)
                fallback index.html
                THEME=dark
                netlify.toml: took build.base, build.command, build.publish, build.environment.NODE_VERSION, redirects, \
                build.environment.THEME; left redirects (files are served as they are), plugins (its plugins are Netlify's own), \
                context (what differs between places is set with `forge env`)

                """)
    }

    @Test func renderSaysHowAServerIsBuiltStartedAndAsked() throws {
        let render = """
            services:
              - type: web
                name: api
                runtime: python
                plan: free
                buildCommand: pip install -r requirements.txt && pip install uwsgi && python collect.py
                startCommand: gunicorn app:app --workers 3
                healthCheckPath: /healthz
                preDeployCommand: python migrate.py
                envVars:
                  - key: PYTHON_VERSION
                    value: 3.11.4
                  - key: MODE
                    value: fast
                  - key: DATABASE_URL
                    fromDatabase:
                      name: db
                      property: connectionString
              - type: worker
                name: queue
                startCommand: celery
            databases:
              - name: db
            """
        #expect(
            try outcome(with(flask, ["render.yaml": render])) == """
                flask server in .
                build: python collect.py  (render.yaml:6, platform services.api.buildCommand)
                start: gunicorn app:app --workers 3  (render.yaml:7, platform services.api.startCommand)
                runtimeVersion: 3.11.4  (render.yaml:12, platform services.api.envVars.PYTHON_VERSION)
                port 8000, health /healthz
                MODE=fast
                render.yaml: took services.api.buildCommand, services.api.startCommand, services.api.healthCheckPath, \
                services.api.envVars.PYTHON_VERSION, services.api.envVars.MODE; left services.api.buildCommand (`pip install uwsgi` in \
                it: the install step installs what manifests list), services.api.preDeployCommand (nothing runs between the build and \
                the start), services.api.envVars.DATABASE_URL (set its value with `forge env set`), services.queue (of type `worker`: \
                only servers and sites are run), databases (databases and disks are not set up here)

                """)
    }

    @Test func servicesInSeveralFoldersAreSeveralApps() throws {
        var files = [
            "render.yaml": """
            services:
              - type: web
                name: api
                rootDir: backend
                startCommand: gunicorn app:app
              - type: web
                name: site
                runtime: static
                rootDir: frontend
                buildCommand: npm install
                staticPublishPath: ./public
            """
        ]
        for (name, text) in flask { files["backend/\(name)"] = text }
        files["frontend/package.json"] = #"{"scripts": {"build": "x"}}"#
        files["frontend/public/index.html"] = ""
        let survey = try Shipped.survey(files)
        #expect(survey.own == nil)
        #expect(
            survey.apps.map { "\($0.name) \($0.root) \($0.detection.preset.id) \($0.detection.report.kind?.rawValue ?? "")" } == [
                "api backend flask server", "site frontend node static",
            ])
        let site = try survey.app("site").detection
        #expect(site.report.build == nil, "its build command does nothing but install")
        #expect(
            site.platforms.map(\.line) == [
                "render.yaml: took services.site.rootDir, services.site.buildCommand, services.site.staticPublishPath"
            ])
    }

    @Test func flySaysPortHealthAndProcess() throws {
        let fly = """
            app = "paper-boats"
            primary_region = "fra"
            [env]
              LOG_LEVEL = "info"
              PORT = "8081"
            [processes]
              app = "node dist/index.js"
              worker = "node dist/worker.js"
            [http_service]
              internal_port = 8080
              force_https = true
              [[http_service.checks]]
                path = "/up"
            [deploy]
              release_command = "npm run migrate"
            [[vm]]
              memory = "1gb"
            """
        #expect(
            try outcome(with(express, ["fly.toml": fly])) == """
                node server in .
                start: node dist/index.js  (fly.toml:7, platform processes.app)
                port 8081, health /up
                LOG_LEVEL=info
                fly.toml: took env.PORT, processes.app, http_service.checks.path, env.LOG_LEVEL; left processes.worker (only servers \
                are run), http_service.internal_port (another key says it), deploy.release_command (nothing runs between the build and \
                the start), vm (the target decides how large and how many)

                """)
    }

    @Test func railpackAndNixpacksSayTheirPhases() throws {
        let railpack = """
            {
              "$schema": "https://example.org/railpack.json",
              "provider": "node",
              "packages": { "node": "20.1", "jq": "latest" },
              "buildAptPackages": ["ffmpeg"],
              "steps": {
                "build": { "commands": ["...", "npm run extra"] },
                "install": { "commands": ["npm ci"] }
              },
              "deploy": { "startCommand": "node dist/server.js", "variables": { "A": "1" } },
              "secrets": ["STRIPE_KEY"]
            }
            """
        #expect(
            try outcome(with(express, ["railpack.json": railpack]))
                == """
                node server in .
                start: node dist/server.js  (railpack.json:10, platform deploy.startCommand)
                runtimeVersion: 20.1  (railpack.json:4, platform packages.node)
                port 3000, health /
                A=1
                railpack.json: took packages.node, deploy.startCommand, deploy.variables.A; left packages.jq (the project's own version \
                files say it), buildAptPackages (name them in `packages` below `[build]`, with an `image`), steps.build.commands (`...` \
                stands for what its own builder does), steps.install.commands (the install step does it by itself), secrets.STRIPE_KEY \
                (set its value with `forge env set`)

                """)
        let nixpacks = """
            providers = ["node"]
            [variables]
            NIXPACKS_NODE_VERSION = "18"
            [phases.setup]
            aptPkgs = ["...", "ffmpeg"]
            [phases.build]
            cmds = ["npm run a", "npm run b"]
            [phases.later]
            cmds = ["x"]
            [start]
            cmd = "node server.js"
            """
        #expect(
            try outcome(with(express, ["nixpacks.toml": nixpacks]))
                == """
                node server in .
                build: npm run a && npm run b  (nixpacks.toml:7, platform phases.build.cmds)
                start: node server.js  (nixpacks.toml:11, platform start.cmd)
                runtimeVersion: 18  (nixpacks.toml:3, platform variables.NIXPACKS_NODE_VERSION)
                port 3000, health /
                nixpacks.toml: took variables.NIXPACKS_NODE_VERSION, phases.build.cmds, start.cmd; left phases.setup.aptPkgs (name them \
                in `packages` below `[build]`, with an `image`), phases.later (only the phases `install` and `build` are known)

                """)
    }

    @Test func herokuSaysVariablesAndItsProcfileTheProcess() throws {
        let heroku = """
            {
              "name": "Paper boats", "stack": "heroku-24",
              "env": {
                "MODE": "fast",
                "WORKERS": { "description": "how many", "value": "2" },
                "SESSION_SECRET": { "generator": "secret" }
              },
              "addons": ["a-database"],
              "buildpacks": [{ "url": "heroku/python" }]
            }
            """
        let procfile = "# processes\nrelease: python migrate.py\nweb: gunicorn app:app  \nworker: celery\n"
        #expect(
            try outcome(with(flask, ["app.json": heroku, "Procfile": procfile])) == """
                flask server in .
                start: gunicorn app:app  (Procfile:3, platform web)
                port 8000, health /
                MODE=fast WORKERS=2
                app.json: took env.MODE, env.WORKERS; left env.SESSION_SECRET (set its value with `forge env set`), addons (databases \
                and disks are not set up here), buildpacks (presets take their place)
                Procfile: took web; left release (nothing runs between the build and the start), worker (only `web` is started)

                """)
    }

    @Test func anAppJSONOfAnotherToolSaysNothing() throws {
        for text in [#"{"expo": {"name": "x"}}"#, #"{"name": "App", "displayName": "App"}"#] {
            #expect(try Shipped.detect(with(vite, ["app.json": text])).platforms == [])
        }
    }

    @Test func digitalOceanSaysSitesAndServices() throws {
        let app = """
            name: boats
            region: fra
            static_sites:
              - name: site
                source_dir: /
                build_command: npm run build:site
                output_dir: public
                catchall_document: index.html
                envs:
                  - key: VITE_MODE
                    value: calm
                  - key: VITE_SECRET
                    type: SECRET
                    value: EV[1:abc]
            jobs:
              - name: migrate
            """
        #expect(
            try outcome(with(vite, [".do/app.yaml": app])) == """
                vite static in .
                build: npm run build:site  (.do/app.yaml:6, platform static_sites.site.build_command)
                output: public  (.do/app.yaml:7, platform static_sites.site.output_dir)
                fallback index.html
                VITE_MODE=calm
                .do/app.yaml: took static_sites.site.source_dir, static_sites.site.build_command, static_sites.site.output_dir, \
                static_sites.site.catchall_document, static_sites.site.envs.VITE_MODE; left static_sites.site.envs.VITE_SECRET (set its \
                value with `forge env set`), jobs (nothing runs between the build and the start)

                """)
    }

    @Test(arguments: [
        (
            "wrangler.toml", "name = \"x\"\npages_build_output_dir = \"./out\"\n[vars]\nA = \"1\"\n[[kv_namespaces]]\nbinding = \"B\"\n",
            "pages_build_output_dir", 2
        ),
        (
            "wrangler.jsonc",
            "{ // a worker with assets\n  \"assets\": { \"directory\": \"out\", },\n  \"vars\": {\"A\": \"1\"},\n  \"kv_namespaces\": [{}] }",
            "assets.directory", 2
        ),
    ])
    func cloudflareSaysTheFolder(file: String, text: String, key: String, line: Int) throws {
        #expect(
            try outcome(with(vite, [file: text])) == """
                vite static in .
                output: out  (\(file):\(line), platform \(key))
                A=1
                \(file): took \(key), vars.A; left kv_namespaces (databases and disks are not set up here)

                """)
    }

    @Test func crowdforgeTomlGoesBeforeAllFilesAndEarlierFilesBeforeLaterOnesAndItIsSaid() throws {
        let files = with(
            vite,
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
        let detection = try Shipped.detect(with(vite, [file: text]))
        #expect(detection.report.build == "npm run build")
        let warning = try #require(detection.warnings.first)
        #expect("\(try #require(warning.location)): \(warning.message)".hasPrefix(message))
        #expect(warning.hint == "nothing is taken from it; correct it, or remove it when the project has moved")
        #expect(try Shipped.plan(with(vite, [file: text])).warnings == detection.warnings)
    }

    @Test func valuesOfAWrongTypeAreLeftWithTheReason() throws {
        let detection = try Shipped.detect(
            with(
                vite,
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
            try outcome(next) == """
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
