import ForgeModel
import Testing

@testable import ForgePlanning

/// What people's own servers are made of, in languages other than JavaScript.
@Suite struct OrdinaryServerTests {
    /// What builds it, what comes out, and how it is started.
    private func read(_ files: [String: String]) throws -> [String?] {
        let report = try Shipped.detect(files).report
        return [report.preset, report.build, report.output, report.start]
    }

    private func step(_ id: String, _ files: [String: String]) throws -> Step? { try Shipped.plan(files).steps.first { $0.id == id } }

    // MARK: Python

    @Test(arguments: [
        ("updater.start_polling()\n", "exec .venv/bin/python tides.py"), ("app.run_polling()\n", "exec .venv/bin/python tides.py"),
        ("client.run(token)\n", "exec .venv/bin/python tides.py"), ("print('high water')\n", nil),
    ])
    func aFileThatLetsABotRunIsTheProgram(line: String, start: String?) throws {
        let files = ["requirements.txt": "python-telegram-bot==21.0\n", "tides.py": line, "words.py": "HIGH = 'high water'\n"]
        #expect(try Shipped.detect(files).report.start == start)
    }

    @Test(arguments: [
        ("uwsgi==2.0.28\n", "exec .venv/bin/uwsgi --http-socket 0.0.0.0:$PORT --master --module core.wsgi:application", nil),
        ("pyuwsgi==2.0.28\n", "exec .venv/bin/uwsgi --http-socket 0.0.0.0:$PORT --master --module core.wsgi:application", nil),
        ("uwsgi==2.0.28\ngunicorn==23.0\n", "exec .venv/bin/python -m gunicorn core.wsgi --bind 0.0.0.0:$PORT", nil),
        ("", "exec .venv/bin/python -m gunicorn core.wsgi --bind 0.0.0.0:$PORT", "gunicorn"),
    ])
    func djangoIsServedByUWSGIWhereThatIsListed(listed: String, start: String, missing: String?) throws {
        let detection = try Shipped.detect([
            "requirements.txt": "django==5.0\n" + listed, "core/wsgi.py": "",
            "manage.py": "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"core.settings\")\n",
            "core/settings.py": "WSGI_APPLICATION = 'core.wsgi.application'\n",
        ])
        #expect(detection.report.start == start)
        #expect(detection.missing?.name == missing)
    }

    @Test func flaskIsServedByUWSGIWhereThatIsListed() throws {
        let files = ["requirements.txt": "flask==3.0\nuwsgi==2.0.28\n", "app.py": "from flask import Flask\napp = Flask(__name__)\n"]
        #expect(
            try read(files) == ["flask", nil, nil, "exec .venv/bin/uwsgi --http-socket 0.0.0.0:$PORT --master --module app:app"])
    }

    @Test func whatAScriptBuildsForDjangoIsGatheredWithTheOtherStaticFiles() throws {
        let files = [
            "requirements.txt": "django==5.0\ngunicorn==23.0\nwhitenoise==6.0\n", "core/wsgi.py": "",
            "manage.py": "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"core.settings\")\n",
            "core/settings.py": "STATIC_ROOT = BASE_DIR / 'collected'\n",
            "package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#, "package-lock.json": "{}",
            "vite.config.js": "export default { build: { outDir: 'assets/built' } }\n",
        ]
        let build = try step("build", files)
        #expect(build?.command.last == "npm run build && .venv/bin/python manage.py collectstatic --noinput")
        #expect(build?.outputs.map(\.string) == ["assets/built", "collected"])
    }

    @Test(arguments: [
        ("  - flask>=3\n  - conda-forge::gunicorn=23.0\n", nil), ("  - flask=3.0\n  - pip:\n      - gunicorn==23.0\n", nil),
        ("  - flask\n", "environment.yml: - gunicorn"),
    ])
    func whatCondaIsAskedForIsKnownAndInstalled(list: String, missing: String?) throws {
        let detection = try Shipped.detect([
            "environment.yml": "name: tides\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.12\n" + list,
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        ])
        #expect(detection.report.preset == "flask")
        #expect(detection.report.install == "conda env create --prefix .venv --file environment.yml")
        #expect(detection.report.start == "exec .venv/bin/python -m gunicorn app:app --bind 0.0.0.0:$PORT")
        #expect(detection.missing.map { "\($0.file): \($0.line)" } == missing)
    }

    @Test(arguments: ["services:\n  - name: tides\n", "dependencies: [\n"])
    func aFileOfCondasNameMayBeAboutSomethingElse(text: String) throws {
        #expect(try Shipped.detect(["environment.yml": text, "app.py": "print('high water')\n"]).report.install == nil)
    }

    @Test func aProgramDeepBelowWithRequirementsOfItsOwnIsNotTheRoots() throws {
        let files = [
            "main.cpp": "int main() {}\n", "Dockerfile": "FROM gcc\n", "tools/laws/requirements.txt": "fastapi==0.115\nuvicorn==0.34\n",
            "tools/laws/main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "tests/run.py": "",
        ]
        #expect(try Shipped.detect(files).report.preset == "dockerfile")
    }

    // MARK: Ruby

    @Test(arguments: [
        ("webpacker", ["public/assets", "public/packs"]), ("shakapacker", ["public/assets", "public/packs"]),
        ("vite_rails", ["public/assets", "public/vite"]), ("jsbundling-rails", ["public/assets"]),
    ])
    func railsIsGivenThePackagesThatItsAssetsArePackedBy(gem: String, outputs: [String]) throws {
        let files = [
            "Gemfile": "source \"https://gems.example.org\"\ngem \"rails\", \"~> 7.1\"\ngem \"puma\"\ngem \"\(gem)\"\n",
            "Gemfile.lock": "GEM\n  specs:\n    rails (7.1.0)\n", "config/application.rb": "", "app/assets/config/manifest.js": "",
            "package.json": #"{"private": true, "dependencies": {"vue": "3.5.0"}}"#, "yarn.lock": "# yarn lockfile v1\n",
        ]
        #expect(try step("packages", files)?.command == ["yarn", "install", "--frozen-lockfile"])
        #expect(try step("build", files)?.outputs.map(\.string) == outputs)
        var plain = files
        plain["Gemfile"] = "source \"https://gems.example.org\"\ngem \"rails\", \"~> 7.1\"\ngem \"importmap-rails\"\n"
        #expect(try step("packages", plain) == nil)
    }

    @Test(arguments: [
        ("bridgetown", "", "bundle exec bridgetown build"),
        ("middleman", "activate :external_pipeline, name: :esbuild\n", "bundle exec middleman build"),
    ])
    func aSiteInRubyIsGivenThePackagesThatItsScriptsArePackedBy(gem: String, configuration: String, command: String) throws {
        let files = [
            "Gemfile": "source \"https://gems.example.org\"\ngem \"\(gem)\"\n", "Gemfile.lock": "GEM\n  specs:\n    \(gem) (1.0)\n",
            "config.rb": configuration, "package-lock.json": "{}",
            "package.json": #"{"scripts": {"esbuild": "node esbuild.config.js"}, "devDependencies": {"esbuild": "0.25.0"}}"#,
        ]
        #expect(try step("packages", files)?.command == ["npm", "ci"])
        #expect(try Shipped.detect(files).report.build == command)
    }

    // MARK: PHP

    @Test func symfonyIsServedFromTheFolderItsManifestNamesAndPacksItsAssetsByEncore() throws {
        let files = [
            "composer.json": #"{"require": {"symfony/framework-bundle": "^6.4"}, "extra": {"public-dir": "web"}}"#, "composer.lock": "{}",
            "bin/console": "", "package-lock.json": "{}",
            "package.json": #"{"scripts": {"build:prod": "encore production"}, "devDependencies": {"@symfony/webpack-encore": "5.0.0"}}"#,
            "webpack.config.js": "const Encore = require('@symfony/webpack-encore');\nEncore.setOutputPath('web/build/');\n",
        ]
        #expect(
            try read(files) == ["symfony", "node_modules/.bin/encore production", "web/build", "exec php -S 0.0.0.0:$PORT -t web"])
        #expect(try step("packages", files)?.command == ["npm", "ci"])
    }

    @Test(arguments: [
        ("webpack", "webpack.config.js", "module.exports = { output: { path: path.resolve(__dirname, 'tpl/js/') } }\n", "tpl/js"),
        ("sass scss --output css", "README.md", "", "css"), ("vite build", "vite.config.js", "export default {}\n", "dist"),
    ])
    func scriptsOfAProgramInPHPAreBuilt(script: String, file: String, text: String, folder: String) throws {
        let tool = script == "vite build" ? "vite" : "sass"
        let files = [
            "composer.json": "{}", "composer.lock": "{}", "index.php": "<?php\n", file: text, "package-lock.json": "{}",
            "package.json": "{\"scripts\": {\"build\": \"\(script)\"}, \"devDependencies\": {\"\(tool)\": \"1.0.0\"}}",
        ]
        #expect(try read(files) == ["php", "npm run build", folder, "exec php -S 0.0.0.0:$PORT -t ."])
        #expect(try step("packages", files)?.command == ["npm", "ci"])
    }

    @Test func whatMixWritesIsPartOfTheApp() throws {
        let files = [
            "composer.json": #"{"require": {"laravel/framework": "^9.0"}}"#, "composer.lock": "{}", "artisan": "", "public/index.php": "",
            "package.json": #"{"scripts": {"production": "mix --production"}, "devDependencies": {"laravel-mix": "6.0.0"}}"#,
            "package-lock.json": "{}",
        ]
        #expect(try step("build", files)?.outputs.map(\.string) == ["public/js", "public/css", "public/mix-manifest.json"])
    }

    // MARK: Go, Rust, Swift

    @Test(arguments: [
        ("tides", "exec ./out"), ("tides -quiet", "exec ./out"), ("tidesd", "exec ./out"), ("go run main.go", "go run main.go"),
        ("caddy run", "caddy run"), ("cmd/run -quiet", "cmd/run -quiet"),
    ])
    func aNameAloneIsWhatHerokusBuilderBuilt(web: String, start: String) throws {
        let files = [
            "go.mod": "module sea.example/tides/v2 // since the flood\n", "cmd/tidesd/main.go": "package main\n",
            "main.go": "package main\n", "Procfile": "web: \(web)\n",
        ]
        #expect(try Shipped.detect(files).report.start == start)
    }

    @Test(arguments: [
        ("Cargo.toml", "[package]\nname = \"tides\"\n[dependencies]\naxum = \"0.8\"\n", "src/main.rs", "axum", "cargo build --release"),
        (
            "go.mod", "module tides\nrequire github.com/gin-gonic/gin v1.10.0\n", "main.go", "gin",
            "go build '-ldflags=-w -s' -o out ./."
        ),
        (
            "Package.swift", ".package(url: \"https://github.com/vapor/vapor.git\", from: \"4.0.0\")\n.executableTarget(name: \"App\")\n",
            "Sources/App/entrypoint.swift", "vapor", "swift build -c release --static-swift-stdlib && cp .build/release/App ./App"
        ),
    ])
    func pagesBesideAProgramAreBuiltBeforeIt(manifest: String, text: String, entry: String, preset: String, command: String) throws {
        var files = [
            manifest: text, entry: "package main\n", "index.html": "", "package-lock.json": "{}",
            "package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#,
        ]
        #expect(try Shipped.detect(files).report.preset == preset)
        #expect(try Shipped.detect(files).report.build == "npm run build && " + command)
        #expect(try step("build", files)?.outputs.map(\.string).last == "dist")
        #expect(try step("packages", files)?.command == ["npm", "ci"])
        files["package.json"] = #"{"scripts": {"lint": "prettier ."}, "devDependencies": {"prettier": "3.0.0"}}"#
        #expect(try Shipped.detect(files).report.build == command)
    }

    @Test(arguments: [(nil, "go"), ("index.html", "vite")])
    func viteWithoutAPageOfItsOwnBuildsForTheProgram(page: String?, preset: String) throws {
        var files = [
            "go.mod": "module tides\n", "main.go": "package main\n", "templates/index.html": "", "package-lock.json": "{}",
            "package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#,
            "vite.config.js": "export default { build: { outDir: 'static/dist' } }\n",
        ]
        if let page { files[page] = "" }
        #expect(try Shipped.detect(files).report.preset == preset)
        #expect(try step("build", files)?.outputs.map(\.string) == (page == nil ? ["out", "static/dist"] : ["static/dist"]))
    }

    @Test func aScriptThatBuildsTheProgramIsNoneOfItsPages() throws {
        let files = [
            "Cargo.toml": "[package]\nname = \"tides\"\n[dependencies]\naxum = \"0.8\"\n", "src/main.rs": "",
            "package.json": #"{"scripts": {"build": "cargo build --release"}, "devDependencies": {"prettier": "3.0.0"}}"#,
            "package-lock.json": "{}",
        ]
        #expect(try Shipped.detect(files).report.build == "cargo build --release")
    }

    // MARK: Functions

    @Test(arguments: [
        (#"f.http("tides", (_, a) => a.send("high"));"#, "--target=tides "),
        ("exports.tides = (_, a) => a.send('high');", "--target=tides "),
        ("require('./lib/tides');", ""),
    ])
    func aFunctionIsServedByItsFrameworkAndNotByNodeAlone(line: String, target: String) throws {
        let files = [
            "package.json": #"{"main": "index.js", "dependencies": {"@google-cloud/functions-framework": "3.4.0", "express": "4.21.0"}}"#,
            "package-lock.json": "{}", "index.js": "const f = require('@google-cloud/functions-framework');\n\(line)\n",
        ]
        let report = try Shipped.detect(files).report
        #expect(
            [report.preset, report.start] == ["functions-framework", "exec node_modules/.bin/functions-framework \(target)--port=$PORT"])
    }

    // MARK: Others

    @Test(arguments: [
        ("\ndependencies:\n  kemal:\n    github: kemalcr/kemal\n", "exec ./bin/tides --port $PORT"), ("", "exec ./bin/tides"),
    ])
    func kemalIsToldWhereToListen(more: String, start: String) throws {
        let files = ["shard.yml": "name: tides\nversion: 0.1.0\ntargets:\n  tides:\n    main: src/tides.cr\n" + more, "src/tides.cr": ""]
        #expect(try Shipped.detect(files).report.start == start)
    }

    @Test func testsAreNotTheProgramThatTheyStart() throws {
        let web = "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n"
        let files = [
            "tides.sln": "", "Tides/Tides.csproj": web + "</Project>\n", "Tides/Program.cs": "",
            "Tides.Tests/Tides.Tests.csproj": web
                + "  <ItemGroup>\n    <PackageReference Include=\"Microsoft.NET.Test.Sdk\" Version=\"17.10.0\" />\n  </ItemGroup>\n</Project>\n",
        ]
        let report = try Shipped.detect(files).report
        #expect(report.build == "dotnet publish Tides/Tides.csproj -c Release -o out")
        #expect(report.start == "ASPNETCORE_URLS=http://0.0.0.0:$PORT exec ./out/Tides")
    }

    @Test(arguments: [
        (["go.mod": "module tides\n", "cmd/tides/main.go": "package main\n"], "go"),
        (["composer.json": "{}", "composer.lock": "{}", "index.php": "<?php\n"], "php"),
        (["stack.yaml": "resolver: lts-22.43\n", "tides.cabal": "executable tides\n", "app/Main.hs": ""], "haskell-stack"),
    ])
    func documentationBesideAProgramIsNotTheProject(program: [String: String], preset: String) throws {
        for (file, text) in [("mkdocs.yml", "site_name: Tides\n"), ("docs/conf.py", "project = 'Tides'\n"), ("book.toml", "[book]\n")] {
            #expect(try Shipped.detect(program.merging([file: text]) { $1 }).report.preset == preset, "\(file)")
        }
        #expect(try Shipped.detect(["docs/conf.py": "project = 'Tides'\n", "docs/index.rst": ""]).report.preset == "sphinx")
    }

    @Test(arguments: [
        ("[output.html]\n[output.html.fold]\n", "book"), ("[output.html]\n[output.linkcheck]\n", "book/html"),
        ("[build]\nbuild-dir = \"www\"\n[output.html]\n[output.epub]\n", "www/html"),
    ])
    func ofSeveralOutputsOfABookThePagesHaveAFolderOfTheirOwn(text: String, folder: String) throws {
        #expect(try Shipped.detect(["book.toml": "[book]\n" + text, "src/SUMMARY.md": ""]).report.output == folder)
    }

    @Test func aSiteInHaskellIsWrittenByItsOwnProgram() throws {
        let files = [
            "stack.yaml": "resolver: lts-22.43\n", "site.hs": "import Hakyll\n",
            "tides.cabal": "executable site\n  build-depends: base, hakyll == 4.16.*\n",
        ]
        #expect(try read(files) == ["hakyll", "stack install --local-bin-path bin && ./bin/site build", "_site", nil])
    }

    @Test func whatBelongsToTheSourceIsNotFetchedWhileItIsBuilt() throws {
        let files = [
            "hugo.toml": "baseURL = \"https://tides.example\"\n", "content/_index.md": "",
            "netlify.toml": "[build]\ncommand = \"git submodule update --init --recursive && hugo --gc\"\npublish = \"public\"\n",
        ]
        #expect(try Shipped.detect(files).report.build == "hugo --gc")
    }

    // MARK: Packages in a folder of their own

    @Test(arguments: [
        ("\"assets.deploy\": [\"esbuild default --minify\", \"phx.digest\"]", "mix compile && mix assets.deploy"),
        ("", "npm run deploy --prefix assets && mix compile && mix phx.digest"),
    ])
    func phoenixIsGivenThePackagesOfItsAssets(alias: String, command: String) throws {
        let files = [
            "mix.exs": "defp deps, do: [{:phoenix, \"~> 1.7\"}]\ndefp aliases, do: [\(alias)]\n", "mix.lock": "", "lib/tides.ex": "",
            "assets/package.json": #"{"scripts": {"deploy": "webpack"}, "dependencies": {"topbar": "3.0.0"}}"#,
            "assets/package-lock.json": "{}",
        ]
        let packages = try #require(try step("packages", files))
        #expect(packages.command == ["npm", "ci"])
        #expect(packages.directory?.string == "assets")
        #expect(packages.inputs == ["assets/package.json", "assets/package-lock.json"])
        #expect(packages.outputs.map(\.string) == ["assets/node_modules"])
        #expect(packages.registries?.lockfile?.string == "assets/package-lock.json")
        #expect(packages.registries?.witnesses.map(\.string) == ["assets/node_modules/.package-lock.json"])
        #expect(packages.needs == ["install"])
        #expect(try Shipped.detect(files).report.build == command)
        #expect(try step("build", files)?.outputs.map(\.string) == ["_build/prod", "priv/static"])
        #expect(try Shipped.plan(files).artifact.leavesOut.contains("packages"))
    }

    @Test func whatIsNotLockedInAFolderIsResolvedThere() throws {
        let files = [
            "mix.exs": "defp deps, do: [{:phoenix, \"~> 1.7\"}]\n", "mix.lock": "",
            "assets/package.json": #"{"dependencies": {"topbar": "3.0.0"}}"#,
        ]
        let resolve = try step("packages-resolve", files)
        #expect(resolve?.directory?.string == "assets")
        #expect(resolve?.outputs.map(\.string) == ["assets/package-lock.json"])
        #expect(try step("packages", files)?.registries?.lockfile?.string == "assets/package-lock.json")
        #expect(try Shipped.detect(files).warnings.map(\.message) == [])
        var without = files
        without["assets/package.json"] = nil
        #expect(try step("packages", without) == nil)
    }

    @Test(arguments: [
        ("ui/serve.go", "package ui\n\n//go:embed build/*\nvar box embed.FS\n", true),
        ("pages.go", "package main\n\n//go:embed all:ui/dist\nvar box embed.FS\n", true),
        ("pages.go", "package main\n\n//go:embed templates/*.html\nvar box embed.FS\n", false), ("README.md", "", false),
    ])
    func pagesThatAProgramInGoHoldsAreBuiltInTheirFolder(file: String, text: String, isBuilt: Bool) throws {
        let files = [
            "go.mod": "module tides\n", "main.go": "package main\n", file: text, "ui/yarn.lock": "# yarn lockfile v1\n",
            "ui/package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#,
        ]
        let pages = try step("pages", files)
        #expect(pages?.command == (isBuilt ? ["yarn", "build"] : nil))
        #expect(pages?.directory?.string == (isBuilt ? "ui" : nil))
        #expect(try step("page-packages", files)?.command == (isBuilt ? ["yarn", "install", "--frozen-lockfile"] : nil))
        #expect(try step("build", files)?.needs.contains("pages") == isBuilt)
    }

    @Test func aFolderOfAMembersStepIsBelowTheMember() throws {
        let files = [
            "go.work": "go 1.23\nuse ./api\n", "api/go.mod": "module tides\n", "api/main.go": "package main\n",
            "api/ui/serve.go": "package ui\n\n//go:embed dist/*\nvar box embed.FS\n", "api/ui/package-lock.json": "{}",
            "api/ui/package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#,
        ]
        let steps = try Shipped.plans(files).flatMap(\.plan.steps)
        let pages = steps.first { $0.id.hasSuffix(":pages") }
        #expect(pages?.directory?.string == "api/ui")
        #expect(pages?.outputs.map(\.string) == ["api/ui/dist", "api/ui/build", "api/ui/out"])
    }
}
