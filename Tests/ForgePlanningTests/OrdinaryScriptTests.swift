import ForgeModel
import Testing

@testable import ForgePlanning

/// What people's package scripts say of a project, whatever they are called.
@Suite struct OrdinaryScriptTests {
    private func detect(_ scripts: String, _ more: String = "", _ files: [String: String] = [:]) throws -> DetectionReport {
        let manifest = "{\"scripts\": {\(scripts)}\(more.isEmpty ? "" : ", \(more)")}"
        return try Shipped.detect(["package.json": manifest, "package-lock.json": "{}"].merging(files) { $1 }).report
    }

    // MARK: A start that is none

    @Test(arguments: [
        "webpack-dev-server --host 0.0.0.0 --hot", "webpack serve --mode development", "rspack serve", "cross-env HOT=true gulp server",
        "NODE_ENV=development npx grunt dev", "npm run dev", "live-server --port=3000",
    ])
    func whatShowsPagesWhileTheyAreWrittenStartsNoProgram(start: String) throws {
        let report = try detect(#""dev": "rspack dev", "build": "make-pages", "start": "\#(start)""#)
        #expect([report.preset, report.start] == ["node", nil])
        #expect(report.kind == .static)
    }

    @Test(arguments: ["node server/run.js", "concurrently \"node server/run.js\" \"webpack serve\"", "webpack && node server/run.js"])
    func aProgramBesideItIsStarted(start: String) throws {
        let start = start.replacing("\"", with: "\\\"")
        let report = try detect(#""build": "webpack", "start": "\#(start)""#, "", ["server/run.js": ""])
        #expect([report.preset, report.start] == ["node", "npm run start"])
    }

    @Test(arguments: [("gulp", "gulpfile.js"), ("grunt", "Gruntfile.js")])
    func aTaskRunnersOwnStartLeavesTheSiteToIt(tool: String, file: String) throws {
        let more = #""devDependencies": {"\#(tool)": "*"}"#
        let site = try detect(#""build": "\#(tool) prod", "start": "\#(tool) dev""#, more, [file: ""])
        #expect([site.preset, site.start] == [tool, nil])
        #expect(try detect(#""build": "\#(tool)", "start": "node run.js""#, more, [file: "", "run.js": ""]).preset == "node")
    }

    // MARK: Scripts that run scripts

    @Test(arguments: ["npm run begin", "yarn begin", "npm run build && pnpm run -s begin", "run-s build begin", "node ./backend/main.js"])
    func aProgramIsFoundBehindTheNamesOfScripts(start: String) throws {
        let report = try detect(
            #""build": "vite build --config ./config/vite.config.js", "begin": "node backend/main.js", "start": "\#(start)""#,
            #""dependencies": {"express": "4.21.0"}, "devDependencies": {"vite": "6.0.0"}"#,
            ["backend/main.js": "const express = require('express')\n", "index.html": "", "config/vite.config.js": ""])
        #expect([report.preset, report.build, report.start] == ["express", "npm run build", "npm run start"])
    }

    @Test(arguments: ["npm run preview", "npm run dev", "npm run build && npx serve dist"])
    func aPageBehindThemStaysOne(start: String) throws {
        let scripts = #""build": "vite build", "dev": "concurrently 'vite' 'node a.js'", "preview": "vite preview", "start": "\#(start)""#
        let report = try detect(scripts, #""devDependencies": {"vite": "6.0.0"}"#, ["index.html": "", "a.js": ""])
        #expect([report.preset, report.start] == ["vite", nil])
    }

    // MARK: Builds by other names

    @Test(arguments: [
        (#""build:server": "tsc -p tsconfig.server.json""#, "npm run build:server"), (#""compile": "tsc""#, "npm run compile"),
        (#""build:client": "webpack", "build:server": "tsc""#, "npm run build:client && npm run build:server"),
        (#""build:prod": "tsc", "build": "tsc --watch false""#, "npm run build"), (#""typecheck": "tsc --noEmit""#, nil),
    ])
    func aServersBuildHasOtherNames(scripts: String, build: String?) throws {
        let start = #", "start": "node dist-server/index.js""#
        let files = ["src/index.ts": "import express from 'express'\n"]
        let report = try detect(scripts + start, #""dependencies": {"express": "4.21.0"}"#, files)
        #expect([report.preset, report.build, report.output] == ["express", build, build == nil ? nil : "dist-server"])
    }

    @Test(arguments: [
        ("tsc", "exec node build/main.js"), ("tsc --project .", "exec node build/main.js"), ("tsup", "exec node src/main.ts"),
    ])
    func aCompiledProgramThatNoScriptStartsIsWhatTheCompilerWrites(compiler: String, start: String) throws {
        let files = [
            "src/main.ts": "import express from 'express'\n", "tsconfig.json": "{\"compilerOptions\": {\"outDir\": \"./build\"}}",
        ]
        let report = try detect(#""build:typescript": "\#(compiler)""#, #""dependencies": {"express": "4.21.0"}"#, files)
        #expect(report.start == start)
    }

    // MARK: What a build writes

    @Test(arguments: [
        (#""start": "node ./hosted/server/index.js", "build": "make""#, "", "hosted"),
        (#""start": "NODE_ENV=production node --require dotenv/config out", "build": "make""#, "", "out"),
        (#""start": "npm run up", "up": "node hosted/main.mjs", "build": "make""#, "", "hosted"),
        (#""start": "node source/main.js", "build": "make""#, "", "dist"),
        (#""start": "node node_modules/tool/cli.js", "build": "make""#, "", "dist"),
        (#""start": "tool", "build": "make""#, "\"main\": \"compiled/index.js\"", "compiled"),
        (#""start": "tool", "build": "npm run clean && make", "clean": "rimraf www""#, "", "www"),
        (#""start": "tool", "build": "rm -rf pages/* && make""#, "", "pages"),
        (#""start": "tool", "build": "bun run build.ts""#, "", "docs"),
    ])
    func theFolderOfABuildIsWhatIsStartedOrCleared(scripts: String, more: String, folder: String) throws {
        let files = ["source/main.js": "", "build.ts": "await Bun.build({\n    outdir: \"./docs\",\n})\n"]
        let own = scripts.contains("build.ts") ? files : ["source/main.js": ""]
        #expect(try detect(scripts, more, own).output == folder)
    }

    @Test func aServerOfTheProjectsOwnThatRemixIsGivenIsCompiledBeside() throws {
        let files = [
            "package.json": """
            {"scripts": {"build": "remix build && tsx build-server.ts", "start": "node ."},
             "dependencies": {"@remix-run/express": "2.9.0", "express": "4.21.0"}, "devDependencies": {"@remix-run/dev": "2.9.0"}}
            """,
            "package-lock.json": "{}", "remix.config.js": "", "index.js": "await import('./server-build/index.js')\n",
        ]
        let build = try #require(try Shipped.plan(files).steps.first { $0.id == "build" })
        #expect(build.outputs.map { "\($0)" } == ["build", "public/build", "server-build"])
    }

    @Test(arguments: [
        ("cd client && npm run build", "react-scripts", "client/build"), ("npm --prefix=./client run build", "vite", "client/dist"),
        ("npm run build -w client", "vite", "client/dist"), ("cd client && make", "left-pad", "dist"),
    ])
    func aBuildThatGoesIntoAFolderWritesThere(build: String, bundler: String, folder: String) throws {
        let files = [
            "server/index.js": "require('express')\n", "client/package.json": #"{"devDependencies": {"\#(bundler)": "5.0.0"}}"#,
        ]
        let report = try detect(
            #""build": "\#(build)", "start": "node server/index.js""#, #""dependencies": {"express": "4.21.0"}"#, files)
        #expect([report.preset, report.output] == ["express", folder])
    }

    // MARK: Watchers

    @Test(arguments: [
        ("nodemon src/a.js", "exec node src/a.js"), ("npx nodemon ./src/a.js", "exec node src/a.js"),
        ("nodemon --exec tsx src/a.js", "npm run start"), ("nodemon src/missing.js", "npm run start"),
    ])
    func whatAWatcherStartsIsStartedWithoutIt(start: String, command: String) throws {
        let files = ["src/a.js": "require('express')\n", "index.js": "require('express')\n"]
        let server = #""dependencies": {"express": "4.21.0"}"#
        #expect(try detect(#""start": "\#(start)""#, server, files).start == command)
        #expect(try detect(#""start": "\#(start)""#, "", files).start == command)
    }

    @Test(arguments: [("src/index.html", DetectionReport.Kind.static), ("src/style.css", .server)])
    func aScriptOfAPageIsNoProgramOfDenos(file: String, kind: DetectionReport.Kind) throws {
        let files = [
            "deno.json": #"{"tasks": {"build": "deno run -A build.ts"}}"#, "src/main.ts": "", file: "", "build.ts": "",
        ]
        let report = try Shipped.detect(files).report
        #expect([report.preset, report.build] == ["deno", "deno task build"])
        #expect(report.kind == kind)
        #expect((report.start == nil) == (kind == .static))
    }

    // MARK: Frameworks

    @Test(arguments: ["@remix-run/dev", "@react-router/dev"])
    func anAdapterOfAnotherPlatformIsNoServerOfRemixs(tool: String) throws {
        let serve = tool.replacing("/dev", with: "/serve")
        let files = [
            "package.json": #"{"scripts": {"dev": "remix dev"}, "devDependencies": {"\#(tool)": "7.0.0", "wrangler": "4.0.0"}}"#,
            "package-lock.json": "{}", "vite.config.ts": "",
        ]
        #expect(try Shipped.detect(files).missing?.name == serve)
    }

    @Test(arguments: [("", "nuxtjs"), (#""build": "nuxi build .playground""#, nil), (#""build": "nuxi build""#, "nuxtjs")])
    func anAppThatIsALayerTooIsOne(build: String, preset: String?) throws {
        let main = build.isEmpty ? "" : #""main": "./nuxt.config.ts", "#
        let scripts = build.isEmpty ? #""build": "nuxt build""# : build
        let report = try detect(scripts, main + #""devDependencies": {"nuxt": "3.16.0"}"#, ["nuxt.config.ts": ""])
        #expect((report.preset == "nuxtjs") == (preset != nil))
    }

    @Test(arguments: [("^1.4.0", ".nuxt"), ("^2.15.0", ".nuxt"), ("^3.0.0", ".output")])
    func nuxtWritesWhereItsVersionDoes(version: String, folder: String) throws {
        #expect(try detect(#""build": "nuxt build""#, #""dependencies": {"nuxt": "\#(version)"}"#).output == folder)
    }

    @Test(arguments: [("^2.15.0", "exec node server/index.js"), ("^3.0.0", "exec node .output/server/index.mjs")])
    func nuxtIsCalledByAServerOfTheProjectsOwn(version: String, start: String) throws {
        let files = ["server/index.js": "const { Nuxt } = require('nuxt')\n"]
        let more = #""dependencies": {"nuxt": "\#(version)", "express": "4.21.0"}"#
        #expect(try detect(#""build": "nuxt build""#, more, files).start == start)
    }

    @Test(arguments: [("html-webpack-plugin", "node"), ("rollup", "storybook")])
    func whatMakesAPageIsMoreThanItsParts(tool: String, preset: String) throws {
        let more = #""devDependencies": {"@storybook/react": "6.5.0", "\#(tool)": "4.0.0"}"#
        let report = try detect(#""build:prod": "webpack", "storybook": "start-storybook""#, more, [".storybook/main.js": ""])
        #expect([report.preset, report.start] == [preset, nil])
        #expect(report.kind == .static)
    }

    @Test func ofSeveralProgramsOfNestsTheOneThatIsBuiltIsStarted() throws {
        let nest = #"{"monorepo": true, "root": "apps/orders", "projects": {"orders": {"type": "application"}}}"#
        let report = try detect(
            #""build": "nest build", "start:prod": "node dist/apps/shop/main""#, #""dependencies": {"@nestjs/core": "10.0.0"}"#,
            ["nest-cli.json": nest, "apps/orders/src/main.ts": ""])
        #expect(report.start == "exec node dist/apps/orders/main.js")
    }

    @Test func tanStackBeforeViteIsBuiltByWhatItIsMadeOf() throws {
        let files = ["app.config.ts": ""]
        let report = try detect("", #""dependencies": {"@tanstack/react-start": "1.114.0", "vinxi": "0.5.3"}"#, files)
        #expect([report.build, report.output] == ["node_modules/.bin/vinxi build", ".output"])
    }

    @Test(arguments: [("index.html", "vite", "dist/client"), ("public/robots.txt", "hono", "dist")])
    func whatViteMakesForAWorkerIsAPageOrNone(file: String, preset: String, output: String) throws {
        let report = try detect(
            #""build": "vite build""#,
            #""dependencies": {"hono": "4.6.0"}, "devDependencies": {"vite": "7.0.0", "@cloudflare/vite-plugin": "1.9.0"}"#,
            [file: "", "vite.config.ts": "", "src/index.ts": "import { Hono } from 'hono'\n", "wrangler.jsonc": "{}"])
        #expect([report.preset, report.output] == [preset, output])
    }

    @Test func keystoneIsBuiltAndStartedByItself() throws {
        let report = try detect("", #""dependencies": {"@keystone-6/core": "6.2.0"}"#, ["keystone.ts": ""])
        #expect(
            [report.preset, report.build, report.output, report.start] == [
                "keystone", "node_modules/.bin/keystone build", ".keystone", "exec node_modules/.bin/keystone start",
            ])
    }

    // MARK: Nothing to start

    @Test func aPackageThatStartsNothingLeavesTheDockerfile() throws {
        let tools = #""devDependencies": {"prettier": "3.0.0"}"#
        #expect(try detect("", tools, ["Dockerfile": "FROM scratch\n"]).preset == "dockerfile")
        #expect(try detect("", tools).preset == "node")
    }

    @Test func aProgramForADeskIsNone() {
        let failure = Shipped.failure {
            try detect(#""dist": "electron-builder""#, #""main": "dist/main.js", "devDependencies": {"electron": "30.0.0"}"#)
        }
        #expect(failure.hasPrefix("detect.none (exit 20)"))
    }

    @Test func bunRunsWhatNoScriptStarts() throws {
        let files = [
            "bun.lock": "{}", "package.json": #"{"scripts": {"test": "bun test", "build": "bun x"}}"#, "src/index.ts": "", "server.js": "",
        ]
        #expect(try Shipped.detect(files).report.start == "exec bun run server.js")
    }
}
