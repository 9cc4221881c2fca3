import ForgeModel
import Testing

@testable import ForgePlanning

/// Shapes that people's own projects have and starters do not.
@Suite struct OrdinaryProjectTests {
    /// What it is, and how it is started.
    private func read(_ files: [String: String]) throws -> [String?] {
        let report = try Shipped.detect(files).report
        return [report.preset, report.start]
    }

    // MARK: Servers with pages of their own

    @Test(arguments: [
        ("node dist/index.js", "express"), ("NODE_ENV=production node dist/index.js", "express"), ("tsx server/index.ts", "express"),
        ("bun run server/index.ts", "express"), ("vite", "vite"), ("serve dist", "vite"), ("node scripts/serve.js && vite preview", "vite"),
    ])
    func aProgramThatIsStartedServesWhatViteBuildsForBrowsers(start: String, preset: String) throws {
        let manifest = """
            {"scripts": {"build": "vite build && esbuild server/index.ts --outdir=dist", "dev": "tsx server/index.ts", "start": "\(start)"},
             "dependencies": {"express": "4.21.0"}, "devDependencies": {"vite": "6.0.0", "esbuild": "0.25.0", "tsx": "4.19.0"}}
            """
        let detection = try Shipped.detect([
            "package.json": manifest, "package-lock.json": "{}", "vite.config.ts": "export default {}\n",
            "server/index.ts": "import express from \"express\"\n", "client/index.html": "",
        ])
        #expect(detection.report.preset == preset)
        #expect(detection.report.kind == (preset == "vite" ? .static : .server))
    }

    @Test func freshIsBuiltByViteAndIsNoViteSite() throws {
        let files = [
            "deno.json": """
            {"tasks": {"build": "vite build", "start": "deno serve -A _fresh/server.js"},
             "imports": {"fresh": "jsr:@fresh/core@^2.0.0", "vite": "npm:vite@^7.1.3", "@fresh/plugin-vite": "jsr:@fresh/plugin-vite@^1.0.0"}}
            """,
            "vite.config.ts": "import { fresh } from \"@fresh/plugin-vite\"\n", "main.ts": "import { App } from \"fresh\"\n",
        ]
        #expect(try read(files) == ["fresh", "exec deno serve -A --port $PORT _fresh/server.js"])
    }

    // MARK: What runs a program

    @Test func aProgramOfBunsIsStartedByBun() throws {
        let manifest = #"{"scripts": {"dev": "bun run --watch src/index.ts"}, "dependencies": {"elysia": "1.1.0"}}"#
        let files = ["package.json": manifest, "bun.lock": "{}", "src/index.ts": "import { Elysia } from \"elysia\"\n"]
        #expect(try read(files) == ["elysia", "exec bun run src/index.ts"])
    }

    @Test(arguments: [
        ("", "wrangler.toml", "@hono/node-server"), (#", "@hono/node-server": "1.13.0""#, "wrangler.toml", nil), ("", "README.md", nil),
    ])
    func aWorkerIsNoProgramUntilTheProjectBringsAServer(more: String, file: String, missing: String?) throws {
        let manifest = #"{"scripts": {"deploy": "wrangler deploy"}, "dependencies": {"hono": "4.6.0"\#(more)}}"#
        let files = [
            "package.json": manifest, "package-lock.json": "{}", file: "", "src/index.ts": "import { Hono } from \"hono\"\n",
        ]
        #expect(try read(files) == ["hono", "exec node src/index.ts"])
        #expect(try Shipped.detect(files).missing?.name == missing)
    }

    @Test func honoThatViteBuildsIsAServer() throws {
        let files = [
            "package.json": """
            {"scripts": {"build": "vite build --mode client && vite build"}, "dependencies": {"hono": "4.6.0"},
             "devDependencies": {"@hono/vite-build": "1.2.0", "vite": "6.0.0"}}
            """,
            "package-lock.json": "{}", "vite.config.ts": "", "src/index.tsx": "import { Hono } from \"hono\"\n",
            "wrangler.toml": "pages_build_output_dir = \"./dist\"\n",
        ]
        let detection = try Shipped.detect(files)
        #expect(detection.report.preset == "hono")
        #expect(detection.report.kind == .server)
        #expect(detection.missing?.name == "@hono/node-server")
    }

    @Test(arguments: [("@hono/vite-build/node", DetectionReport.Kind.server), ("@hono/vite-ssg", .static)])
    func honoxMakesAServerOrAllPagesAsItsBuildIsTold(plugin: String, kind: DetectionReport.Kind) throws {
        let files = [
            "package.json":
                #"{"scripts": {"build": "vite build"}, "dependencies": {"honox": "0.1.26"}, "devDependencies": {"vite": "6.0.0"}}"#,
            "package-lock.json": "{}", "vite.config.ts": "import build from \"\(plugin)\"\n", "app/server.ts": "",
        ]
        let report = try Shipped.detect(files).report
        #expect([report.preset, report.output] == ["honox", "dist"])
        #expect(report.kind == kind)
    }

    @Test func anAdapterOfAnotherPlatformIsNoServerOfAstros() throws {
        let files = [
            "package.json": #"{"scripts": {"build": "astro build"}, "dependencies": {"astro": "5.0.0", "@astrojs/netlify": "6.0.0"}}"#,
            "package-lock.json": "{}", "astro.config.mjs": "export default { output: 'server' }\n",
        ]
        #expect(
            Shipped.failure { try Shipped.plan(files) } == """
                plan.server-missing (exit 30)
                package.json: `Astro` has no server to run it: `@astrojs/node` is not among the dependencies
                  hint: add the line `"@astrojs/node": "*",` to `package.json` in `dependencies`
                """)
    }

    @Test(arguments: [
        ("gunicorn==23.0\n", "server = app.server\n", "exec .venv/bin/python -m gunicorn app:server --bind 0.0.0.0:$PORT"),
        ("", "server = app.server\n", "HOST=0.0.0.0 exec .venv/bin/python app.py"),
        ("gunicorn==23.0\n", "app.run(debug=True)\n", "HOST=0.0.0.0 exec .venv/bin/python app.py"),
    ])
    func dashIsServedByWhatItNamesOrByItself(listed: String, line: String, start: String) throws {
        let files = ["requirements.txt": "dash==2.18\n" + listed, "app.py": "from dash import Dash\napp = Dash(__name__)\n" + line]
        #expect(try read(files) == ["dash", start])
    }

    @Test func aPageThatTrunkBuildsIsNoProgram() throws {
        let files = [
            "Cargo.toml": "[package]\nname = \"tides\"\n", "src/main.rs": "", "index.html": "<link data-trunk rel=\"rust\">",
            "Trunk.toml": "[build]\ndist = \"www\"\n",
        ]
        let report = try Shipped.detect(files).report
        #expect([report.preset, report.build, report.output, report.start] == ["trunk", "trunk build --release", "www", nil])
    }

    @Test(arguments: [("webpack", "npm run heroku-postbuild"), ("cd client && npm install && npm run build", nil)])
    func whatHerokuRunsAfterAnInstallationIsTheBuildWhereThereIsNone(line: String, build: String?) throws {
        let files = [
            "package.json": #"{"scripts": {"start": "node a.js", "heroku-postbuild": "\#(line)"}, "dependencies": {"express": "4.21.0"}}"#,
            "package-lock.json": "{}", "a.js": "require(\"express\")\n", "client/package.json": #"{"dependencies": {"react": "18.0.0"}}"#,
            "webpack.config.js": "module.exports = { output: { path: path.resolve(__dirname, 'hosted') } }\n",
        ]
        let detection = try Shipped.detect(files)
        #expect(detection.report.build == build)
        #expect(detection.report.output == (build == nil ? nil : "hosted"))
        #expect(
            detection.warnings.map(\.message)
                == (build == nil ? ["the script `heroku-postbuild` goes into `client`, whose packages are not installed"] : []))
    }

    @Test(arguments: [
        (#"alias(libs.plugins.ktor)"#, "*.jar | grep -v plain"), (#"id("io.ktor.plugin") version "3.0.1""#, "*-all.jar"),
        (#"id("com.gradleup.shadow") version "8.3.0""#, "*-all.jar"),
    ])
    func theWholeProgramIsTheJarWithEverythingInIt(plugin: String, jar: String) throws {
        let files = [
            "build.gradle.kts": "plugins {\n    application\n    \(plugin)\n}\ndependencies {\n"
                + "    implementation(\"io.ktor:ktor-server-netty:3.0.1\")\n}\n",
            "settings.gradle.kts": "rootProject.name = \"tides\"\n", "gradlew": "",
        ]
        #expect(try Shipped.detect(files).report.start == "exec java ${JAVA_OPTS:-} -jar $(ls -1 build/libs/\(jar) | head -n 1)")
    }

    // MARK: Projects in a folder of their own

    private let django = [
        "requirements.txt": "django==5.0\ngunicorn==23.0\nwhitenoise==6.0\n",
        "shop/manage.py": "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"core.settings\")\n",
        "shop/core/wsgi.py": "",
        "shop/core/settings.py": "WSGI_APPLICATION = 'core.wsgi.application'\nSTATIC_ROOT = BASE_DIR / 'collected'\n",
    ]

    @Test func aDjangoProjectInAFolderIsBuiltAndRunThere() throws {
        let report = try Shipped.detect(django).report
        #expect(report.preset == "django")
        #expect(report.build == ".venv/bin/python shop/manage.py collectstatic --noinput")
        #expect(report.output == "shop/collected")
        #expect(report.start == "cd shop && exec ../.venv/bin/python -m gunicorn core.wsgi --bind 0.0.0.0:$PORT")
    }

    @Test func aDjangoProjectInAFolderIsNamedByItsPackageWhereItsSettingsSayNothing() throws {
        let settings = ["shop/core/settings.py": "", "shop/core/asgi.py": "", "requirements.txt": "django==5.0\nuvicorn==0.30\n"]
        let files = django.merging(settings) { $1 }
        #expect(
            try read(files) == [
                "django", "cd shop && exec ../.venv/bin/python -m uvicorn core.asgi:application --host 0.0.0.0 --port $PORT",
            ])
    }

    @Test(arguments: [
        (
            "settings.gradle.kts", "include(\"app\")\n", "build.gradle.kts", "app/build.gradle.kts",
            "plugins {\n    id(\"org.springframework.boot\")\n}\n", "app/build/libs"
        ),
        ("settings.gradle.kts", "include(\"app\")\n", "build.gradle.kts", "app/README.md", "", "build/libs"),
    ])
    func theProgramOfSeveralGradleModulesIsWhereThePlugInIs(
        settings: String, include: String, root: String, module: String, text: String, folder: String
    ) throws {
        let version = text.isEmpty ? "" : " apply false"
        let files = [
            settings: include, "gradlew": "", module: text,
            root: "plugins {\n    id(\"org.springframework.boot\") version \"3.4.0\"\(version)\n}\n",
        ]
        #expect(
            try read(files) == [
                "spring-boot", "exec java ${JAVA_OPTS:-} -Dserver.port=$PORT -jar $(ls -1 \(folder)/*.jar | grep -v plain | head -n 1)",
            ])
    }

    @Test func theProgramOfSeveralMavenModulesIsWhereThePlugInIs() throws {
        let parent = """
            <project><artifactId>tides</artifactId><packaging>pom</packaging>
              <parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.4.0</version></parent>
              <modules>
                <module>core</module>
                <module>web</module>
              </modules>
              <dependencies><dependency><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter</artifactId></dependency></dependencies>
            </project>
            """
        let files = [
            "pom.xml": parent, "core/pom.xml": "<project><artifactId>core</artifactId></project>",
            "web/pom.xml": """
            <project><artifactId>web</artifactId><build><plugins><plugin>
              <artifactId>spring-boot-maven-plugin</artifactId>
            </plugin></plugins></build></project>
            """,
        ]
        #expect(
            try read(files) == [
                "spring-boot",
                "exec java ${JAVA_OPTS:-} -Dserver.port=$PORT -jar $(ls -1 web/target/*.jar | grep -v -e /original- "
                    + "-e '-\\(sources\\|javadoc\\|tests\\)\\.jar$' | head -n 1)",
            ])
    }

    @Test(arguments: [
        ("docs/.vitepress/config.ts", "outDir: '../site'", "site"), ("docs/.vitepress/config.ts", "outDir: './public',", "docs/public"),
        ("docs/.vitepress/config.ts", "title: 'Tides'", "docs/.vitepress/dist"), (".vitepress/config.mts", "outDir: 'www/all'", "www/all"),
    ])
    func documentationIsWrittenWhereItsConfigurationSays(file: String, line: String, folder: String) throws {
        let command = file.hasPrefix("docs") ? "vitepress build docs" : "vitepress build"
        let files = [
            "package.json": #"{"scripts": {"build": "\#(command)"}, "devDependencies": {"vitepress": "1.5.0"}}"#,
            "package-lock.json": "{}", file: "export default {\n  \(line)\n}\n",
        ]
        #expect(try Shipped.detect(files).report.output == folder)
    }

    @Test func streamlitsPageIsFoundByWhatItSays() throws {
        let files = [
            "requirements.txt": "streamlit==1.40\npandas==2.2\n", "index.py": "import pandas as pd\n",
            "dashboard.py": "import streamlit as st\nst.set_page_config(layout=\"wide\")\n", "parts.py": "import streamlit as st\n",
        ]
        let start = try Shipped.detect(files).report.start
        #expect(start?.contains("streamlit run dashboard.py ") == true)
    }

    // MARK: Where a program begins

    @Test(arguments: [
        ("index.js", "require(\"./serving\")()\n", "serving.js"),
        ("src/index.ts", "import { serve } from './http/server'\n", "src/http/server.ts"),
        ("src/index.ts", "import { serve } from './http/server.js'\n", "src/http/server.ts"),
        ("src/index.ts", "import { serve } from './http'\n", "src/http/index.ts"),
    ])
    func aProgramIsWhatItsFirstFileCalls(first: String, text: String, second: String) throws {
        let manifest = #"{"scripts": {"start": "node dist/index.js"}, "dependencies": {"fastify": "5.0.0"}}"#
        var files = ["package.json": manifest, "package-lock.json": "{}", first: text, second: "import fastify from 'fastify'\n"]
        #expect(try Shipped.detect(files).report.preset == "fastify")
        files["index.html"] = ""
        #expect(try Shipped.detect(files).report.preset == "node", "what a page calls is no server")
    }

    @Test func aProgramInAFolderWithRequirementsOfItsOwnIsNotTheRoots() throws {
        let files = [
            "server/requirements.txt": "flask==3.0\ngunicorn==23.0\n", "server/app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#, "package-lock.json": "{}",
            "index.html": "",
        ]
        #expect(try read(files) == ["vite", nil])
        let both = files.merging(["requirements.txt": "-r server/requirements.txt\n"]) { $1 }
        #expect(try read(both) == ["flask", "exec .venv/bin/python -m gunicorn server.app:app --bind 0.0.0.0:$PORT"])
    }

    // MARK: Nothing at the root

    @Test func aFolderThatIsAnAppIsNamedWhereTheRootIsNone() {
        #expect(
            Shipped.failure {
                try Shipped.detect(["README.md": "", "server/go.mod": "module tides\n", "server/main.go": "package main\n"])
            }
                == """
                detect.none (exit 20)
                no framework recognized in `.`
                  hint: `server` (Go) is an app: run forge in that folder, or write `root = "server"` below `[build]` in `crowdforge.toml`
                """)
    }

    @Test func severalFoldersThatAreAppsAreNamedTogether() {
        let files = [
            "README.md": "", "backend/requirements.txt": "flask==3.0\ngunicorn==23.0\n",
            "backend/app.py": "from flask import Flask\napp = Flask(__name__)\n", "design/logo.svg": "",
            "frontend/package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#,
            "frontend/vite.config.ts": "",
        ]
        #expect(
            Shipped.failure { try Shipped.detect(files) } == """
                detect.none (exit 20)
                no framework recognized in `.`
                  hint: these folders are apps: `backend` (Flask), `frontend` (Vite); run forge in one of them, or list them in \
                `crowdforge.toml`: `[[app]]` with `name = "backend"` and `root = "backend"`
                """)
    }
}
