import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// Projects that other platforms build are built from what those platforms' files say.
@Suite struct MovingInTests {
    private let express = [
        "package.json": #"{"scripts": {"build": "tsc", "start": "node dist/a.js"}, "dependencies": {"express": "4.0.0"}}"#,
        "package-lock.json": "{}", "src/index.js": "",
    ]
    private let flask = [
        "requirements.txt": "flask==3.0.0\ngunicorn==23.0.0\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    ]

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
            try Moved.outcome(Moved.with(Moved.vite, ["vercel.json": vercel])) == """
                vite static in .
                install: npm install --legacy-peer-deps  (vercel.json:5, platform installCommand)
                build: vite build --mode staging  (vercel.json:4, platform buildCommand)
                output: build/web  (vercel.json:6, platform outputDirectory)
                fallback index.html
                COST=5$ VITE_COLOUR=red
                vercel.json: took framework, buildCommand, installCommand, outputDirectory, rewrites, build.env.VITE_COLOUR, env.COST, \
                redirects; left crons (nothing runs on a schedule), env.API_TOKEN (set its value with \
                `forge env set`), surprise (unknown here)

                """)
    }

    @Test(arguments: [
        ("nixpacks.toml", "providers = [\"...\", \"python\"]\n", "python", "took providers"),
        ("nixpacks.toml", "providers = [\"...\"]\n", "node", ""),
        ("railpack.json", #"{"provider": "golang"}"#, "node", "took nothing; left provider (nothing of it is there)"),
        ("railpack.json", #"{"provider": ["python", []]}"#, "node", "took nothing; left provider (a text is expected here)"),
        ("railpack.json", #"{"provider": "staticfile"}"#, "static", "took provider"),
    ])
    func aProviderSaysWhichOfTwoLanguagesIsMeant(file: String, text: String, preset: String, line: String) throws {
        let both = [
            "package.json": #"{"scripts": {"start": "node index.js"}}"#, "index.js": "", "requirements.txt": "", "main.py": "",
            "index.html": "",
        ]
        let detection = try Shipped.detect(Moved.with(both, [file: text]))
        #expect(detection.preset.id == preset)
        #expect(detection.platforms.map(\.line) == (line.isEmpty ? [] : ["\(file): \(line)"]))
    }

    @Test func whereOnlyAProviderTellsOfALanguageItsRuntimeStartsTheServer() throws {
        let text = "providers = [\"node\"]\n[start]\ncmd = \"node --version\"\n"
        let detection = try Shipped.detect(["nixpacks.toml": text])
        #expect(detection.report.language == "node" && detection.preset.toolchains == ["node"])
        #expect(detection.report.start == "node --version")
        #expect(detection.platforms.map(\.line) == ["nixpacks.toml: took providers, start.cmd"])
        let own = try Shipped.detect(["nixpacks.toml": text, "crowdforge.toml": "[build]\nframework = \"custom\"\n"])
        #expect(own.preset.id == "custom")
        #expect(own.platforms.map(\.line) == ["nixpacks.toml: took start.cmd; left providers (`crowdforge.toml` says it)"])
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
        let project = Dictionary(uniqueKeysWithValues: Moved.vite.map { ("web/\($0.key)", $0.value) })
        #expect(
            try Moved.outcome(Moved.with(project, ["netlify.toml": netlify])) == """
                vite static in web
                build: npm run build  (netlify.toml:3, platform build.command)
                output: out  (netlify.toml:4, platform build.publish)
                runtimeVersion: 18.17.0  (netlify.toml:6, platform build.environment.NODE_VERSION)
                fallback index.html
                THEME=dark
                netlify.toml: took build.base, build.command, build.publish, build.environment.NODE_VERSION, redirects, \
                build.environment.THEME; left redirects:12 (an earlier rule answers everything), plugins (its plugins are Netlify's own), \
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
            try Moved.outcome(Moved.with(flask, ["render.yaml": render])) == """
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
            try Moved.outcome(Moved.with(express, ["fly.toml": fly])) == """
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
            try Moved.outcome(Moved.with(express, ["railpack.json": railpack]))
                == """
                node server in .
                start: node dist/server.js  (railpack.json:10, platform deploy.startCommand)
                runtimeVersion: 20.1  (railpack.json:4, platform packages.node)
                port 3000, health /
                A=1
                railpack.json: took provider, packages.node, deploy.startCommand, deploy.variables.A; left packages.jq (the project's own version \
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
            try Moved.outcome(Moved.with(express, ["nixpacks.toml": nixpacks]))
                == """
                node server in .
                build: npm run a && npm run b  (nixpacks.toml:7, platform phases.build.cmds)
                start: node server.js  (nixpacks.toml:11, platform start.cmd)
                runtimeVersion: 18  (nixpacks.toml:3, platform variables.NIXPACKS_NODE_VERSION)
                port 3000, health /
                nixpacks.toml: took providers, variables.NIXPACKS_NODE_VERSION, phases.build.cmds, start.cmd; left phases.setup.aptPkgs (name them \
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
            try Moved.outcome(Moved.with(flask, ["app.json": heroku, "Procfile": procfile])) == """
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
            #expect(try Shipped.detect(Moved.with(Moved.vite, ["app.json": text])).platforms == [])
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
            try Moved.outcome(Moved.with(Moved.vite, [".do/app.yaml": app])) == """
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
            try Moved.outcome(Moved.with(Moved.vite, [file: text])) == """
                vite static in .
                output: out  (\(file):\(line), platform \(key))
                A=1
                \(file): took \(key), vars.A; left kv_namespaces (databases and disks are not set up here)

                """)
    }
}
