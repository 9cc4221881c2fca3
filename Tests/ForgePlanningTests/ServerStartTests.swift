import ForgeModel
import Testing

@testable import ForgePlanning

/// How servers are started, and what has to be there for it.
@Suite struct ServerStartTests {
    private func start(_ files: [String: String]) throws -> String? { try Shipped.detect(files).report.start }

    @Test(arguments: [
        (["go.mod": "module tides\n", "tides.go": "package tides\n"], nil),
        (["go.mod": "module theme\n"], nil),
        (["go.mod": "module tides\n", "tides.go": "// The server.\npackage main\n"], "exec ./out"),
        (["go.mod": "module tides\n", "tides.go": "package tides\n", "serve/main.go": "package main\n"], "exec ./out"),
        (["Cargo.toml": "[package]\nname = \"tides\"\n", "src/lib.rs": ""], nil),
        (["Cargo.toml": "[package]\nname = \"tides\"\n", "src/main.rs": ""], "exec ./target/release/tides"),
        (["Cargo.toml": "[package]\nname = \"tides\"\n", "src/lib.rs": "", "src/bin/serve/main.rs": ""], "exec ./target/release/serve"),
    ])
    func aLibraryHasNothingToStart(files: [String: String], command: String?) throws {
        #expect(try start(files) == command)
        if command == nil { #expect(Shipped.failure { try Shipped.plan(files) }.hasPrefix("plan.start-missing (exit 30)")) }
    }

    @Test(arguments: [
        (nil, ["install"]), ("Procfile", []), ("crowdforge.toml", []),
    ])
    func whatAProgramIsBuiltFromStaysOutUnlessTheProjectItselfSaysHowItIsStarted(file: String?, leavesOut: [String]) throws {
        var files = [
            "Cargo.toml": "[package]\nname = \"tides\"\n[dependencies]\nrand = \"0.8\"\n", "Cargo.lock": "", "src/main.rs": "",
        ]
        let starts = ["Procfile": "web: cargo run --release\n", "crowdforge.toml": "[build]\nstart = \"cargo run --release\"\n"]
        if let file { files[file] = starts[file] }
        let plan = try Shipped.plan(files)
        #expect(plan.steps.map(\.id) == ["install", "build"])
        #expect(plan.artifact.leavesOut == leavesOut)
    }

    private let application = "from fastapi import FastAPI\napp = FastAPI()\n"

    @Test(arguments: [
        ([:], "src.tides.main:app", nil), (["src/tides/main.py": "from tides.data import rows\n"], "tides.main:app", "src"),
        (["src/tides/main.py": "from src.tides.data import rows\n"], "src.tides.main:app", nil),
        (["src/tides/main.py": "from .data import rows\n", "src/tides/data.py": "import tides.more\n"], "tides.main:app", "src"),
    ])
    func aModuleIsFoundWhereTheProjectsOwnImportsBegin(imports: [String: String], app: String, path: String?) throws {
        var files = ["requirements.txt": "fastapi==0.115\nuvicorn==0.30\n", "src/tides/data.py": "rows = []\n"]
        files["src/tides/main.py"] = (imports["src/tides/main.py"] ?? "") + application
        files.merge(imports.filter { $0.key != "src/tides/main.py" }) { $1 }
        let plan = try Shipped.plan(files)
        #expect(plan.artifact.launch?.command.last == "exec .venv/bin/python -m uvicorn \(app) --host 0.0.0.0 --port $PORT")
        #expect(plan.artifact.launch?.environment["PYTHONPATH"] == path)
        let own = files.merging(["crowdforge.toml": "[env]\nPYTHONPATH = \"lib\"\n"]) { $1 }
        #expect(try Shipped.plan(own).artifact.launch?.environment["PYTHONPATH"] == "lib")
    }

    @Test(arguments: [
        (["environment.yml"], "conda env create --prefix .venv --file environment.yml"),
        (["environment.yaml"], "conda env create --prefix .venv --file environment.yaml"),
        (["environment.yml", "conda-lock.yml"], "conda-lock install --prefix .venv conda-lock.yml"),
    ])
    func condaInstallsFromTheFileThatIsThere(names: [String], command: String) throws {
        let files = Dictionary(uniqueKeysWithValues: names.map { ($0, "dependencies:\n  - flask\n") })
        #expect(try Shipped.detect(files.merging(["app.py": "print()\n"]) { $1 }).report.install == command)
    }

    @Test func aBackEndInAFolderOfItsOwnIsFoundThere() throws {
        let files = [
            "requirements.txt": "flask==3.0\ngunicorn==23.0\n", "backend/config.py": "", "backend/models/__init__.py": "",
            "backend/app.py": "import config\nfrom models import Tide\nfrom flask import Flask\napp = Flask(__name__)\n",
        ]
        let launch = try Shipped.plan(files).artifact.launch
        #expect(launch?.command.last == "exec .venv/bin/python -m gunicorn app:app --bind 0.0.0.0:$PORT")
        #expect(launch?.environment["PYTHONPATH"] == "backend")
    }

    @Test(arguments: [
        (#""start": "tsc && node dist/index.js""#, "start", "tsc"), (#""start": "npm run build && node ."#, "start", "npm run build"),
        (#""prestart": "yarn build:all", "start": "node .""#, "prestart", "yarn build:all"),
        (#""start": "NODE_ENV=production npx webpack --mode production; node ."#, "start", "webpack --mode production"),
        (#""start": "node dist/index.js""#, nil, nil), (#""start": "tsc --noEmit; node index.js""#, nil, nil),
        (#""start": "npm run serve""#, nil, nil),
    ])
    func aStartThatBuildsIsWarnedOf(scripts: String, script: String?, command: String?) throws {
        let closed = scripts.hasSuffix("\"") ? scripts : scripts + "\""
        let warnings = try Shipped.detect([
            "package.json": "{\"scripts\": {\(closed)},\n \"dependencies\": {\"express\": \"4.21.0\"}}", "package-lock.json": "{}",
            "index.js": "require(\"express\")\n",
        ]).warnings
        guard let script, let command else { return #expect(warnings == []) }
        #expect(
            warnings == [
                Diagnostic(
                    "the script `\(script)` builds (`\(command)`) each time the server starts, which cannot write there",
                    at: SourceLocation(file: "package.json", line: 1),
                    hint: "let the script `build` do it, and `start` only run the result")
            ])
    }

    @Test func aServerWritesOnlyWhereItsFrameworkDoes() throws {
        let gemfile = "source \"https://gems.example.org\"\ngem \"puma\"\ngem \"rails\"\n"
        let rails = try Shipped.plan(["Gemfile": gemfile, "config/application.rb": "", "bin/rails": "", "config.ru": ""])
        #expect(rails.artifact.launch?.writable?.map(\.string) == ["log", "storage", "tmp"])
        let rack = try Shipped.plan(["Gemfile": gemfile.replacing("rails", with: "rack"), "config.ru": "run ->(_) { [200, {}, []] }\n"])
        #expect(rack.artifact.launch != nil && rack.artifact.launch?.writable == nil)
    }

    private let django = [
        "manage.py": "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"site.settings\")\n", "site/wsgi.py": "",
        "site/asgi.py": "", "site/settings.py": "WSGI_APPLICATION = 'site.wsgi.application'\n", "requirements.txt": "django==5.0\n",
    ]

    @Test(arguments: [
        ("gunicorn", "-m gunicorn site.wsgi --bind 0.0.0.0:$PORT"),
        ("daphne", "-m daphne -b 0.0.0.0 -p $PORT site.asgi:application"),
        ("uvicorn[standard]", "-m uvicorn site.asgi:application --host 0.0.0.0 --port $PORT"),
        ("uvicorn\ngunicorn", "-m gunicorn site.wsgi --bind 0.0.0.0:$PORT"),
    ])
    func djangoIsServedByWhatTheProjectLists(server: String, command: String) throws {
        let files = django.merging(["requirements.txt": "django==5.0\n\(server)\n"]) { $1 }
        #expect(try start(files) == "exec .venv/bin/python " + command)
    }

    @Test func djangosApplicationIsCalledAsItsSettingsCallIt() throws {
        let settings = ["site/settings.py": "# WSGI_APPLICATION = 'old.wsgi.application'\nWSGI_APPLICATION = 'site.wsgi.app'\n"]
        #expect(
            try start(django.merging(settings) { $1 }) == "exec .venv/bin/python -m gunicorn site.wsgi:app --bind 0.0.0.0:$PORT")
    }

    @Test(arguments: [
        ("STATIC_ROOT = BASE_DIR / 'collected'", "whitenoise", "collected"),
        ("STATIC_ROOT = os.path.join(BASE_DIR, \"assets/all\")", "whitenoise", "assets/all"),
        ("STATIC_ROOT = 'static-root'", "whitenoise", "static-root"),
        ("STATIC_ROOT = '/var/www/static'", "whitenoise", nil),
        ("# STATIC_ROOT = 'static-root'", "whitenoise", nil),
        ("STATIC_ROOT = 'static-root'", "pillow", nil),
    ])
    func djangosStaticFilesArePutTogetherWhereWhiteNoiseServesThem(line: String, package: String, folder: String?) throws {
        let files = django.merging([
            "site/settings.py": "WSGI_APPLICATION = 'site.wsgi.application'\n\(line)\n",
            "requirements.txt": "django==5.0\ngunicorn==23.0\n\(package)==6.0\n",
        ]) { $1 }
        let steps = try Shipped.plan(files).steps.filter { $0.id == "build" }
        #expect(
            steps.map { CommandText.typed($0.command) } == (folder == nil ? [] : [".venv/bin/python manage.py collectstatic --noinput"]))
        #expect(steps.flatMap(\.outputs).map(\.display) == [folder].compactMap(\.self))
    }

    @Test(arguments: [
        ("tsx server.ts", ["tsx"], false), ("node --import tsx server.ts", ["tsx"], false),
        ("NODE_ENV=production node -r ts-node/register server.ts", ["ts-node"], false),
        ("node -r @swc-node/register server.ts", ["@swc-node/register"], false),
        ("node_modules/.bin/vite preview", ["vite"], false), ("node dist/server.js", ["tsx", "vite", "dist-tool"], true),
    ])
    func whatStartsAServerStaysInstalledThoughItIsListedForDevelopment(line: String, tools: [String], isSmaller: Bool) throws {
        let listed = tools.map { "\"\($0)\": \"1\"" }.joined(separator: ", ")
        let manifest = """
            {"scripts": {"start": "\(line)", "build": "tsc"}, "dependencies": {"express": "4"}, "devDependencies": {\(listed)}}
            """
        let plan = try Shipped.plan(["package.json": manifest, "package-lock.json": "{}", "server.ts": ""])
        #expect(plan.steps.map(\.id) == (isSmaller ? ["install", "production", "build"] : ["install", "build"]))
        #expect(plan.artifact.leavesOut == (isSmaller ? ["install"] : []))
    }

    @Test func aToolThatIsListedForTheRunningServerTooIsNoneForDevelopment() throws {
        let manifest = #"{"scripts": {"start": "tsx a.ts", "build": "x"}, "dependencies": {"tsx": "4"}, "devDependencies": {"tsc": "1"}}"#
        let plan = try Shipped.plan(["package.json": manifest, "package-lock.json": "{}", "a.ts": ""])
        #expect(plan.steps.map(\.id) == ["install", "production", "build"])
    }

    @Test func aCommandOfNpmsThatIsNotListedIsNamedWithTheLineOfThePackageJSON() throws {
        let text = Shipped.failure { try Shipped.plan(["redwood.toml": "", "package.json": "{}", "package-lock.json": "{}"]) }
        #expect(
            text.hasSuffix("\n  hint: add the line `\"@redwoodjs/core\": \"*\",` to `package.json` in `dependencies`"), "\(text)")
    }

    @Test(arguments: [
        (["shard.yml": "name: kit\ntargets:\n  harbour:\n    main: src/a.cr\n  other:\n    main: src/b.cr\n"], "exec ./bin/harbour"),
        (["stack.yaml": "", "package.yaml": "name: kit\nexecutables:\n  harbour:\n    main: Main.hs\n"], "exec ./bin/harbour"),
        (["stack.yaml": "", "kit.cabal": "name: kit\nexecutable harbour-app\n  main-is: Main.hs\n"], "exec ./bin/harbour-app"),
        (["stack.yaml": "", "package.yaml": "name: kit\nexecutables: {}\nexecutable:\n  main: Main.hs\n"], "exec ./bin/kit"),
    ])
    func aProgramIsCalledAsItsManifestCallsIt(files: [String: String], command: String) throws {
        #expect(try start(files) == command)
    }

    @Test(arguments: [
        (
            "\"laravel/framework\": \"^11.0\"",
            "cd public && exec php -S 0.0.0.0:$PORT ../vendor/laravel/framework/src/Illuminate/Foundation/resources/server.php"
        ),
        ("\"laravel/framework\": \"^8.0\"", "exec php -S 0.0.0.0:$PORT -t public server.php"),
    ])
    func laravelIsServedWithItsOwnRouterWhereverThatLies(requirement: String, command: String) throws {
        let files = ["artisan": "", "composer.json": "{\"require\": {\(requirement)}}", "public/index.php": "", "server.php": ""]
        #expect(try start(files) == command)
    }

    @Test func ofSeveralProjectsOfASolutionTheOneThatServesIsPublished() throws {
        let library = "<Project Sdk=\"Microsoft.NET.Sdk\"></Project>\n"
        let files = [
            "Harbour.sln": "", "src/Harbour.Core/Harbour.Core.csproj": library,
            "src/Harbour.Tool/Harbour.Tool.csproj": "<Project Sdk=\"Microsoft.NET.Sdk\">\n<OutputType>Exe</OutputType>\n</Project>\n",
            "src/Harbour.Web/Harbour.Web.csproj": "<Project Sdk=\"Microsoft.NET.Sdk.Web\"></Project>\n",
        ]
        let report = try Shipped.detect(files).report
        #expect(report.build == "dotnet publish src/Harbour.Web/Harbour.Web.csproj -c Release -o out")
        #expect(report.start == "ASPNETCORE_URLS=http://0.0.0.0:$PORT exec ./out/Harbour.Web")
        let tool = try Shipped.detect(files.filter { $0.key != "src/Harbour.Web/Harbour.Web.csproj" }).report
        #expect(tool.start == "ASPNETCORE_URLS=http://0.0.0.0:$PORT exec ./out/Harbour.Tool")
    }

    @Test func aMemberOfACargoWorkspaceIsBuiltFromWhatWasFetchedAtTheRoot() throws {
        let files = [
            "Cargo.toml": "[workspace]\nmembers = [\"apps/api\"]\n",
            "apps/api/Cargo.toml": "[package]\nname = \"api\"\n[dependencies]\naxum = \"0.7\"\n", "apps/api/src/main.rs": "fn main() {}\n",
        ]
        let plan = try #require(try Shipped.plans(files).first?.plan)
        #expect(
            plan.steps.map { "\($0.id): \(CommandText.typed($0.command)) writes \($0.outputs.map(\.display).joined(separator: " "))" } == [
                "resolve: cargo generate-lockfile … writes Cargo.lock",
                "install: cargo fetch --locked … writes .cargo-home apps/api/.cargo-home",
                "api:build: cargo build --release writes apps/api/target/release/api",
            ])
        #expect(plan.steps.map { $0.environment["CARGO_HOME"] } == [".cargo-home", ".cargo-home", "../../.cargo-home"])
    }
}
