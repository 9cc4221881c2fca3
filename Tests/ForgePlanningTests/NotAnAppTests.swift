import ForgeModel
import Testing

@testable import ForgePlanning

/// What people keep in repositories besides servers and sites: it is not taken for one, or not for another one.
@Suite struct NotAnAppTests {
    private static let build = #""scripts": {"build": "tsup"}, "#

    /// That nothing but the language is known, nothing is started and nothing published.
    private func expectNothingServed(_ files: [String: String], _ preset: String, comment: Comment? = nil) throws {
        let report = try Shipped.detect(files).report
        #expect([report.preset, report.start] == [preset, nil], comment)
        #expect(report.kind == .server, comment)
        #expect(Shipped.failure { try Shipped.plan(files) }.hasPrefix("plan.start-missing (exit 30)"), comment)
    }

    // MARK: Packages of npm

    @Test(arguments: [
        #"\#(build)"exports": {".": "./dist/index.js"}"#, #"\#(build)"main": "dist/a.cjs", "module": "dist/a.js""#,
        #"\#(build)"main": "dist/a.js", "types": "dist/a.d.ts""#, #"\#(build)"files": ["dist"]"#,
        #"\#(build)"bin": {"tide": "bin/tide.js"}"#,
        #"\#(build)"peerDependencies": {"react": "*"}"#, #""main": "index.js", "files": ["index.js"]"#,
        #""main": "index.js", "peerDependencies": {"eslint": ">=8"}"#, #"\#(build)"engines": {"vscode": "^1.85.0"}, "main": "./out/a.js""#,
        #"\#(build)"devDependencies": {"obsidian": "latest"}"#, #"\#(build)"devDependencies": {"wxt": "0.19.0"}"#,
        #"\#(build)"bin": {"infra": "bin/infra.js"}, "dependencies": {"aws-cdk-lib": "2.150.0"}"#,
        #""main": "main.js", "scripts": {"start": "electron ."}, "devDependencies": {"electron": "31.0.0"}"#,
        #""scripts": {"start": "electron-forge start"}"#, #""scripts": {"start": "react-native start"}"#,
        #""scripts": {"start": "expo start"}, "dependencies": {"expo": "51.0.0"}"#,
        #""scripts": {"build": "microbundle", "start": "microbundle watch"}"#, #""scripts": {"build": "tsc", "start": "tsc --watch"}"#,
        #""scripts": {"deploy": "wrangler deploy"}, "devDependencies": {"wrangler": "3"}"#, #""scripts": {"start": "wrangler dev"}"#,
        #""scripts": {"build": "vite build"}, "devDependencies": {"vite": "5", "@crxjs/vite-plugin": "2"}"#,
        #"\#(build)"exports": "./a.js", "devDependencies": {"@remix-run/dev": "2"}"#,
    ])
    func whatIsMadeForOthersIsNeitherStartedNorPublished(keys: String) throws {
        try expectNothingServed(["package.json": "{\(keys)}", "package-lock.json": "{}", "index.js": "", "src/index.ts": ""], "node")
    }

    @Test(arguments: [
        #""types": "a.d.ts", "scripts": {"start": "node index.js"}"#, #""module": "index.ts", "peerDependencies": {"typescript": "^5"}"#,
        #""main": "index.js""#, #""scripts": {"start": "tsc && node index.js"}"#,
    ])
    func whatIsStartedIsAServerWhateverElseItSays(keys: String) throws {
        let report = try Shipped.detect(["package.json": "{\(keys)}", "package-lock.json": "{}", "index.js": ""]).report
        #expect(report.preset == "node")
        #expect(report.start != nil)
    }

    @Test(arguments: [
        ("action.yml", "runs:\n  using: node20\n"), ("src/manifest.json", "{\"manifest_version\": 3}"),
        ("pnpm-workspace.yaml", "packages:\n  - packages/*\n"),
    ])
    func aFileSaysThatTheBuildIsNoSite(file: String, text: String) throws {
        try expectNothingServed([file: text, "package.json": #"{"scripts": {"build": "ncc build"}}"#, "src/a.js": ""], "node")
    }

    @Test(arguments: [
        ("gatsby", "gatsby-node.js", "babel src"), ("astro", "src/index.ts", "tsup"), ("next", "src/index.ts", "tsup"),
        ("solid-js", "src/index.tsx", "tsup"), ("vite", "vitest.config.ts", "tsup"), ("react-scripts", "src/index.js", "rollup -c"),
    ])
    func aPeerThatIsListedForDevelopmentIsOthersFramework(name: String, file: String, build: String) throws {
        let peers = #""peerDependencies": {"\#(name)": "*"}, "devDependencies": {"\#(name)": "1.0.0"}"#
        let manifest = #"{"scripts": {"build": "\#(build)"}, "main": "dist/a.js", \#(peers)}"#
        try expectNothingServed(["package.json": manifest, "package-lock.json": "{}", file: ""], "node")
    }

    @Test(arguments: [
        ("export default { build: { lib: { entry: 'src/a.ts' } } }", "vite build", nil),
        ("export default {\n  build: {\n    lib: {\n", "vite build", nil), ("export default { plugins: [] }", "vite build", "vite"),
        ("import { defineConfig } from 'vitest/config'", "tsup", nil),
        ("import { defineConfig } from 'vitest/config'", "vite build", "vite"),
        ("export default { test: { globals: true } }", "tsc", nil),
    ])
    func viteMakesASiteUnlessItIsToldOfALibraryOrOnlyOfTests(text: String, build: String, preset: String?) throws {
        let manifest = #"{"scripts": {"build": "\#(build)"}, "exports": "./dist/a.js", "devDependencies": {"vite": "5.0.0"}}"#
        let files = ["package.json": manifest, "package-lock.json": "{}", "vite.config.ts": text, "src/a.ts": ""]
        if let preset { #expect(try Shipped.detect(files).report.preset == preset) } else { try expectNothingServed(files, "node") }
    }

    @Test(arguments: ["next.config.js", "vite.config.js"])
    func aConfigurationThatNothingSpeaksOfIsLeftOver(file: String) throws {
        let files = [file: "", "package.json": #"{"scripts": {"start": "node a.js"}}"#, "package-lock.json": "{}", "a.js": ""]
        #expect(try Shipped.detect(files).report.preset == "node")
    }

    @Test(arguments: [
        (#""nuxt": "3.13.0", "@nuxt/module-builder": "0.8.0""#, "exports", "playground/nuxt.config.ts", ""),
        (#""@angular/cli": "18.0.0", "ng-packagr": "18.0.0""#, "private", "angular.json", #"{"a": {"projectType": "library"}}"#),
        (#""parcel": "2.0.0""#, "module", "src/index.ts", ""), (#""grunt": "1.0.0""#, "files", "Gruntfile.js", ""),
    ])
    func toolsOfAFrameworkMakeLibrariesToo(tools: String, key: String, file: String, text: String) throws {
        let manifest = #"{"scripts": {"build": "make"}, "\#(key)": "dist/a.js", "types": "dist/a.d.ts", "devDependencies": {\#(tools)}}"#
        let script = manifest.replacing("make", with: tools.contains("parcel") ? "parcel build" : "make")
        try expectNothingServed(["package.json": script, "package-lock.json": "{}", file: text], "node")
    }

    // MARK: Packages of other languages

    @Test(arguments: [
        ("gleam", ["gleam.toml": "name = \"tides\"\n", "src/tides.gleam": "pub fn high() { 1 }\n"]),
        (
            "swift",
            ["Package.swift": "let package = Package(name: \"Tides\", products: [.library(name: \"Tides\", targets: [\"Tides\"])])\n"]
        ),
        ("zig", ["build.zig": "const lib = b.addStaticLibrary(.{\n    .name = \"tides\",\n});\n"]),
        ("crystal", ["shard.yml": "name: tides\n"]),
        ("deno", ["deno.json": #"{"name": "@t/tides", "exports": "./mod.ts"}"#, "mod.ts": ""]),
        ("elixir", ["mix.exs": "def project, do: [app: :tides, package: [licenses: [\"MIT\"]], deps: [{:phoenix, \"~> 1.7\"}]]\n"]),
        ("leiningen", ["project.clj": "(defproject tides \"1.0\")\n", "src/tides/core.clj": "(ns tides.core)\n"]),
        ("clojure-tools", ["deps.edn": "{:paths [\"src\"]}\n"]),
        ("sbt", ["build.sbt": "name := \"tides\"\npublishTo := None\n"]),
        ("gradle", ["build.gradle.kts": "plugins {\n    `java-library`\n}\n", "gradlew": ""]),
        ("gradle", ["build.gradle": "", "gradlew": "", "app/build.gradle": "plugins {\n    id 'com.android.application'\n}\n"]),
        ("maven", ["pom.xml": "<project></project>", "src/main/java/t/Tides.java": "public class Tides {}\n"]),
        ("maven", ["pom.xml": "<project><packaging>pom</packaging></project>", "a/pom.xml": "<project/>"]),
        ("dotnet-console", ["Tides.csproj": "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>\n", "Tides.cs": ""]),
        ("dotnet-console", ["Game.csproj": "<Project Sdk=\"Godot.NET.Sdk/4.3.0\"></Project>\n", "project.godot": ""]),
        ("php", ["composer.json": #"{"type": "library"}"#, "src/Tides.php": "<?php\n"]),
        ("php", ["composer.json": #"{"type": "library", "require": {"laravel/framework": "^11"}}"#]),
        ("php", ["composer.json": #"{"type": "symfony-bundle", "require": {"symfony/framework-bundle": "^7"}}"#]),
        ("php", ["index.php": "<?php\n", "tides.php": "<?php\n/**\n * Plugin Name: Tides\n */\n"]),
        ("php", ["index.php": "<?php get_header();\n", "style.css": "/*\nTheme Name: Tides\n*/\n"]),
        ("ruby", ["Gemfile": "gemspec\ngem \"rails\"\n", "tides.gemspec": "", "test/dummy/config/application.rb": ""]),
        ("ruby", ["Gemfile": "gemspec\ngem \"sinatra\"\n", "tides.gemspec": "", "lib/tides.rb": ""]),
        ("ruby", ["Gemfile": "gemspec\ngem \"middleman\"\n", "tides.gemspec": "", "lib/tides.rb": ""]),
        ("ruby", ["Gemfile": "gemspec\ngem \"bridgetown\"\n", "tides.gemspec": "", "lib/tides.rb": ""]),
        ("swift", ["Package.swift": ".library(name: \"A\"), .package(url: \"https://example.org/vapor.git\", from: \"4.0.0\")\n"]),
        ("dotnet-console", ["Tides.csproj": "<Project Sdk=\"Microsoft.NET.Sdk.Razor\"></Project>\n"]),
        ("spring-boot", ["build.gradle": "id 'java-library'\ndependencies {\n    api 'org.springframework.boot:spring-boot:3.3.0'\n}\n"]),
        ("python", ["pyproject.toml": "[project]\ndependencies = [\"flask\"]\n[build-system]\n", "src/tides/__init__.py": ""]),
        ("python", ["pyproject.toml": "[project]\ndependencies = [\"fastapi\"]\n[build-system]\n", "examples/main.py": ""]),
        ("python", ["setup.py": "", "requirements.txt": "django\n", "example/manage.py": "", "example/example/wsgi.py": ""]),
        ("python", ["pyproject.toml": "[project]\n", "package.json": #"{"devDependencies": {"prettier": "3"}}"#]),
        ("go", ["go.mod": "module tides\n", "tides.go": "package tides\n", "tools/main.go": "package main\n"]),
        ("go", ["go.mod": "module tides\n", "tides.go": "package tides\n", "examples/main.go": "package main\n"]),
        ("go", ["go.mod": "module tides\n", "tides.go": "package tides\n", "gen.go": "//go:build ignore\n\npackage main\n"]),
        ("go", ["go.mod": "module tides\n\nrequire github.com/gin-gonic/gin v1.10.0\n", "tides.go": "package tides\n"]),
    ])
    func aLibraryOfAnyLanguageIsNotStarted(preset: String, files: [String: String]) throws {
        try expectNothingServed(files, preset, comment: "\(files.keys.sorted())")
    }

    @Test(arguments: [
        ("maven", ["pom.xml": "<project/>", "src/main/java/t/A.java": "public class A { public static void main(String[] a) {} }\n"]),
        ("maven", ["pom.xml": "<mainClass>t.A</mainClass>", "src/main/java/t/A.java": "public class A extends B {}\n"]),
        ("gradle", ["build.gradle.kts": "plugins {\n    `java-library`\n    application\n}\n", "gradlew": ""]),
        ("maven", ["pom.xml": "<project/>", "src/main/java/t/A.java": "public class A {}\n", "src/main/java/t/a/b/c/B.java": ""]),
        ("gradle", ["lib/build.gradle": "id 'java-library'\n", "app/build.gradle": "id 'x.java-application-it'\n", "gradlew": ""]),
        ("dotnet-console", ["Tides.csproj": "<Project>\n<OutputType>Exe</OutputType>\n</Project>\n"]),
        ("elixir", ["mix.exs": "[app: :tides, package: [], mod: {Tides.Application, []}]\n"]),
        ("swift", ["Package.swift": ".library(name: \"A\"), .executableTarget(name: \"B\")\n"]),
        ("leiningen", ["project.clj": "(defproject tides \"1.0\" :main tides.core)\n", "src/tides/core.clj": "(ns tides.core)\n"]),
        ("go", ["go.mod": "module tides\n", "server.go": "package main\n", "gen.go": "//go:build ignore\n\npackage main\n"]),
        ("php", ["index.php": "<?php\n"]), ("python", ["main.py": "", "package.json": #"{"devDependencies": {"husky": "9"}}"#]),
        ("flask", ["pyproject.toml": "[project]\ndependencies = [\"flask\"]\n[build-system]\n", "main.py": ""]),
    ])
    func aProgramOfThatLanguageIs(preset: String, files: [String: String]) throws {
        let report = try Shipped.detect(files).report
        #expect(report.preset == preset)
        #expect(report.start != nil, "\(files.keys.sorted())")
    }

    // MARK: Documentation, and files that look like a framework's

    @Test(arguments: [
        ("go", ["go.mod": "module tides\n", "main.go": "package main\n"]),
        ("rust", ["Cargo.toml": "[package]\nname = \"a\"\n", "src/main.rs": ""]),
        ("python", ["main.py": "", "requirements.txt": "requests\n"]),
        ("node", ["package.json": #"{"scripts": {"start": "node a.js"}}"#, "package-lock.json": "{}"]),
    ])
    func documentationBesideAProgramIsNotTheProject(preset: String, files: [String: String]) throws {
        let docs = ["docs/conf.py": "project = 'tides'\nextensions = []\n", "docs/index.rst": "", "mkdocs.yml": "site_name: tides\n"]
        #expect(try Shipped.detect(files.merging(docs) { $1 }).report.preset == preset)
    }

    @Test(arguments: [
        (#""start": "node a.js", "docs:build": "vitepress build docs""#, "docs/.vitepress/config.ts", "node", nil),
        (#""build": "tsup", "build:docs": "vitepress build docs""#, "docs/.vitepress/config.ts", "vitepress", "npm run build:docs"),
        (#""start": "node a.js", "build-storybook": "storybook build""#, ".storybook/main.js", "node", nil),
        (#""start": "npm run dev", "dev": "vitepress dev""#, ".vitepress/config.ts", "vitepress", "node_modules/.bin/vitepress build"),
        (#""start": "storybook dev""#, ".storybook/main.js", "storybook", "node_modules/.bin/storybook build"),
    ])
    func whatShowsPartsOfAProgramIsNotTheProgram(scripts: String, file: String, preset: String, build: String?) throws {
        let tools = #""devDependencies": {"vitepress": "1.0.0", "storybook": "8.0.0"}"#
        let report = try Shipped.detect([
            "package.json": "{\"scripts\": {\(scripts)}, \(tools)}", "package-lock.json": "{}", file: "export default {}\n", "a.js": "",
        ]).report
        #expect([report.preset, report.build] == [preset, build])
    }

    @Test(arguments: [
        (["config.toml": "base_url = \"a\"\nbaseURL = \"a\"\n", "templates/mail.html": "", "content/a.txt": "", "main.py": ""], "python"),
        (["_config.yml": "title: a\n", "_toc.yml": "", "index.md": "", "requirements.txt": "jupyter-book\n"], "python"),
        (["elm.json": #"{"type": "package"}"#, "package.json": "{}"], "node"),
        (["gulpfile.js": "", "package.json": #"{"devDependencies": {"gulp": "4"}}"#, "composer.json": "{}"], "php"),
    ])
    func aFileOfTheSameNameIsAnothersFile(files: [String: String], preset: String) throws {
        #expect(try Shipped.detect(files).report.preset == preset)
    }

    @Test(arguments: [
        ["manifest.json": "{\"manifest_version\": 3}", "popup.html": ""], ["coverage/index.html": ""],
        ["templates/index.html": "", "a.lua": ""],
        ["Chart.yaml": "", "templates/a.yaml": ""], ["main.tf": ""], ["docker-compose.yml": "", "nginx/html/index.html": ""],
        ["third_party/web/next.config.js": "", "third_party/web/package.json": #"{"dependencies": {"next": "15"}}"#, "a.c": ""],
        ["a.ipynb": "{}", "data/a.csv": ""], ["Procfile.dev": "web: a\n"], ["Dockerfile.dev": ""],
    ])
    func whatHoldsNoProgramIsNothing(files: [String: String]) {
        #expect(Shipped.failure { try Shipped.detect(files) }.hasPrefix("detect.none (exit 20)"), "\(files.keys.sorted())")
    }

    // MARK: Manifests that are none

    @Test(arguments: ["[]", "null", "\"next\"", "7"])
    func aManifestOfAnotherShapeIsRefused(text: String) {
        #expect(
            Shipped.failure { try Shipped.detect(["package.json": text]) } == """
                detect.manifest-syntax (exit 10)
                package.json:1:1: `package.json` is not valid JSON: it has to be one object, `{…}`
                  hint: correct the file: it decides how the project is built
                """)
    }

    private static let conflict = "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n"

    @Test(arguments: [
        ("requirements.txt", "flask==3.0\n", ["app.py": "from flask import Flask\napp = Flask(__name__)\n"]),
        ("go.mod", "module tides\n", ["main.go": "package main\n"]),
        ("go.sum", "", ["main.go": "package main\n", "go.mod": "module tides\n"]),
        ("Gemfile", "gem \"sinatra\"\n", ["app.rb": ""]), ("Gemfile.lock", "GEM\n", ["Gemfile": "", "app.rb": ""]),
        ("pom.xml", "<project>\n", [:]), ("package-lock.json", "{\n", ["package.json": #"{"dependencies": {"next": "15"}}"#]),
        ("yarn.lock", "", ["package.json": "{}"]), ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", ["package.json": "{}"]),
        ("Cargo.lock", "version = 3\n", ["Cargo.toml": "[package]\nname = \"a\"\n", "src/main.rs": ""]),
        ("composer.lock", "{\n", ["composer.json": "{}", "index.php": ""]),
    ])
    func whatGitCouldNotMergeIsRefusedWithItsLine(file: String, before: String, others: [String: String]) {
        let files = others.merging([file: before + Self.conflict]) { $1 }
        #expect(
            Shipped.failure { try Shipped.detect(files) } == """
                detect.conflict (exit 10)
                \(file):\(before.isEmpty ? 1 : 2): `\(file)` holds two versions that git could not merge
                  hint: settle what stands between `<<<<<<<` and `>>>>>>>`, or write the file again with the tool that makes it
                """)
    }

    @Test(arguments: ["# <<<<<<< HEAD\n# >>>>>>> other\n", "<<<<<<< HEAD\n", "<<<<<<<< \n>>>>>>>> \n", "a <<<<<<< b\n>>>>>>> c\n"])
    func signsThatGitDidNotSetAreText(text: String) throws {
        let files = ["requirements.txt": "requests\n" + text, "main.py": ""]
        #expect(try Shipped.detect(files).report.preset == "python")
    }
}
