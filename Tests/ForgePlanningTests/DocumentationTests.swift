import ForgeModel
import Testing

@testable import ForgePlanning

/// Documentation says in places of its own what it is made with.
@Suite struct DocumentationTests {
    private let mkdocs = ["mkdocs.yml": "site_name: Tides\n", "docs/index.md": "# Tides\n"]
    private let library = "[build-system]\nrequires = []\n[project]\nname = \"tides\"\n"

    private func plan(_ files: [String: String]) throws -> BuildPlan { try Shipped.plan(mkdocs.merging(files) { $1 }) }

    /// How its install is shown, and what that reads; nil stands for the whole source.
    private func install(_ files: [String: String]) throws -> [String?] {
        let files = mkdocs.merging(files) { $1 }
        let step = try Shipped.plan(files).steps.first { $0.id == "install" }
        return [try Shipped.detect(files).report.install] + (step?.inputs.isEmpty == true ? [nil] : step?.inputs ?? [])
    }

    private let pip = "python3 -m venv .venv && .venv/bin/python -m pip install "

    @Test(arguments: [
        "docs/requirements.txt", "doc/requirements.txt", "requirements-docs.txt", "docs-requirements.txt", "requirements/docs.txt",
    ])
    func aListForDocumentationIsInstalledInPlaceOfTheProgramsOwn(list: String) throws {
        let files = [list: "mkdocs==1.6\n", "requirements.txt": "requests==2.32\n"]
        let found = try install(files)
        #expect(found.first == pip + "-r \(list)")
        #expect(found.contains(list))
        #expect(try install(["requirements.txt": "mkdocs==1.6\n"]).first == pip + "-r requirements.txt")
    }

    @Test(arguments: [".readthedocs.yaml", ".readthedocs.yml"])
    func readTheDocsFileSaysWhichListAndWhetherTheProjectItselfIsInstalled(name: String) throws {
        let list = "python:\n  install:\n    - requirements: manual/pages.txt\n"
        #expect(try install([name: list, "manual/pages.txt": "mkdocs==1.6\n"]).first == pip + "-r manual/pages.txt")
        let second = "python:\n  install:\n    - method: pip\n      path: .\n    - requirements: manual/pages.txt\n"
        #expect(
            try install([name: second, "manual/pages.txt": "mkdocs==1.6\n", "pyproject.toml": library])
                == [pip + "-r manual/pages.txt .", nil])
        // A list that is not there is none.
        #expect(try install([name: list, "requirements.txt": "mkdocs==1.6\n"]).first == pip + "-r requirements.txt")
    }

    @Test func pagesThatAreMadeOfModulesNeedTheModules() throws {
        let plugins = ["mkdocs.yml": "site_name: Tides\nplugins:\n  - search\n  - mkdocstrings:\n"]
        let files = plugins.merging(["docs/requirements.txt": "mkdocs==1.6\n", "pyproject.toml": library]) { $1 }
        #expect(try install(files) == [pip + "-r docs/requirements.txt .", nil])
        let steps = try plan(files).steps
        #expect(steps.map(\.id) == ["resolve", "install", "build"])
        #expect(
            steps[1].command.last?.hasPrefix(
                """
                # pip install -r docs/requirements.txt .
                list=requirements.resolved.txt; [ -e "$list" ] || list=docs/requirements.txt
                hashed=; if grep -q -e '--hash=' "$list"; then hashed=--require-hashes; fi
                python3 -m venv --without-pip .venv
                python3 -m pip --python .venv/bin/python install --no-compile $hashed -r "$list"
                python3 -m pip --python .venv/bin/python install --no-compile .
                """) == true)
    }

    @Test func aListWithHashesIsTheLock() throws {
        let files = ["docs/requirements.txt": "mkdocs==1.6 --hash=sha256:00\n"]
        let plan = try plan(files)
        #expect(plan.steps.map(\.id) == ["install", "build"])
        #expect(plan.warnings == [])
        let loose = try self.plan(["docs/requirements.txt": "mkdocs==1.6\n"])
        #expect(
            loose.warnings.map(\.message)
                == ["dependencies are not locked: `docs/requirements.txt` has no hashes, and does not list what they need in turn"])
    }

    @Test(arguments: [
        ("[project]\nname = \"t\"\n[dependency-groups]\ndocs = [\"mkdocs\"]\n", "uv.lock", "uv sync --frozen --group=docs"),
        ("[project]\nname = \"t\"\n[dependency-groups]\ndev = [\"mkdocs\"]\n", "uv.lock", "uv sync --frozen --group=dev"),
        ("[project]\nname = \"t\"\n[dependency-groups]\ndev = [\"pytest\"]\n", "uv.lock", "uv sync --frozen --no-dev"),
        ("[project]\nname = \"t\"\n[project.optional-dependencies]\ndocs = [\"mkdocs\"]\n", "uv.lock", "uv sync --frozen --extra=docs"),
        (
            "[tool.poetry]\nname = \"t\"\n[tool.poetry.group.docs.dependencies]\nmkdocs = \"*\"\n", "poetry.lock",
            "poetry install --only main,docs --no-root --no-interaction"
        ),
        (
            "[tool.poetry]\nname = \"t\"\n[tool.poetry.dev-dependencies]\nmkdocs = \"*\"\n", "poetry.lock",
            "poetry install --only main,dev --no-root --no-interaction"
        ),
        (
            "[project]\nname = \"t\"\n[tool.pdm.dev-dependencies]\ndoc = [\"mkdocs\"]\n", "pdm.lock",
            "pdm install --check --group=doc --no-editable"
        ),
    ])
    func whatASiteIsMadeWithIsInstalledFromItsGroup(manifest: String, lockfile: String, command: String) throws {
        #expect(try Shipped.detect(mkdocs.merging(["pyproject.toml": manifest, lockfile: ""]) { $1 }).report.install == command)
    }

    @Test func pipenvInstallsWhatIsForDevelopmentWhereASiteIsMade() throws {
        let pipfile = ["Pipfile": "[dev-packages]\nmkdocs = \"*\"\n", "Pipfile.lock": "{}"]
        #expect(try install(pipfile).first == "pipenv install --deploy --dev")
    }

    @Test func aServerInstallsNoneOfIt() throws {
        let files = [
            "app.py": "from flask import Flask\napp = Flask(__name__)\n", "uv.lock": "", "docs/requirements.txt": "mkdocs\n",
            "pyproject.toml":
                "[project]\nname = \"t\"\ndependencies = [\"flask\", \"gunicorn\"]\n[dependency-groups]\ndocs = [\"mkdocs\"]\n",
        ]
        #expect(try Shipped.detect(files).report.install == "uv sync --frozen --no-dev")
    }

    @Test func sphinxIsFoundWhereReadTheDocsFileSaysThatItLies() throws {
        let files = [
            ".readthedocs.yaml": "version: 2\nsphinx:\n  configuration: manual/source/conf.py\n", "manual/source/conf.py": "",
            "manual/source/index.rst": "",
        ]
        let report = try Shipped.detect(files).report
        #expect([report.preset, report.build] == ["sphinx", "sphinx-build -b html manual/source _build/html"])
    }
}
