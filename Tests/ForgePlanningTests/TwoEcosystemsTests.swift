import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

/// A server in one language whose assets are built by packages of another.
@Suite struct TwoEcosystemsTests {
    /// The plan without variables and caches.
    private func plan(_ files: [String: String]) throws -> String {
        PlanRendering.text(try Shipped.plan(files)).split(separator: "\n").map(String.init).filter { line in
            !["sets    ", "keeps   ", "network "].contains { line.contains("  " + $0) }
        }.joined(separator: "\n") + "\n"
    }

    private let assets = #"{"private": true, "scripts": {"build": "vite build"}, "devDependencies": {"vite": "6.0.0"}}"#

    @Test func laravelInstallsForBothAndBuildsItsAssetsAfterBoth() throws {
        let files = [
            "artisan": "", "composer.json": #"{"require": {"laravel/framework": "11.0"}}"#, "composer.lock": "{}",
            "package.json": assets, "package-lock.json": "{}", "public/index.php": "", "vite.config.js": "",
        ]
        let plan = try plan(files)
        #expect(
            plan == """
                preset      Laravel (laravel)
                toolchains  composer, node, php
                install     composer install: exactly the lockfile …
                            reads   composer.json, composer.lock
                            writes  vendor
                packages    npm ci
                            reads   package.json, package-lock.json
                            writes  node_modules
                build       npm run build
                            after   install, packages
                            reads   the source
                            writes  public/build
                artifact    container with public/build/
                            starts  cd public && exec php -S 0.0.0.0:$PORT ../vendor/laravel/framework/src/Illuminate/Foundation/resources/server.php
                            port    8080, health /
                            writes  bootstrap/cache, storage

                """)
        #expect(try Shipped.plan(files).artifact.leavesOut == ["packages"])
        #expect(ExplainRendering.text(try Shipped.detect(files)).contains("packages  Composer, npm\n"))
    }

    @Test(arguments: [
        (#""build": "tailwindcss -i in.css -o static/tides.css --minify""#, "npm run build", "static/tides.css"),
        (#""build:css": "sass in.scss -o static/tides.css""#, "npm run build:css", "static/tides.css"),
        (#""build": "vite build""#, "npm run build", "static/dist"),
    ])
    func serversInPythonBuildTheirAssetsAndRunWithoutTheirPackages(script: String, build: String, output: String) throws {
        let manifest = "{\"scripts\": {\(script)}, \"devDependencies\": {\"tailwindcss\": \"3.4.0\"}}"
        for (framework, server) in [("flask", "Flask"), ("fastapi", "FastAPI"), ("quart", "Quart")] {
            let plan = try Shipped.plan([
                "requirements.txt": "\(framework)==1.0\ngunicorn==23.0\nuvicorn==0.30\nhypercorn==0.17\n", "package.json": manifest,
                "package-lock.json": "{}", "app.py": "from \(framework) import \(server)\napp = \(server)(__name__)\n",
                "static/in.css": "",
            ])
            #expect(plan.preset.id == framework)
            #expect(Set(plan.steps.map(\.id)) == ["resolve", "install", "packages", "build"])
            let step = plan.steps.first { $0.id == "build" }
            #expect(step?.command.joined(separator: " ") == build)
            #expect(step?.outputs.map(\.string) == [output])
            #expect(plan.artifact.leavesOut == ["packages"])
        }
    }

    @Test func djangoBuildsItsAssetsByTheScriptOfItsPackageJSONAndRunsWithoutItsPackages() throws {
        let files = [
            "manage.py": "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"site.settings\")\n",
            "site/wsgi.py": "", "site/settings.py": "", "requirements.txt": "django==5.0\ngunicorn==23.0.0\n", "package.json": assets,
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
        ]
        let plan = try plan(files)
        #expect(
            plan == """
                preset      Django (django)
                toolchains  node, pnpm >=9 <11 (preset django), python
                resolve     pip install --dry-run -r requirements.txt …
                            reads   requirements.txt
                            writes  requirements.resolved.txt
                install     pip install -r requirements.txt …
                            after   resolve
                            reads   requirements.txt
                            writes  .venv
                packages    pnpm install --frozen-lockfile
                            reads   package.json, pnpm-lock.yaml
                            writes  node_modules
                build       pnpm run build
                            after   install, packages
                            reads   the source
                            writes  static/dist
                artifact    container with static/dist/
                            starts  exec .venv/bin/python -m gunicorn site.wsgi --bind 0.0.0.0:$PORT
                            port    8000, health /
                warning     requirements.txt: dependencies are not locked: `requirements.txt` has no hashes, and does not list what they need in turn
                            commit a full list: `uv pip compile --generate-hashes`, or `pip-compile --generate-hashes`

                """)
        #expect(try Shipped.plan(files).toolchains.keys.sorted() == ["node", "pnpm", "python"])
    }

    @Test func railsHasItsPackagesBeforeItsAssetsAreCompiled() throws {
        let files = [
            "config/application.rb": "", "Gemfile": "gem 'rails'\ngem 'propshaft'\n", "Gemfile.lock": "",
            "package.json": #"{"scripts": {"build": "esbuild app/javascript/*.*"}, "dependencies": {"esbuild": "0.20.0"}}"#,
            "yarn.lock": "",
        ]
        let steps = try Shipped.plan(files).steps
        #expect(
            steps.map { "\($0.id): \(CommandText.typed($0.command)) after \($0.needs.joined(separator: ", "))" } == [
                "install: BUNDLE_FROZEN=true bundle install && rm -rf vendor/bundle/*/*/cache after ",
                "packages: yarn install --frozen-lockfile after ",
                "build: bundle exec rake assets:precompile after install, packages",
            ])
    }

    @Test func aLockfileThatIsMissingIsWrittenForTheSecondEcosystemTooAndItIsSaid() throws {
        let files = [
            "artisan": "", "composer.json": #"{"require": {"laravel/framework": "11.0"}}"#, "composer.lock": "{}", "package.json": assets,
        ]
        let plan = try Shipped.plan(files)
        #expect(plan.steps.map(\.id) == ["install", "packages-resolve", "packages", "build"])
        #expect(plan.steps[2].needs == ["packages-resolve"])
        #expect(plan.artifact.leavesOut == ["packages", "packages-resolve"])
        #expect(plan.warnings.map(\.message) == ["dependencies are not locked: there is no `package-lock.json`"])
    }

    @Test func withoutAScriptThatBuildsNothingIsInstalledForIt() throws {
        let files = [
            "artisan": "", "composer.json": #"{"require": {"laravel/framework": "11.0"}}"#, "composer.lock": "{}",
            "package.json": #"{"scripts": {"lint": "x"}, "devDependencies": {"x": "1.0.0"}}"#,
        ]
        #expect(try Shipped.plan(files).steps.map(\.id) == ["install"])
    }
}
