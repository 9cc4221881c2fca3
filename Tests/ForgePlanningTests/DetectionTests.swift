import ForgeModel
import ForgePresets
import Testing

@testable import ForgePlanning

@Suite struct DetectionTests {
    private let next = #"{"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "14"}}"#

    // What other systems trip over

    @Test func aByteOrderMarkDoesNotHideAManifest() throws {
        let detection = try Shipped.detect(
            MemoryTree(bytes: ["package.json": [0xEF, 0xBB, 0xBF] + Array(next.utf8), "next.config.js": []]))
        #expect(detection.report.build == "npm run build")
    }

    @Test(arguments: [true, false])
    func aManifestInUTF16IsRead(bigEndian: Bool) throws {
        let units = Array(next.utf16).flatMap { unit -> [UInt8] in
            let (high, low) = (UInt8(unit >> 8), UInt8(unit & 255))
            return bigEndian ? [high, low] : [low, high]
        }
        for mark in [bigEndian ? [0xFE, 0xFF] : [0xFF, 0xFE], []] as [[UInt8]] {
            let detection = try Shipped.detect(MemoryTree(bytes: ["package.json": mark + units]))
            #expect(detection.preset.id == "nextjs")
        }
    }

    @Test func carriageReturnsAreNotPartOfNamesOrVersions() throws {
        let detection = try Shipped.detect([
            "requirements.txt": "Flask==3.0.3\r\ngunicorn==23.0.0\r\n",
            "app.py": "from flask import Flask\r\n\r\napp = Flask(__name__)\r\n",
            ".python-version": "3.12\r\n",
        ])
        #expect(detection.report.runtimeVersion == "3.12")
        #expect(detection.report.start == "exec .venv/bin/python -m gunicorn app:app --bind 0.0.0.0:$PORT")
        #expect(detection.missing == nil)
    }

    @Test func aLinkInsideTheTreeIsFollowedAndOneThatLeavesIsNot() throws {
        let inside = try Shipped.detect(["package.json": "→ config/package.json", "config/package.json": next])
        #expect(inside.preset.id == "nextjs")
        let outside = Shipped.failure { try Shipped.detect(["package.json": "→ ../../package.json", "index": "→ /etc/hostname"]) }
        #expect(outside.hasPrefix("detect.none (exit 20)"))
    }

    @Test func linksInACircleEnd() throws {
        #expect(Shipped.failure { try Shipped.detect(["index.html": "→ b", "b": "→ index.html"]) }.hasPrefix("detect.none (exit 20)"))
    }

    @Test func dependencyFoldersAreNeverSearched() throws {
        let report = try Shipped.detect([
            "index.html": "<p>hi", "node_modules/next/next.config.js": "",
            "node_modules/x/app.py": "from flask import Flask\napp = Flask()",
            ".venv/lib/app.py": "from flask import Flask\napp = Flask()", "vendor/app.py": "from fastapi import FastAPI\napp = FastAPI()",
        ]).report
        #expect(report.preset == "static")
    }

    @Test func aHugeFileIsReadOnlyInPart() throws {
        let start = "from flask import Flask\napp = Flask(__name__)\n"
        let tree = MemoryTree([
            "app.py": start + String(repeating: "#", count: 3 << 20) + "\napp = None", "requirements.txt": "flask\ngunicorn",
        ])
        #expect(try Shipped.detect(tree).preset.id == "flask")
    }

    @Test func aManifestBeyondFourMegabytesIsRefusedByName() throws {
        let tree = MemoryTree(["package.json": "[" + String(repeating: "1,", count: 3 << 20) + "1]"])
        #expect(
            Shipped.failure { try Shipped.detect(tree) }
                == "detect.manifest-too-large (exit 10)\npackage.json: `package.json` is larger than 4 MB: a manifest is read whole")
    }

    @Test func caseCountsAndAMisspelledNameIsPointedOut() throws {
        let text = Shipped.failure { try Shipped.detect(["Index.html.txt": "", "dockerfile": "FROM scratch"]) }
        #expect(text.contains("`dockerfile` is not `Dockerfile`: case counts, rename it"))
    }

    @Test func aCommentedSettingIsNotASetting() throws {
        let files = ["package.json": next, "package-lock.json": "{}"]
        for config in ["// output: 'export'", "/* output: \"export\" */", "const x = 'a' // \"'\noutput: 1, /*\noutput: 'export' */"] {
            #expect(try Shipped.detect(files.merging(["next.config.js": config]) { $1 }).report.kind == .server)
        }
        #expect(
            try Shipped.detect(files.merging(["next.config.js": "const u = 'http://x'; x = {output: 'export'}"]) { $1 }).report.kind
                == .static)
    }

    @Test func aBrokenManifestIsReportedWithItsPlace() throws {
        #expect(
            Shipped.failure { try Shipped.detect(["package.json": "{\n  \"scripts\": {\n    \"build\": \"x\",\n  }\n}\n"]) }
                == """
                detect.manifest-syntax (exit 10)
                package.json:3:17: `package.json` is not valid JSON: a comma before `}`
                  hint: correct the file: it decides how the project is built
                """)
        #expect(
            Shipped.failure { try Shipped.detect(["pyproject.toml": "[project]\nname = \n"]) }.hasPrefix(
                "detect.manifest-syntax (exit 10)\npyproject.toml:2:"))
    }

    // Nothing and too much

    @Test func anEmptyFolderHasItsOwnMessage() throws {
        #expect(
            Shipped.failure { try Shipped.detect([:]) } == """
                detect.empty (exit 20)
                the source is empty: there is nothing to build
                  hint: add an `index.html`, or run forge in the project's folder
                """)
    }

    @Test func nothingRecognizedListsWhatWasLookedFor() throws {
        let text = Shipped.failure { try Shipped.detect(["README": "hello"]) }
        #expect(text.hasPrefix("detect.none (exit 20)\nno framework recognized in `.`\n  hint: looked for "))
        for name in [
            "167 frameworks", "`package.json` (npm)", "`requirements.txt` (pip)", "`Dockerfile`", "`index.html`", "`crowdforge.toml`",
        ] {
            #expect(text.contains(name))
        }
    }

    @Test func twoFrameworksOfOneRankAreRefusedWithTheLineThatSettlesIt() throws {
        let files = [
            "app.py": "from flask import Flask\napp = Flask(__name__)\n", "requirements.txt": "flask\ngunicorn\n", "hugo.toml": "",
            "content/index.md": "",
        ]
        #expect(
            Shipped.failure { try Shipped.detect(files) } == """
                detect.ambiguous (exit 20)
                the project looks like `flask` and `hugo` (`flask`: app.py:2, `hugo`: hugo.toml)
                  hint: write `framework = "flask"` (or `"hugo"`) below `[build]` in `crowdforge.toml`
                """)
        let settled = try Shipped.detect(files.merging(["crowdforge.toml": "[build]\nframework = \"hugo\"\n"]) { $1 })
        #expect(settled.preset.id == "hugo")
        #expect(settled.evidence.first == Evidence(clause: "`framework` in `crowdforge.toml`", file: "crowdforge.toml", line: 2))
        #expect(settled.candidates.map(\.preset) == ["flask", "python"])
    }

    @Test func anUnknownFrameworkSuggestsTheNearestName() throws {
        #expect(
            Shipped.failure { try Shipped.detect(["crowdforge.toml": "[build]\nframework = \"nextsj\"\n"]) } == """
                config.unknown-framework (exit 10)
                crowdforge.toml:2:13: no preset named `nextsj`
                  hint: did you mean `nextjs`?
                """)
    }

    @Test func theSeedsOrderHoldsBetweenGroupsAndRuntimes() throws {
        var files = ["index.html": ""]
        #expect(try Shipped.detect(files).preset.id == "static")
        files["Dockerfile"] = "FROM scratch"
        #expect(try Shipped.detect(files).preset.id == "dockerfile")
        files["requirements.txt"] = "requests==2"
        files["main.py"] = ""
        #expect(try Shipped.detect(files).preset.id == "python")
        files["package.json"] = #"{"scripts": {"build": "make"}}"#
        #expect(try Shipped.detect(files).preset.id == "node")
        files["vite.config.ts"] = ""
        #expect(try Shipped.detect(files).preset.id == "vite")
        files["next.config.ts"] = ""
        #expect(try Shipped.detect(files).preset.id == "nextjs")
        files["crowdforge.toml"] = "[build]\nframework = \"dockerfile\"\n"
        #expect(try Shipped.detect(files).preset.id == "dockerfile")
    }

    @Test func aPackageWithoutAnythingToRunIsStillASite() throws {
        #expect(try Shipped.detect(["package.json": #"{"devDependencies": {"prettier": "3"}}"#, "index.html": ""]).preset.id == "static")
    }

    @Test func frameworksThatOnlyUseViteAreNotTakenForIt() throws {
        let package = #"{"scripts": {"build": "vite build"}, "devDependencies": {"@sveltejs/kit": "2", "vite": "5"}}"#
        #expect(try Shipped.detect(["package.json": package, "vite.config.js": ""]).preset.id == "sveltekit")
    }

    // Package managers

    @Test func severalLockfilesWithoutAWordAreRefused() throws {
        let files = ["package.json": next, "package-lock.json": "{}", "yarn.lock": ""]
        #expect(
            Shipped.failure { try Shipped.detect(files) } == """
                detect.several-lockfiles (exit 20)
                yarn.lock: lockfiles of several package managers: `package-lock.json` (npm) and `yarn.lock` (Yarn)
                  hint: keep one and remove the other, or add `"packageManager": "npm@…"` to `package.json`
                """)
    }

    @Test func thePackageManagerFieldSettlesIt() throws {
        let package = #"{"packageManager": "yarn@4.1.0", "scripts": {"build": "next build"}, "dependencies": {"next": "14"}}"#
        let report = try Shipped.detect(["package.json": package, "package-lock.json": "{}", "yarn.lock": "__metadata:\n"]).report
        #expect([report.packageManager, report.install, report.build] == ["yarn", "yarn install --immutable", "yarn build"])
    }

    @Test func bunMayKeepALockfileForYarn() throws {
        #expect(try Shipped.detect(["package.json": next, "bun.lockb": "", "yarn.lock": ""]).report.packageManager == "bun")
    }

    @Test(arguments: [
        ("package-lock.json", "npm", "npm ci"), ("npm-shrinkwrap.json", "npm", "npm ci"),
        ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
        ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"), ("bun.lock", "bun", "bun install --frozen-lockfile"),
    ])
    func theLockfileSaysWhoInstalls(lockfile: String, manager: String, install: String) throws {
        let report = try Shipped.detect(["package.json": next, lockfile: ""]).report
        #expect([report.packageManager, report.install] == [manager, install])
    }

    // Values

    @Test(arguments: [
        ([".nvmrc": "v20\n", ".node-version": "18"], "v20", ".nvmrc"),
        ([".node-version": "# pinned\n18.1\n"], "18.1", ".node-version"),
        ([".tool-versions": "python 3.12\nnodejs 22.1.0\n"], "22.1.0", ".tool-versions"),
        (["mise.toml": "[tools]\nnode = \"21\"\n"], "21", "mise.toml"),
        ([:], ">=18", "package.json"),
        ([".nvmrc": "20", "crowdforge.toml": "[build]\nnode_version = \"22\"\n"], "22", "crowdforge.toml"),
    ])
    func theRuntimeVersionComesFromTheFirstFileThatSaysIt(files: [String: String], version: String, source: String) throws {
        let package = #"{"scripts": {"start": "node ."}, "engines": {"node": ">=18"}}"#
        let report = try Shipped.detect(files.merging(["package.json": package]) { $1 }).report
        #expect(report.runtimeVersion == version)
        #expect(report.derived["runtimeVersion"]?.source == source)
    }

    @Test(arguments: [
        (#"vite build --outDir build"#, "", "build"), ("vite build", "export default { build: { outDir: 'www' } }", "www"),
        ("vite build", "", "dist"),
    ])
    func vitesOutputFolderIsFound(script: String, config: String, output: String) throws {
        let package = #"{"scripts": {"build": "\#(script)"}, "devDependencies": {"vite": "5"}}"#
        #expect(try Shipped.detect(["package.json": package, "vite.config.ts": config]).report.output == output)
    }

    @Test func aProcfileSaysHowToStart() throws {
        let files = ["requirements.txt": "requests==2.0\n", "Procfile": "worker: nothing\nweb: python src/main.py\n", "src/main.py": ""]
        #expect(try Shipped.detect(files).report.start == "python src/main.py")
    }

    @Test(arguments: [
        ("from flask import Flask\napp: Flask = Flask(__name__)", "main:app"),
        ("import flask as f\nserver = f.Flask('x')", "main:server"),
        ("from flask import (\n  Flask as App,  # comment\n)\napplication = app = App(\n  __name__)", "main:app"),
        ("from flask import Flask\n'''\nnope = Flask()\n'''\ndef create_app(x):\n  inner = Flask()\n  return inner", "main:create_app()"),
        ("from flask import *\nx = Flask()", "main:x"),
    ])
    func flaskObjectsAreFoundByLexing(source: String, app: String) throws {
        let detection = try Shipped.detect(["main.py": source, "requirements.txt": "flask==3\ngunicorn==23"])
        #expect(detection.values["app"]?.text == app)
    }

    @Test func aTreeOfManyThousandFilesIsStillRecognized() throws {
        #expect(try Shipped.detect(WideTree()).preset.id == "static")
    }

    @Test func readAndAbsentFilesAreRemembered() throws {
        let detection = try Shipped.detect(["package.json": next, "package-lock.json": "{}"])
        #expect(detection.filesRead.map(\.string).contains("package.json"))
        #expect(detection.filesAbsent.map(\.string).contains("next.config.js"))
    }
}
