import ForgeModel
import Testing

@testable import ForgePlanning

@Suite struct PlannerTests {
    private let flask = ["app.py": "from flask import Flask\napp = Flask(__name__)\n"]

    @Test(arguments: [
        (["requirements.txt": "flask==3\n"], "add the line `gunicorn` to `requirements.txt`"),
        (
            ["pyproject.toml": "[project]\ndependencies = [\"flask\"]\n"],
            "add the line `\"gunicorn\",` to `pyproject.toml` in `dependencies` of [project]"
        ),
        (
            ["pyproject.toml": "[tool.poetry.dependencies]\nflask = \"3\"\n"],
            "add the line `gunicorn = \"*\"` to `pyproject.toml` in [tool.poetry.dependencies]"
        ),
        (
            ["pyproject.toml": "[project]\ndependencies = [\"flask\"]\n[tool.poetry]\npackage-mode = false\n"],
            "add the line `\"gunicorn\",` to `pyproject.toml` in `dependencies` of [project]"
        ),
        (
            ["pyproject.toml": "[project]\nname = \"a\"\ndynamic = [\"dependencies\"]\n[tool.poetry.dependencies]\nflask = \"3\"\n"],
            "add the line `gunicorn = \"*\"` to `pyproject.toml` in [tool.poetry.dependencies]"
        ),
        (["Pipfile": "[packages]\nflask = \"*\"\n"], "add the line `gunicorn = \"*\"` to `Pipfile` in [packages]"),
        ([:], "add the line `gunicorn` to `requirements.txt`"),
    ])
    func aServerThatIsNotListedIsNamedWithTheLineToAdd(files: [String: String], hint: String) throws {
        let text = Shipped.failure { try Shipped.plan(flask.merging(files) { $1 }) }
        #expect(text.hasPrefix("plan.server-missing (exit 30)\n"))
        #expect(text.hasSuffix("\n  hint: " + hint))
    }

    @Test func aServerInTheLockfileIsEnough() throws {
        let files = [
            "pyproject.toml": "[project]\ndependencies = [\"flask\", \"shop-base\"]\n", "uv.lock": "[[package]]\nname = \"gunicorn\"\n",
        ]
        #expect(try Shipped.plan(flask.merging(files) { $1 }).artifact.launch != nil)
    }

    @Test func fastAPIsStandardExtraBringsItsServer() throws {
        let files = ["main.py": "from fastapi import FastAPI\napp = FastAPI()\n", "requirements.txt": "fastapi[standard]==0.115\n"]
        let plan = try Shipped.plan(files)
        #expect(
            plan.artifact.launch
                == Launch(
                    command: ["/bin/sh", "-euc", "exec .venv/bin/python -m uvicorn main:app --host 0.0.0.0 --port $PORT"], port: 8000,
                    healthPath: "/", environment: ["PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"]))
    }

    @Test func aServersEnvironmentIsThePresetsAndOverItTheProjects() throws {
        let files = [
            "package.json": #"{"scripts": {"start": "node a.js"}}"#,
            "crowdforge.toml":
                "[env]\nNODE_ENV = \"staging\"\nURL = \"${CROWDFORGE_PROJECT_URL}/$$$KEY\"\n[deploy]\nhealth = \"tcp\"\nport = 81\n",
        ]
        let launch = try #require(try Shipped.plan(files).artifact.launch)
        #expect(launch.environment == ["NODE_ENV": "staging", "URL": "${CROWDFORGE_PROJECT_URL}/$$$KEY"])
        #expect(launch.port == 81)
        #expect(launch.healthPath == nil)
    }

    @Test func onlyBuildStepsMayTakeTheFrameworksPublicVariables() throws {
        let plan = try Shipped.plan([
            "package.json": #"{"scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}"#, "package-lock.json": "{}",
        ])
        #expect(plan.steps.map(\.publicVariables) == [[], ["VITE_"]])
    }

    @Test func aStartCommandOfOnesOwnNeedsNoServer() throws {
        let files = ["requirements.txt": "flask==3\n", "crowdforge.toml": "[build]\nstart = \"flask run -p $PORT\"\n"]
        let plan = try Shipped.plan(flask.merging(files) { $1 })
        #expect(plan.artifact.launch?.command == ["/bin/sh", "-euc", "PATH=\"$PWD/.venv/bin:$PATH\"; flask run -p $PORT"])
    }

    @Test(arguments: [
        (
            "deno",
            [
                "deno.json": #"{"imports": {"kit/": "https://kit.example/x@1/"}}"#, "main.ts": "",
                "deno.lock":
                    #"{"remote": {"https://mods.example/std/a.ts": "0a"}}"#,
            ], ["https://kit.example", "https://mods.example"]
        ),
        (
            "swiftpm",
            [
                "Package.swift": "  .package(url: \"https://git.example/a/b.git\", from: \"1.0.0\")\n",
                "Package.resolved":
                    #"{"pins": [{"location": "https://other.example/c.git"}]}"#, "Sources/a/main.swift": "",
            ],
            ["https://git.example", "https://other.example"]
        ),
        (
            "pub",
            [
                "pubspec.yaml": "name: a\ndependencies:\n  b: any\n", "bin/server.dart": "",
                "pubspec.lock":
                    "packages:\n  b:\n    description:\n      url: \"https://pub.example\"\n",
            ], ["https://pub.example"]
        ),
        (
            "mix",
            [
                "mix.exs": "{:a, git: \"https://git.example/a.git\"}\n",
                "mix.lock":
                    "%{\"b\": {:git, \"https://other.example/b.git\", \"0a\", []}}\n",
            ], ["https://git.example", "https://other.example"]
        ),
    ])
    func whereAProjectSaysThatItsPackagesLieItsInstallMayGo(manager: String, files: [String: String], origins: [String]) throws {
        let registries = try Shipped.plan(files).steps.compactMap(\.registries).first
        #expect(registries?.manager == manager)
        #expect(registries?.origins.map(\.description) == origins)
    }

    @Test func aProjectWithoutDependenciesHasNoInstallStep() throws {
        let plan = try Shipped.plan([
            "package.json": #"{"scripts": {"build": "node b.js"}, "dependencies": {}, "devDependencies": {}}"#, "package-lock.json": "{}",
        ])
        #expect(plan.steps.map(\.id) == ["build"])
        #expect(plan.steps[0].needs == [])
        #expect(plan.artifact.kind == .static)
    }

    @Test func theProjectsVariablesStayOutOfTheInstall() throws {
        let files = [
            "package.json": #"{"scripts": {"build": "b"}, "devDependencies": {"x": "1"}}"#, "package-lock.json": "{}",
            "crowdforge.toml": "[env]\nNODE_ENV = \"production\"\nURL = \"$CROWDFORGE_PROJECT_URL\"\n",
        ]
        let plan = try Shipped.plan(files)
        #expect(plan.steps[0].environment["NODE_ENV"] == nil)
        #expect(plan.steps[0].environment["URL"] == nil)
        #expect(plan.steps[1].environment == ["CI": "true", "NODE_ENV": "production", "URL": "$CROWDFORGE_PROJECT_URL"])
    }

    @Test func anInstallThatRunsTheProjectsScriptsSeesTheProject() throws {
        let files = [
            "package.json": #"{"scripts": {"build": "b", "postinstall": "node x.js"}, "dependencies": {"x": "1"}}"#,
            "package-lock.json": "{}",
        ]
        #expect(try Shipped.plan(files).steps[0].inputs == [])
        let local = ["requirements.txt": "-e .\ngunicorn==1\n", "setup.py": "", "main.py": ""]
        #expect(try Shipped.plan(local).steps[0].inputs == [])
    }

    @Test func aMissingLockfileIsAWarning() throws {
        let plan = try Shipped.plan(["package.json": #"{"scripts": {"build": "b"}, "dependencies": {"x": "1"}}"#])
        #expect(
            plan.steps.map(\.command) == [
                ["npm", "install", "--package-lock-only", "--ignore-scripts"], ["npm", "ci"], ["npm", "run", "build"],
            ])
        #expect(plan.steps.map(\.needs) == [[], ["resolve"], ["install"]])
        #expect(
            plan.warnings == [
                Diagnostic(
                    "dependencies are not locked: there is no `package-lock.json`", at: SourceLocation(file: "package.json"),
                    hint: "install once with npm and commit `package-lock.json`")
            ])
    }

    @Test func aServerIsInstalledWithoutWhatOnlyItsBuildNeeds() throws {
        let lock = ["package-lock.json": "{}", "server.js": ""]
        func plan(_ manifest: String) throws -> BuildPlan { try Shipped.plan(lock.merging(["package.json": manifest]) { $1 }) }
        // Nothing is built: the one installation is the server's.
        let plain = try plan(#"{"dependencies": {"x": "1"}, "devDependencies": {"y": "1"}}"#)
        #expect(plain.steps.map(\.command) == [["npm", "ci", "--omit=dev"]])
        #expect(plain.artifact.leavesOut == [])
        // Something is built: with everything, beside the installation that the server runs with.
        let built = try plan(#"{"scripts": {"build": "b", "start": "s"}, "dependencies": {"x": "1"}, "devDependencies": {"y": "1"}}"#)
        #expect(built.steps.map(\.id) == ["install", "production", "build"])
        #expect(built.steps.map(\.command) == [["npm", "ci"], ["npm", "ci", "--omit=dev"], ["npm", "run", "build"]])
        #expect(built.steps.map(\.needs) == [[], [], ["install"]])
        #expect(built.artifact.leavesOut == ["install"])
        // Without dependencies for development both would be the same.
        let lean = try plan(#"{"scripts": {"build": "b", "start": "s"}, "dependencies": {"x": "1"}}"#)
        #expect(lean.steps.map(\.id) == ["install", "build"])
    }

    @Test func registriesOfTheProjectsOwnConfigurationAreNamedInThePlan() throws {
        let npm = try Shipped.plan([
            "package.json": #"{"scripts": {"start": "s"}, "dependencies": {"x": "1"}}"#, "package-lock.json": "{}",
            ".npmrc":
                "@acme:registry=https://npm.acme.example/private/\n; registry=https://no.example\nfund=false\nregistry = http://10.0.0.1:4873\n",
        ])
        #expect(
            npm.steps[0].registries
                == Step.Registries(
                    manager: "npm",
                    origins: [try EgressOrigin(parsing: "http://10.0.0.1:4873"), try EgressOrigin(parsing: "https://npm.acme.example")],
                    replaces: ["npm_config_registry"], lockfile: try RelativePath(parsing: "package-lock.json"),
                    witnesses: [try RelativePath(parsing: "node_modules/.package-lock.json")]))
        let pip = try Shipped.plan([
            "requirements.txt":
                "--index-url https://user:secret@pypi.acme.example/simple\nflask==3 --hash=sha256:00\ngunicorn==1 --hash=sha256:00\n",
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        ])
        #expect(
            pip.steps.map(\.registries) == [
                Step.Registries(
                    manager: "pip", origins: [try EgressOrigin(parsing: "https://pypi.acme.example")],
                    lockfile: try RelativePath(parsing: "requirements.txt"),
                    witnesses: [try RelativePath(parsing: ".venv/pyvenv.cfg")])
            ])
        #expect(pip.warnings == [])
    }

    @Test func outputWithoutAStartCommandIsASite() throws {
        let files = ["package.json": #"{"scripts": {"build": "b"}}"#, "crowdforge.toml": "[build]\noutput = \"out/web\"\n"]
        let plan = try Shipped.plan(files)
        #expect(plan.artifact == ArtifactSpec(kind: .static, output: try RelativePath(parsing: "out/web"), launch: nil, routes: []))
        let python = try Shipped.plan([
            "requirements.txt": "mkdocs==1\n", "main.py": "", "crowdforge.toml": "[build]\ncommand = \"mkdocs build\"\noutput = \"site\"\n",
        ])
        #expect(python.artifact.kind == .static)
        #expect(python.steps.map(\.id) == ["resolve", "install", "build"])
        #expect(python.steps[2].command == ["/bin/sh", "-euc", "PATH=\"$PWD/.venv/bin:$PATH\"; mkdocs build"])
    }

    @Test func aCommandOfOnesOwnReplacesTheFrameworks() throws {
        let files = ["hugo.toml": "", "content/a.md": "", "crowdforge.toml": "[build]\ncommand = \"hugo --gc && ls\"\n"]
        #expect(try Shipped.plan(files).steps.map(\.command) == [["/bin/sh", "-euc", "hugo --gc && ls"]])
    }

    @Test(arguments: [("publishDir = \"www\"", "hugo.toml"), ("publishDir: www", "hugo.yaml"), ("{\"publishDir\": \"www\"}", "hugo.json")])
    func hugosPublishFolderIsHonored(config: String, file: String) throws {
        let plan = try Shipped.plan([file: "# publishDir = \"old\"\n" + config])
        #expect(plan.steps[0].command == ["hugo", "--minify", "--destination", "www"])
        #expect(plan.artifact.output.string == "www")
    }

    @Test func anOutputThatLeavesTheProjectIsRefused() throws {
        let files = ["package.json": #"{"scripts": {"build": "vite build --outDir ../site"}, "devDependencies": {"vite": "5"}}"#]
        #expect(Shipped.failure { try Shipped.plan(files) }.hasPrefix("plan.output-outside (exit 30)\n"))
    }

    @Test func anOutputThatIsTheWholeProjectIsRefused() throws {
        let files = ["index.html": "", "crowdforge.toml": "[build]\ncommand = \"make\"\noutput = \".\"\n"]
        #expect(Shipped.failure { try Shipped.plan(files) }.hasPrefix("plan.output-is-root (exit 30)\ncrowdforge.toml:3:10: "))
    }

    @Test func outputsOfTwoStepsMayNotOverlap() throws {
        let files = [
            "package.json": #"{"scripts": {"build": "b"}, "dependencies": {"x": "1"}}"#,
            "crowdforge.toml": "[build]\noutput = \"node_modules/out\"\n",
        ]
        #expect(Shipped.failure { try Shipped.plan(files) }.hasPrefix("plan.outputs-overlap (exit 30)\ncrowdforge.toml:2:10: "))
    }

    @Test func aServerNobodyCanStartIsRefused() throws {
        #expect(Shipped.failure { try Shipped.plan(["requirements.txt": "requests==2\n"]) }.hasPrefix("plan.start-missing (exit 30)\n"))
    }

    @Test func aFilesNameCannotSmuggleACommandIntoTheShell() throws {
        let files = [
            "a;rm -rf $HOME/app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask==3\ngunicorn==23\n",
        ]
        #expect(
            try Shipped.plan(files).artifact.launch?.command.last
                == "exec .venv/bin/python -m gunicorn 'a;rm -rf $HOME.app:app' --bind 0.0.0.0:$PORT")
    }

    @Test func aDockerfileThatIsAskedForMustBeThere() throws {
        let text = Shipped.failure { try Shipped.plan(["index.html": "", "crowdforge.toml": "[build]\nframework = \"dockerfile\"\n"]) }
        #expect(text.hasPrefix("plan.dockerfile-missing (exit 30)\ncrowdforge.toml:2:13: there is no `Dockerfile` in `.`"))
    }

    @Test func theSamePlanHasTheSameJSON() throws {
        let files = ["index.html": "", "b.html": ""]
        #expect(try Shipped.json(Shipped.plan(files)) == Shipped.json(Shipped.plan(files)))
    }
}
