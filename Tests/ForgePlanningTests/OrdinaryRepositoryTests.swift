import ForgeModel
import Testing

@testable import ForgePlanning

/// What people's own repositories carry of other platforms and tools.
@Suite struct OrdinaryRepositoryTests {
    // MARK: Programs that another platform's builder brings

    @Test(arguments: [
        ("web: heroku-php-apache2 public/", "public"), ("web: vendor/bin/heroku-php-nginx -C nginx.conf web/", "web"),
        ("web: heroku-php-apache2", "."),
    ])
    func aServerThatHerokusBuilderBringsIsReplacedAndServesTheSameFolder(line: String, folder: String) throws {
        let files = [
            "composer.json": #"{"require": {"php": "^8.3"}}"#, "composer.lock": "{}", "Procfile": line + "\n", "index.php": "<?php\n",
        ]
        let detection = try Shipped.detect(files)
        #expect(detection.report.start == "exec php -S 0.0.0.0:$PORT -t \(folder)")
        let name = line.contains("nginx") ? "heroku-php-nginx" : "heroku-php-apache2"
        #expect(
            detection.platforms.map(\.line)
                == ["Procfile: took nothing; left web (`\(name)` is a program of its builder)"])
    }

    @Test func whatHerokusBuilderPutsIntoBinIsStartedWhereItIsBuiltHere() throws {
        let files = ["go.mod": "module tides\n", "main.go": "package main\n", "Procfile": "web: bin/tides -quiet\n"]
        #expect(try Shipped.detect(files).report.start == "exec ./out")
        let own = files.merging(["crowdforge.toml": "[build]\ncommand = \"go build -o bin/tides .\"\noutput = \"bin\"\n"]) { $1 }
        #expect(try Shipped.detect(own).report.start == "bin/tides -quiet")
    }

    // MARK: Railway's services

    private let express = [
        "package.json": #"{"scripts": {"start": "node a.js"}, "dependencies": {"express": "4.21.0"}}"#, "package-lock.json": "{}",
        "a.js": "require(\"express\")\n", "Dockerfile": "FROM scratch\n",
    ]

    @Test(arguments: [
        ("NIXPACKS", "took build.buildCommand, deploy.startCommand, deploy.healthcheckPath", "node --enable-source-maps a.js"),
        (
            "DOCKERFILE",
            "took deploy.healthcheckPath; left build.builder (write `framework = \"dockerfile\"` below `[build]` to build the Dockerfile), "
                + "build.buildCommand, deploy.startCommand (it is the Dockerfile's)", "npm run start"
        ),
    ])
    func aServiceOfRailwaysIsBuiltAndStartedAsItsFileSays(builder: String, line: String, start: String) throws {
        let service = """
            {
              "build": { "builder": "\(builder)", "buildCommand": "npm ci && make pages" },
              "deploy": { "startCommand": "node --enable-source-maps a.js", "healthcheckPath": "/up", "restartPolicyType": "ON_FAILURE" }
            }
            """
        let detection = try Shipped.detect(express.merging(["railway.json": service]) { $1 })
        #expect(detection.platforms.map(\.line) == ["railway.json: \(line)"])
        #expect([detection.report.build, detection.report.start] == [builder == "NIXPACKS" ? "make pages" : nil, start])
    }

    @Test func railwaysTOMLSaysTheSame() throws {
        let detection = try Shipped.detect(express.merging(["railway.toml": "[deploy]\nstartCommand = \"node a.js 1\"\n"]) { $1 })
        #expect(detection.report.start == "node a.js 1")
    }

    // MARK: Several lockfiles

    private func several(_ manifest: String, _ vercel: String) -> [String: String] {
        [
            "package.json": manifest, "package-lock.json": "{}", "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", "vercel.json": vercel,
            "next.config.js": "",
        ]
    }

    private let next = #"{"scripts": {"build": "next build"}, "dependencies": {"next": "15.0.0"}}"#
    private let pinned = #"{"packageManager": "npm@10.8.0", "scripts": {"build": "next build"}, "dependencies": {"next": "15.0.0"}}"#

    @Test func theCommandAnotherPlatformInstallsByNamesThePackageManager() throws {
        let says = #"{"installCommand": "pnpm install --prod=false"}"#
        #expect(try Shipped.detect(several(next, says)).report.packageManager == "pnpm")
        #expect(try Shipped.detect(several(pinned, says)).report.packageManager == "npm")
        #expect(
            Shipped.failure { try Shipped.detect(several(next, #"{"installCommand": "make deps"}"#)) }.hasPrefix("detect."))
    }

    // MARK: Packages in packages

    @Test(arguments: [
        (#""build": "cd client && npm run build""#, "", "build"), (#""build": "npm --prefix ./client run build""#, "", "build"),
        (#""client": "yarn --cwd=client build", "build": "npm run client""#, "", "client"),
        (#""build": "cd client && npm run build""#, #", "workspaces": ["client"]"#, nil), (#""build": "cd docs && ls""#, "", nil),
    ])
    func aFolderThatAScriptGoesIntoIsNotInstalledUnlessItIsInAWorkspace(scripts: String, more: String, told: String?) throws {
        let detection = try Shipped.detect([
            "package.json": "{\"scripts\": {\(scripts), \"start\": \"node index.js\"}, \"dependencies\": {\"express\": \"4.21.0\"}\(more)}",
            "package-lock.json": "{}", "index.js": "require(\"express\")\n", "docs/package.json": "{}",
            "client/package.json": #"{"dependencies": {"react": "18.0.0"}}"#,
        ])
        let warnings = detection.warnings.map { "\($0.location.map { "\($0)" } ?? ""): \($0.message)" }
        #expect(
            warnings == (told.map { ["package.json:1: the script `\($0)` goes into `client`, whose packages are not installed"] } ?? []))
    }

    // MARK: Workspaces

    @Test func aLayerOfNuxtIsNoSiteOfItsOwn() throws {
        let nuxt = #""dependencies": {"nuxt": "3.14.0"}"#
        let files = [
            "package.json": #"{"private": true, "workspaces": ["apps/*", "layers/*"]}"#, "package-lock.json": "{}",
            "apps/web/package.json": #"{"name": "web", "scripts": {"build": "nuxt build"}, \#(nuxt)}"#, "apps/web/nuxt.config.ts": "",
            "layers/base/package.json": #"{"name": "base", "main": "./nuxt.config.ts", \#(nuxt)}"#, "layers/base/nuxt.config.ts": "",
        ]
        #expect(try Shipped.survey(files).apps.map(\.name) == ["web"])
    }

    @Test(arguments: [("node", DetectionReport.Kind.server), ("web", .static)])
    func aBundlerOfNxBuildsPagesOrAProgramAsItIsTold(target: String, kind: DetectionReport.Kind) throws {
        let files = [
            "package.json": #"{"name": "tides", "dependencies": {"express": "4.21.0"}, "devDependencies": {"nx": "20.0.0"}}"#,
            "package-lock.json": "{}", "nx.json": "{}",
            "apps/api/project.json": """
            {"name": "api", "projectType": "application", "targets": {"build": {"executor": "@nx/webpack:webpack",
             "options": {"target": "\(target)", "outputPath": "dist/apps/api", "main": "apps/api/src/main.ts"}}}}
            """,
            "apps/api/src/main.ts": "",
        ]
        #expect(try Shipped.survey(files).apps.map(\.detection.report.kind) == [kind])
    }
    /// A plug-in makes the targets that `project.json` does not list.
    @Test(arguments: [
        (
            "webpack", "target: 'node', path: join(__dirname, '../../dist/apps/api')", "node", "dist/apps/api",
            "exec node dist/apps/api/main.js"
        ),
        ("webpack", "target: 'web', path: path.resolve(__dirname, '../../dist/apps/api')", "node", "dist/apps/api", nil),
        ("rspack", "target: \"node\", path: join(__dirname, 'dist')", "node", "apps/api/dist", "exec node apps/api/dist/main.js"),
        ("vite", "build: { outDir: '../../dist/apps/api' }", "vite", "dist/apps/api", nil),
        ("next", "", "nextjs", "apps/api/.next", "next start apps/api"),
    ])
    func aTargetOfNxIsWhatItsPlugInMakesOfAConfiguration(tool: String, text: String, preset: String, output: String, start: String?) throws
    {
        let files = [
            "package.json": #"{"name": "tides", "dependencies": {"tslib": "2.0.0"}, "devDependencies": {"nx": "20.0.0"}}"#,
            "package-lock.json": "{}",
            "nx.json": #"{"plugins": ["@nx/jest/plugin", {"plugin": "@nx/\#(tool)/plugin", "options": {"buildTargetName": "make"}}]}"#,
            "apps/api/project.json": #"{"name": "api", "projectType": "application", "targets": {"serve": {"executor": "@nx/js:node"}}}"#,
            "apps/api/\(tool).config.js": "module.exports = { \(text) }\n", "apps/api/src/main.ts": "",
            "apps/api-e2e/project.json": #"{"name": "api-e2e", "projectType": "application", "targets": {}}"#,
        ]
        let apps = try Shipped.survey(files).apps
        #expect(apps.map(\.name) == ["api"])
        let report = try #require(apps.first).detection.report
        #expect([report.preset, report.build, report.output, report.start] == [preset, "nx run api:make", output, start])
    }

    @Test(arguments: [(#""server", "ssr": {"entry": "src/server.ts"}"#, DetectionReport.Kind.server), (#""static", "ssr": true"#, .static)])
    func angularInNxIsAServerAsItsBuildIsTold(mode: String, kind: DetectionReport.Kind) throws {
        let files = [
            "package.json": #"{"name": "tides", "dependencies": {"@angular/core": "21.0.0"}, "devDependencies": {"nx": "22.0.0"}}"#,
            "package-lock.json": "{}", "nx.json": "{}",
            "apps/web/project.json": """
            {"name": "web", "projectType": "application", "targets": {"build": {"executor": "@angular/build:application",
             "options": {"outputPath": "dist/apps/web", "outputMode": \(mode)}}}}
            """,
        ]
        let report = try #require(try Shipped.survey(files).apps.first).detection.report
        #expect(report.kind == kind)
        #expect(report.start == (kind == .server ? "exec node dist/apps/web/server/server.mjs" : nil))
    }

    @Test func aCommandOfNxWritesWhereTheBundlersConfigurationSays() throws {
        let files = [
            "package.json": #"{"name": "tides", "dependencies": {"@nestjs/core": "11.0.0"}, "devDependencies": {"nx": "22.0.0"}}"#,
            "package-lock.json": "{}", "nx.json": #"{"plugins": [{"plugin": "@nx/webpack/plugin"}]}"#,
            "apps/api/project.json": """
            {"name": "api", "projectType": "application",
             "targets": {"build": {"executor": "nx:run-commands", "options": {"command": "webpack-cli build", "cwd": "apps/api"}}}}
            """,
            "apps/api/webpack.config.js": "output: { path: join(__dirname, '../../dist/apps/api') }, target: 'node'\n",
        ]
        let report = try #require(try Shipped.survey(files).apps.first).detection.report
        #expect([report.build, report.output, report.start] == ["nx run api:build", "dist/apps/api", "exec node dist/apps/api/main.js"])
    }
}
