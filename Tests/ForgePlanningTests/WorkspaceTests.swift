import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

@Suite struct WorkspaceTests {
    private let server = #""scripts": {"start": "node a.js"}"#

    /// `path  name  -> what it depends on`, a line for each member.
    private func members(_ files: [String: String]) throws -> String {
        let workspace = try #require(try Shipped.survey(files).workspace)
        return workspace.members.map { member in
            let needs = member.dependencies.map(\.display).joined(separator: " ")
            return "\(member.path) \(member.name)" + (needs.isEmpty ? "" : " -> \(needs)")
        }.joined(separator: "\n")
    }

    // Who belongs to it

    @Test func npmsListIsAnArrayOrAnObjectAndAnEntryWithAMarkTakesAway() throws {
        let packages = [
            "apps/web/package.json": #"{"name": "web", "devDependencies": {"ui": "^1"}, "peerDependencies": {"tool": "*"}}"#,
            "apps/old/package.json": "{}", "packages/ui/package.json": #"{"name": "ui", "optionalDependencies": {"tool": "*"}}"#,
            "packages/deep/tool/package.json": #"{"name": "tool"}"#, "packages/notes.txt": "",
        ]
        let expected = """
            . shop
            apps/web web -> packages/deep/tool packages/ui
            packages/deep/tool tool
            packages/ui ui -> packages/deep/tool
            """
        let list = #"["apps/*", "!apps/old", "./packages/**"]"#
        for workspaces in [list, "{\"nohoist\": [], \"packages\": \(list)}"] {
            let root = "{\"name\": \"shop\", \"workspaces\": \(workspaces)}"
            #expect(try members(packages.merging(["package.json": root]) { $1 }) == expected)
        }
    }

    @Test func pnpmsListIsYAMLAndItsProtocolNamesThePackage() throws {
        let files = [
            "package.json": #"{"name": "shop", "workspaces": ["ignored/*"]}"#, "ignored/a/package.json": "{}",
            "pnpm-workspace.yaml": "packages:\n  - 'a/*'\n  - \"!**/test/**\"\n",
            "a/web/package.json": #"{"name": "@x/web", "dependencies": {"kit": "workspace:@x/ui@*", "z": "link:../ui"}}"#,
            "a/ui/package.json": #"{"name": "@x/ui"}"#, "a/test/package.json": "{}",
        ]
        #expect(try members(files) == ". shop\na/ui @x/ui\na/web @x/web -> a/ui")
    }

    @Test func uvsMembersAreComparedAsTheIndexComparesNames() throws {
        let files = [
            "pyproject.toml": "[tool.uv.workspace]\nmembers = [\"apps/*\", \"libs/*\"]\nexclude = [\"apps/old\"]\n",
            "apps/api/pyproject.toml":
                "[project]\nname = \"api\"\ndependencies = [\"Tide.Lib>=1\"]\n[tool.uv.sources]\nother = { path = \"../../libs/far\" }\n",
            "apps/old/pyproject.toml": "[project]\nname = \"old\"\n", "libs/tide/pyproject.toml": "[project]\nname = \"tide_lib\"\n",
            "libs/far/pyproject.toml": "[project]\nname = \"far\"\n",
        ]
        #expect(try members(files) == "apps/api api -> libs/far libs/tide\nlibs/far far\nlibs/tide tide-lib")
    }

    @Test func cargosMembersNeedEachOtherByPathAlsoThroughTheWorkspace() throws {
        let files = [
            "Cargo.toml": """
            [package]
            name = "top"
            [workspace]
            members = ["api", "crates/*"]
            exclude = ["crates/old"]
            [workspace.dependencies]
            tide = { path = "crates/tide" }
            """,
            "api/Cargo.toml": "[package]\nname = \"api\"\n[dependencies]\ntide = { workspace = true }\nserde = \"1\"\n",
            "crates/tide/Cargo.toml":
                "[package]\nname = \"tide\"\n[target.'cfg(unix)'.build-dependencies]\nmoon = { path = \"../moon\" }\n",
            "crates/moon/Cargo.toml": "[package]\nname = \"moon\"\n", "crates/old/Cargo.toml": "[package]\nname = \"old\"\n",
        ]
        #expect(try members(files) == ". top\napi api -> crates/tide\ncrates/moon moon\ncrates/tide tide -> crates/moon")
    }

    @Test func gosModulesNeedEachOtherByNameOrReplacement() throws {
        let files = [
            "go.work": "go 1.22\nuse ./api // server\nuse (\n\t\"./tide\"\n\t./moon\n)\n",
            "api/go.mod": "module x.org/api\nrequire (\n\tx.org/tide v1.0.0 // indirect\n)\n",
            "tide/go.mod": "module x.org/tide\nreplace x.org/other => ../moon\n", "moon/go.mod": "module x.org/moon\n",
        ]
        #expect(try members(files) == "api x.org/api -> tide\nmoon x.org/moon\ntide x.org/tide -> moon")
    }

    @Test func severalHundredMembersAreAllFound() throws {
        var files = ["package.json": #"{"workspaces": ["p/*"]}"#]
        for number in 0..<300 { files["p/m\(number)/package.json"] = "{}" }
        #expect(try Shipped.survey(files).workspace?.members.count == 301)
    }

    // Mistakes

    @Test(arguments: [
        (
            ["package.json": "{\n  \"workspaces\": \"apps/*\"\n}"],
            "workspace.members-type (exit 10)\npackage.json:2:17: `workspaces` must be a list of folders and patterns, each a text\n  hint: write it like `[\"apps/*\", \"packages/*\"]`"
        ),
        (
            ["package.json": "{\n  \"workspaces\": [\n    \"../other\"\n  ]\n}"],
            "workspace.pattern (exit 10)\npackage.json:3:5: workspace member `../other`: path pattern `../other` leaves the project: `..` is not allowed\n  hint: members lie below the folder of `package.json`"
        ),
        (
            ["package.json": #"{"workspaces": ["a/*"]}"#, "a/b/package.json": "{\n  \"name\": \"b\",\n}"],
            "detect.manifest-syntax (exit 10)\na/b/package.json:2:14: `a/b/package.json` is not valid JSON: a comma before `}`\n  hint: correct the file: it decides how the project is built"
        ),
        (
            ["package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - 'a/*\n"],
            "detect.manifest-syntax (exit 10)\npnpm-workspace.yaml:3:1: `pnpm-workspace.yaml` is not valid YAML: found unexpected end of stream\n  hint: correct the file: it decides how the project is built"
        ),
        (
            ["package.json": #"{"workspaces": ["a/*"]}"#, "a/b/package.json": #"{"name": "x"}"#, "a/c/package.json": #"{"name": "x"}"#],
            "workspace.duplicate-name (exit 10)\na/c/package.json: two members of the workspace are called `x`: `a/b/package.json` and `a/c/package.json`\n  hint: give one of them another `name`"
        ),
        (
            ["Cargo.toml": "[workspace]\nmembers = [\n  \"crates/tdie\",\n]\n", "crates/tide/Cargo.toml": "[package]\nname = \"tide\"\n"],
            "workspace.member-missing (exit 10)\nCargo.toml:3:3: workspace member `crates/tdie` has no `Cargo.toml`\n  hint: did you mean `crates/tide`?"
        ),
    ])
    func aMistakeIsShownWithItsPlace(files: [String: String], text: String) throws {
        #expect(Shipped.failure { try Shipped.survey(files) } == text)
    }

    @Test func aliasesThatStandForTooMuchAreRefused() throws {
        let levels = (1...9).map { "l\($0): &l\($0) [\(Array(repeating: "*l\($0 - 1)", count: 10).joined(separator: ", "))]\n" }
        let text = "l0: &l0 [x]\n" + levels.joined() + "packages: *l9\n"
        let failure = Shipped.failure { try Shipped.survey(["package.json": "{}", "pnpm-workspace.yaml": text]) }
        #expect(failure.contains("more than 100000 values"))
    }

    // Apps and libraries

    private func apps(_ files: [String: String]) throws -> [String] { try Shipped.survey(files).apps.map(\.name) }

    @Test func serversAndPagesAreAppsAndWhatOthersBuildUponIsNone() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"], "scripts": {"build": "turbo build"}}"#, "p/api/package.json": "{\(server)}",
            "p/site/package.json": #"{"scripts": {"build": "x"}, "dependencies": {"kit": "*"}}"#, "p/site/index.html": "",
            "p/kit/package.json": #"{"name": "kit", "scripts": {"build": "vite build"}, "devDependencies": {"vite": "5"}}"#,
            "p/lint/package.json": #"{"name": "lint", "scripts": {"build": "tsc"}}"#,
        ]
        let survey = try Shipped.survey(files)
        #expect(survey.apps.map(\.name) == ["api", "site"])
        #expect(survey.own == nil)
        #expect(survey.report.preset == nil)
        #expect(survey.report.build == "npm run build")
    }

    @Test func aRootThatIsStartedIsAnAppOfItsOwn() throws {
        let survey = try Shipped.survey([
            "package.json": #"{"name": "top", "workspaces": ["p/*"], "scripts": {"start": "node a.js"}, "dependencies": {"kit": "*"}}"#,
            "p/api/package.json": "{\(server)}", "p/kit/package.json": #"{"name": "kit", "scripts": {"build": "x"}}"#,
        ])
        #expect(survey.own?.name == "top")
        #expect(survey.report.preset == "node")
        #expect(survey.report.apps.map(\.name) == ["api"])
        let plan = try #require(try Planner.plans(survey).first?.plan)
        #expect(plan.steps.map(\.id) == ["resolve", "install", "production", "kit:build"])
        #expect(plan.artifact.excludes?.map(\.string) == ["p/api"])
    }

    @Test func whatOneMemberGeneratesIsKeptInTheStepsOfAllAndInEveryServer() throws {
        let plans = try Planner.plans(
            Shipped.survey([
                "package.json": #"{"workspaces": ["p/*"]}"#, "package-lock.json": "{}",
                "p/db/package.json": #"{"name": "db", "scripts": {"build": "prisma generate"}, "dependencies": {"@prisma/client": "6"}}"#,
                "p/api/package.json": "{\(server), \"dependencies\": {\"db\": \"*\"}}",
                "p/other/package.json": "{\(server), \"dependencies\": {\"db\": \"*\"}}",
            ]))
        let generated = ["", "p/api/", "p/db/", "p/other/"].flatMap { folder in
            [".prisma", ".zenstack"].map { "\(folder)node_modules/\($0)" }
        }
        #expect(plans.map(\.name) == ["api", "other"])
        for plan in plans.map(\.plan) {
            #expect(plan.steps.filter { $0.amends != nil }.map(\.id) == ["db:build"])
            #expect(plan.steps.compactMap(\.amends) == [generated])
            #expect(plan.artifact.keeps == generated)
        }
    }

    @Test func aWorkspaceOfLibrariesIsRecognizedAndNotBuilt() throws {
        let files = ["package.json": #"{"workspaces": ["p/*"]}"#, "p/kit/package.json": #"{"name": "kit"}"#, "package-lock.json": "{}"]
        let survey = try Shipped.survey(files)
        #expect(survey.report.packageManager == "npm")
        #expect(survey.report.language == "node")
        #expect(
            Shipped.failure { try Planner.plans(survey) }
                == "app.none (exit 20)\nnone of the members of the workspace is an app (`p/kit`)\n  hint: name one in `crowdforge.toml`: `[[app]]` with `name` and `root`"
        )
    }

    @Test func theProjectSaysWhatItsAppsAre() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"]}"#, "p/a/package.json": "{\(server)}", "p/b/package.json": #"{"name": "b"}"#,
            "crowdforge.toml":
                "[[app]]\nname = \"docs\"\nroot = \"p/b\"\ncommand = \"make\"\noutput = \"out\"\n[[app]]\nname = \"worker\"\nroot = \"tools/worker\"\nstart = \"./run\"\n",
            "tools/worker/run": "",
        ]
        let plans = try Shipped.plans(files)
        #expect(plans.map(\.name) == ["docs", "worker"])
        #expect(plans.map { $0.plan.steps.map(\.id) } == [["resolve", "install", "docs:build"], []])
        #expect(plans[0].plan.artifact.output.string == "p/b/out")
        #expect(plans[1].plan.artifact.launch?.directory?.string == "tools/worker")
    }

    @Test func whatAServerWritesToLiesInItsOwnFolder() throws {
        let files = [
            "pyproject.toml": "[tool.uv.workspace]\nmembers = [\"apps/*\"]\n", "uv.lock": "version = 1\n",
            "apps/web/pyproject.toml": "[project]\nname = \"web\"\nversion = \"1\"\ndependencies = [\"python-fasthtml\"]\n",
            "apps/web/main.py": "from fasthtml.common import serve\nserve()\n",
        ]
        #expect(try Shipped.plans(files).map { $0.plan.artifact.launch?.writable?.map(\.string) } == [["apps/web"]])
    }

    @Test func anAppsOwnFileSpeaksForItAlone() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"]}"#, "p/a/package.json": "{\(server)}", "p/b/package.json": "{\(server)}",
            "crowdforge.toml": "[env]\nTONE = \"calm\"\n", "p/a/crowdforge.toml": "[env]\nNAME = \"a\"\n[deploy]\nport = 4000\n",
        ]
        let plans = try Shipped.plans(files)
        #expect(plans.map { $0.plan.artifact.launch?.port } == [4000, 3000])
        #expect(plans.map { $0.plan.artifact.launch?.environment["NAME"] } == ["a", nil])
        #expect(plans.map { $0.plan.artifact.launch?.environment["TONE"] } == ["calm", "calm"])
    }

    @Test func foldersThatShareANameAreCalledByTheirPath() throws {
        let files = [
            "package.json": #"{"workspaces": ["a/*", "b/*"]}"#, "a/web/package.json": "{\(server), \"name\": \"x\"}",
            "b/web/package.json": "{\(server), \"name\": \"y\"}", "b/api/package.json": "{\(server), \"name\": \"@z/api\"}",
        ]
        let survey = try Shipped.survey(files)
        #expect(survey.apps.map(\.name) == ["a-web", "api", "b-web"])
        #expect(try ["b-web", "y", "b/web"].map { try survey.app($0).root.string } == ["b/web", "b/web", "b/web"])
        #expect(try survey.app("@z/api").name == "api")
        #expect(Shipped.failure { try survey.app("b-wbe") } == "app.unknown (exit 10)\nno app named `b-wbe`\n  hint: did you mean `b-web`?")
    }

    @Test func aFolderOfAWorkspaceIsThatAppWithTheLockfileAboveIt() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"]}"#, "package-lock.json": "{}", "p/a/package.json": "{\(server)}",
            "p/b/package.json": "{\(server)}", ".nvmrc": "22\n", "crowdforge.toml": "[build]\nroot = \"p/a\"\n",
        ]
        let survey = try Shipped.survey(files)
        #expect(survey.report.root == "p/a")
        #expect(survey.report.packageManager == "npm")
        #expect(survey.report.runtimeVersion == "22")
        #expect(survey.report.install == "npm ci")
        let plan = try #require(try Planner.plans(survey).first?.plan)
        #expect(plan.root == .root)
        #expect(plan.warnings == [])
    }

    // Steps

    @Test func anInstallReadsAMembersFilesOnlyWhereItsManifestSaysSo() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"]}"#, "package-lock.json": "{}", "p/a/package.json": "{\(server)}",
            "p/b/package.json": #"{"name": "b", "scripts": {"prepare": "x"}}"#,
            "p/c/package.json": #"{"name": "c", "dependencies": {"v": "file:../../vendor/v"}}"#, "vendor/v/package.json": "{}",
            "p/d/package.json": #"{"name": "d", "bin": {"d": "./cli.js"}}"#, "p/d/cli.js": "",
        ]
        let install = try #require(try Shipped.plans(files).first?.plan.steps.first)
        #expect(
            install.inputs == [
                "package.json", "package-lock.json", "p/a/package.json", "p/b/**", "p/c/**", "vendor/v/**", "p/d/package.json",
                "p/d/cli.js",
            ])
    }

    @Test func aPythonAppInstallsForItselfAndVersionsAreResolvedForAll() throws {
        let files = [
            "pyproject.toml": "[tool.uv.workspace]\nmembers = [\"apps/*\", \"libs/*\"]\n",
            "apps/a/pyproject.toml": "[project]\nname = \"a\"\ndependencies = [\"flask\", \"gunicorn\", \"lib\"]\n",
            "apps/a/app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "apps/b/pyproject.toml": "[project]\nname = \"b\"\ndependencies = [\"flask\", \"gunicorn\"]\n",
            "apps/b/app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "libs/lib/pyproject.toml": "[project]\nname = \"lib\"\n[build-system]\nrequires = []\n",
        ]
        let survey = try Shipped.survey(files)
        #expect(survey.own == nil, "what lies in members is not the root's")
        let plans = try Planner.plans(survey).map(\.plan)
        #expect(plans.map { $0.steps.map(\.id) } == [["resolve", "a:install"], ["resolve", "b:install"]])
        #expect(plans[0].steps[0] == plans[1].steps[0])
        #expect(plans.map { $0.steps[1].inputs.contains("libs/lib/**") } == [true, false])
        #expect(plans.map { $0.steps[1].environment["UV_PROJECT_ENVIRONMENT"] } == ["apps/a/.venv", "apps/b/.venv"])
    }

    @Test func membersThatNeedEachOtherAreBuiltInOneOrderWhicheverAppIsAskedFor() throws {
        func package(_ name: String, _ needs: String...) -> String {
            let list = needs.map { "\"\($0)\": \"*\"" }.joined(separator: ", ")
            return "{\"name\": \"\(name)\", \"scripts\": {\"build\": \"x\"}, \"dependencies\": {\(list)}}"
        }
        let files = [
            "package.json": #"{"workspaces": ["apps/*", "libs/*"]}"#, "libs/a/package.json": package("a", "b"),
            "libs/b/package.json": package("b", "c"), "libs/c/package.json": package("c", "a"),
            "apps/one/package.json": package("one", "a"), "apps/one/index.html": "", "apps/two/package.json": package("two", "c"),
            "apps/two/index.html": "",
        ]
        let plans = try Shipped.plans(files).map(\.plan)
        let needs = plans.map { plan in Dictionary(uniqueKeysWithValues: plan.steps.map { ($0.id, $0.needs) }) }
        #expect(needs[0].filter { !$0.key.hasPrefix("one") } == needs[1].filter { !$0.key.hasPrefix("two") })
        #expect(needs[0]["a:build"] == ["install"])
        #expect(needs[0]["b:build"] == ["install", "a:build"])
        #expect(needs[0]["c:build"] == ["install", "b:build"])
        #expect(needs[0]["one:build"] == ["install", "c:build"])
        for id in ["a:build", "b:build", "c:build"] {
            #expect(plans[0].steps.first { $0.id == id } == plans[1].steps.first { $0.id == id })
        }
    }

    @Test func aServerThatAnotherAppNeedsIsBuiltAsItsLibraryToo() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"]}"#,
            "p/api/package.json": #"{"name": "api", "scripts": {"build": "x", "start": "y"}}"#,
            "p/web/package.json": #"{"name": "web", "scripts": {"build": "x"}, "dependencies": {"api": "*"}}"#, "p/web/index.html": "",
        ]
        let plans = try Shipped.plans(files)
        #expect(
            plans.map { $0.plan.steps.map(\.id) } == [
                ["resolve", "install", "api:production", "api:build"], ["resolve", "install", "api:library", "web:build"],
            ])
    }

    @Test func programsAreFoundAtTheRootOfTheWorkspaceAsWell() throws {
        let files = [
            "package.json": #"{"workspaces": ["p/*"]}"#,
            "p/web/package.json": #"{"devDependencies": {"vite": "5"}, "scripts": {"dev": "vite"}}"#, "p/web/vite.config.js": "",
            "p/api/package.json": #"{"scripts": {"x": "y"}}"#, "p/api/crowdforge.toml": "[build]\ncommand = \"tsc\"\nstart = \"serve\"\n",
        ]
        let plans = try Shipped.plans(files).map(\.plan)
        let path = "PATH=\"$PWD/node_modules/.bin:$PWD/../../node_modules/.bin:$PATH\"; "
        #expect(plans[0].artifact.launch?.command == ["/bin/sh", "-euc", path + "serve"])
        #expect(plans[1].steps.last?.command == ["/bin/sh", "-euc", path + "exec vite build"])
    }
}
