import ForgeModel
import ForgePatterns
import ForgePresets
import ForgeTOML
import ForgeTestSupport
import Foundation
import Testing

@testable import ForgeManifests
@testable import ForgePlanning

/// Every reader of a stranger's files survives what chance makes of real ones: 10,000 inputs each, none of them slower than a second.
@Suite struct ManifestFuzzTests {
    /// A reader, the name of its file, and what such files look like.
    struct Reader: Sendable, CustomTestStringConvertible {
        let file: String
        let ecosystem: Ecosystem?
        let samples: [String]
        var testDescription: String { file }

        init(_ file: String, _ ecosystem: Ecosystem?, _ samples: String...) {
            self.file = file
            self.ecosystem = ecosystem
            self.samples = samples + Reader.fixtures(file)
        }

        /// Files of that name among the fixtures' projects, the small ones.
        private static func fixtures(_ file: String) -> [String] {
            let folder = Repository.root + "/fixtures/projects"
            let projects = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
            let texts = projects.compactMap { try? String(contentsOfFile: "\(folder)/\($0)/\(file)", encoding: .utf8) }
            return Array(texts.filter { $0.utf8.count < 1500 }.prefix(12))
        }
    }

    static let manifests = [
        Reader("package.json", .npm, #"{"dependencies": {"a": "^1.2.0"}, "scripts": {"build": "a \"b\" && c"}, "workspaces": ["apps/*"]}"#),
        Reader("composer.json", .composer, #"{"require": {"laravel/framework": "^11", "php": ">=8"}, "require-dev": {"a/b": "*"}}"#),
        Reader("deno.json", .deno, #"{"imports": {"a": "jsr:@std/a@^1", "b/": "npm:b@2/", "c": "https://example.org/c.ts"}}"#),
        Reader(
            "deno.jsonc", .deno,
            "// tasks\n{\"imports\": {a: 'npm:a@1', /* two */ \"b\": \"jsr:b\",},\n 'x': +Infinity, y: 0xFF, z: .5, \"q\": \"a\\\nb\"}"),
        Reader(
            "requirements.txt", .pypi,
            "flask[async]==3.0 ; python_version > '3' \\\n  --hash=sha256:00\n-r other.txt\n-e git+https://x/y#egg=z\n"),
        Reader(
            "pyproject.toml", .pypi,
            "[project]\ndependencies = [\"a>=1,<2\", \"b[c]\"]\n[tool.poetry.dependencies]\nd = { version = \"^1\", extras = [\"e\"] }\n[dependency-groups]\ndev = [\"f\"]\n"
        ),
        Reader("environment.yml", .pypi, "name: a\ndependencies:\n  - python=3.12\n  - forge::b=1.0=py_0 # c\n  - pip:\n      - d[e]==2\n"),
        Reader("Pipfile", .pypi, "[packages]\na = \"*\"\nb = {version = \"==1\", extras = ['c']}\n[dev-packages]\nd = \"*\"\n"),
        Reader(
            "Gemfile", .gem,
            "gem \"rails\", \"~> 8.0\"\ngroup :development, :test do\n  gem 'debug'\n  if true\n    gem \"x\"\n  end\nend\n"),
        Reader("a.gemspec", .gem, "Gem::Specification.new do |s|\n  s.add_dependency \"rack\", '>= 2'\nend\n"),
        Reader(
            "go.mod", .go,
            "module example.org/x\ngo 1.22\nrequire (\n\tgithub.com/gin-gonic/gin v1.10.0 // indirect\n)\nreplace a => ../b\n"),
        Reader(
            "Cargo.toml", .cargo,
            "[package]\nname = \"x\"\n[dependencies]\naxum = { version = \"0.7\", features = [\"ws\"] }\n[target.'cfg(unix)'.dependencies]\na = \"1\"\n"
        ),
        Reader("mix.exs", .hex, "defp deps do\n  [{:phoenix, \"~> 1.7\"}, {:a, path: \"../a\", only: :dev}] # x\nend\n"),
        Reader(
            "pom.xml", .maven,
            "<project><parent><groupId>a</groupId><artifactId>b</artifactId><version>1</version></parent><!-- <x> --><dependencies>\n<dependency><groupId>c</groupId><artifactId>d</artifactId></dependency></dependencies></project>"
        ),
        Reader(
            "build.gradle", .maven,
            "plugins { id 'org.springframework.boot' version '3.3.0' }\napply plugin: 'java'\ndependencies { implementation \"a.b:c:1.0\" /* x */ }\n"
        ),
        Reader(
            "build.gradle.kts", .maven,
            "plugins { kotlin(\"jvm\") version \"2.0\"; id(\"a.b\") }\ndependencies { implementation(\"a:b:1\") }\n"),
        Reader(
            "gradle/libs.versions.toml", .maven,
            "[libraries]\na = { module = \"x.y:z\", version.ref = \"v\" }\nb = \"c:d:1\"\n[plugins]\np = { id = \"q.r\" }\n"),
        Reader("build.sbt", .maven, "libraryDependencies ++= Seq(\"a\" %% \"b\" % \"1\", \"c\" %%% \"d\" % v) // x\n"),
        Reader("project.clj", .maven, "(defproject x \"1\" :dependencies [[org.clojure/clojure \"1.11\"] [ring \"1.9\"]]) ; y\n"),
        Reader("deps.edn", .maven, "{:deps {ring/ring-core {:mvn/version \"1.9\"} a/b {:git/url \"x\"}}} ; z\n"),
        Reader(
            "a.csproj", .nuget,
            "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ItemGroup><PackageReference Include=\"A\" Version=\"1\" /><!-- x --></ItemGroup></Project>"
        ),
        Reader("pubspec.yaml", .pub, "name: a\ndependencies:\n  flutter:\n    sdk: flutter\n  b: ^1.0.0 # c\ndev_dependencies: {d: any}\n"),
        Reader("shard.yml", .shards, "name: a\ndependencies:\n  kemal:\n    github: a/b\n    version: ~> 1.0\ncrystal: '>= 1.0'\n"),
        Reader(
            "Package.swift", .swift,
            "let package = Package(dependencies: [.package(url: \"https://example.org/vapor.git\", from: \"4.0.0\")]) // x\n"),
    ]

    @Test(arguments: manifests)
    func aManifestIsReadOrRefusedWithItsPlace(reader: Reader) throws {
        let path = try RelativePath(parsing: reader.file)
        let ecosystem = try #require(reader.ecosystem)
        let slow = try Fuzz.slowest(reader.file, reader.samples) { bytes in
            let manifests = Manifests(files: ProjectFiles(tree: OneFile(path: path, bytes: bytes)))
            do {
                for item in try manifests.dependencies(ecosystem) { #expect(item.file == reader.file && (item.line ?? 1) >= 1) }
            } catch let error as ForgeError {
                #expect(error.code == "detect.manifest-syntax" && error.location?.line ?? 0 >= 1 && error.location?.column ?? 0 >= 1)
            }
        }
        #expect(slow == nil)
    }

    @Test func yamlIsReadOrRefusedWithItsPlace() {
        let samples = [
            "a: 1\nb:\n  - c\n  - {d: e, f: [g, 'h']}\nk: |\n  text\n  more\nl: >-\n  folded\n", "&a {x: *b, <<: *a}\n",
            "--- !!map\n? key\n: value\n...\n---\n2nd\n",
            "packages:\n  - apps/*\n  - '!apps/old'\ncatalog: {a: ^1}\n", "site_name: Docs\nnav:\n- Home: index.md\ntheme: !ENV [A, b]\n",
        ]
        let slow = Fuzz.slowest("yaml", samples) { bytes in
            do throws(JSONSyntaxError) { _ = try YAMLDocument.parse(SourceText.decode(bytes)) } catch {
                #expect(error.line >= 1 && error.column >= 1)
            }
        }
        #expect(slow == nil)
    }

    @Test func tomlIsReadOrRefusedWithItsPlace() {
        let samples = [
            "a = 1\nb.c = \"d\"\n[e]\nf = [1, 2.5, true, 1979-05-27T07:32:00Z]\n[[g]]\nh = '''i\n'''\nj = {k = 1}\n",
            "\"a b\" = 0x1F\n'c' = inf # d\n[x.y]\n",
        ]
        let slow = Fuzz.slowest("toml", samples) { bytes in
            do throws(TOMLSyntaxError) { _ = try TOML.parse(bytes).at(pointer: "/e/f/0") } catch {
                #expect(error.position.line >= 1 && error.position.column >= 1)
            }
        }
        #expect(slow == nil)
    }

    @Test(arguments: [false, true])
    func jsonIsReadOrRefusedWithItsPlace(isJSON5: Bool) {
        let samples = [
            #"{"a": [1, -2.5e3, true, null, "b\n\u00e9\ud83d\ude00"], "c": {"d": {}}}"#,
            "{a: 'b', // c\n d: [+1, .5, 0xF, NaN,], /* e */ f: \"g\\\nh\"}", "[[[[[[[[]]]]]]]]",
        ]
        let slow = Fuzz.slowest("json \(isJSON5)", samples) { bytes in
            do throws(JSONSyntaxError) { _ = try JSONParser.parse(SourceText.decode(bytes), isJSON5: isJSON5).at(pointer: "/a/0") } catch {
                #expect(error.line >= 1 && error.column >= 1)
            }
        }
        #expect(slow == nil)
    }

    @Test func pythonIsLexedWhateverItIs() {
        let samples = [
            "from flask import Flask\napp = Flask(__name__)\n\n@app.get('/')\ndef index():\n    return f\"{1 + 2!r}\"\n",
            "import a.b as c, d\nfrom . import (e,\n  f)\nx: int = g(\"\"\"h\n\"\"\")\ndef create_app(*a, **k): pass\nif True:\n  y = 1; z = 2 \\\n + 3\n",
        ]
        #expect(Fuzz.slowest("python", samples) { bytes in _ = PythonSource(SourceText.decode(bytes)) } == nil)
    }

    @Test func javaScriptIsSearchedWhateverItIs() {
        let samples = [
            "import express, { Router } from 'express';\nconst a = require(\"b\"); // c\nconst d = `e ${f(`g`)} h`;\nexport * from '/i'; /* j */ import('k')\n",
            "const r = /[/'\"]/g; x = a / b / c;\nexport default defineConfig({ output: 'export' })\n",
        ]
        let slow = Fuzz.slowest("javascript", samples) { bytes in
            let text = SourceText.decode(bytes)
            _ = JavaScriptSource(text).imports("express")
            _ = Comments.strip(text, .js)
            _ = Comments.strip(text, .python)
            _ = Comments.xml(text)
        }
        #expect(slow == nil)
    }

    @Test(arguments: [
        ("uv.lock", "[[package]]\nname = \"Flask_Login\"\nversion = \"1\"\n"), ("poetry.lock", "[[package]]\nname = \"a\"\nfiles = []\n"),
        ("pdm.lock", "[[package]]\nname = \"b\"\n"), ("Pipfile.lock", #"{"default": {"a": {"version": "==1"}}, "develop": {}}"#),
    ])
    func aLockfileTellsItsNamesOrNone(file: String, sample: String) throws {
        let path = try RelativePath(parsing: file)
        let slow = try Fuzz.slowest(file, [sample]) { bytes in
            _ = try Manifests(files: ProjectFiles(tree: OneFile(path: path, bytes: bytes))).locked(.pypi)
        }
        #expect(slow == nil)
    }

    @Test(arguments: [
        ("Procfile", "web: gunicorn app:app --bind 0.0.0.0:$PORT\nrelease: ./migrate\n# x\n"),
        (".tool-versions", "nodejs 20.1.0 # lts\npython 3.12\n"),
        (".nvmrc", "lts/iron\n"), (".gitignore", "/dist\nbuild/\n!x\n"), ("notes.txt", "output = site\n"),
    ])
    func aSmallFileGivesAValueOrNone(file: String, sample: String) throws {
        let preset = """
            id = "x"
            name = "X"
            group = "framework"
            match = { file = "\(file)" }
            artifact = { kind = "container" }
            derive.start.firstOf = [{ procfile = "web" }, { firstLine = "notes.txt" }]
            derive.output.firstOf = [{ ignored = ["dist", "build"] }, { capture = '^output\\s*=\\s*(\\S+)', in = "notes.txt" }]
            derive.version.firstOf = [{ toolVersion = "nodejs" }, { firstLine = ".nvmrc" }]
            """
        let check = try DescriptorCheck([DescriptorFile(file: "x.toml", bytes: Array(preset.utf8))], besides: [])
        #expect(check.faults == [])
        let (detector, path) = (Detector(catalog: check.catalog), try RelativePath(parsing: file))
        let slow = try Fuzz.slowest(file, [sample]) { bytes in
            let tree = OneFile(path: path, bytes: bytes)
            let found = try detector.detect(in: tree, configuration: ProjectConfiguration())
            #expect(found.preset.id == "x")
        }
        #expect(slow == nil)
    }

    @Test(arguments: ["go.mod", "go.work"])
    func aGoFileIsReadWhateverItIs(file: String) {
        let samples = [
            "module example.org/x\nrequire a v1\nreplace (\n a => ../b\n)\n", "go 1.22\nuse (\n ./a\n \"./b c\" // d\n)\nuse ./e\n",
        ]
        #expect(Fuzz.slowest(file, samples) { bytes in _ = GoFile(SourceText.decode(bytes)) } == nil)
    }

    @Test func crowdforgeTomlIsReadOrRefusedWithThePlaceOfEveryFault() {
        let samples = [
            "[build]\ncommand = \"make\"\noutput = \"dist\"\ntimeout = \"10m\"\nmemory = \"2GB\"\npackages = [\"a\"]\n[deploy]\nhealth = \"/\"\nport = 80\n",
            "[env]\nA = \"$B\"\n[routes]\n\"/api\" = { type = \"static\" }\n[[app]]\nname = \"a\"\nroot = \"b\"\n[source]\nlfs = [\"*.png\"]\n",
            "[site]\nfallback = \"a.html\"\nclean_urls = true\n[[site.redirect]]\nfrom = \"/a/:b/*\"\nto = \"/:b?x=:c\"\nstatus = 302\nhas = [{ query = \"c\", value = \":c\" }]\nmissing = [{ host = [\"d\", \"e*\"] }]\n[[site.header]]\nfor = \"/*\"\nvalues = { A = \"b\" }\n",
        ]
        let slow = Fuzz.slowest("crowdforge.toml", samples) { bytes in
            do {
                _ = try ProjectConfiguration(parsing: bytes, file: "crowdforge.toml")
            } catch let error as ForgeError {
                let places = [error.location] + error.others.map(\.location)
                #expect(error.category == .configuration && places.allSatisfy { $0?.line ?? 0 >= 1 && $0?.column ?? 0 >= 1 })
            } catch {
                Issue.record(error)
            }
        }
        #expect(slow == nil)
    }

    @Test func aPresetIsReadOrRefusedWithThePlaceOfEveryFault() throws {
        let samples = try ["eleventy", "hugo", "zola", "static", "flask"].map {
            try String(contentsOfFile: "\(Repository.root)/Presets/\($0).toml", encoding: .utf8)
        }
        let slow = Fuzz.slowest("preset", samples) { bytes in
            let faults = FaultLog()
            let preset = PresetCatalog.preset(parsing: bytes, file: "x.toml", faults: faults)
            #expect(preset != nil || !faults.faults.isEmpty)
            #expect(faults.faults.allSatisfy { $0.location?.line ?? 0 >= 1 && $0.location?.column ?? 0 >= 1 })
        }
        #expect(slow == nil)
    }

    @Test func aPatternIsRefusedOrMatchesInLinearTime() {
        let samples = [#"^\s*(a|b+)*?c{2,5}[^\]x-z]\b$"#, #"(?:a*)*(b?){10}\d\w\S"#, "((((a)*)*)*)*b"]
        let line = String(repeating: "aaab c1 ", count: 64)
        let slow = Fuzz.slowest("pattern", samples) { bytes in
            guard let pattern = try? Pattern(SourceText.decode(bytes)) else { return }
            _ = pattern.firstMatch(in: line)
            _ = pattern.example
        }
        #expect(slow == nil)
    }
}

/// A tree of one file.
struct OneFile: SourceTree {
    let path: RelativePath
    let bytes: [UInt8]

    func node(at path: RelativePath) throws -> SourceNode? {
        if path == self.path { return .file(executable: false, size: Int64(bytes.count)) }
        return self.path.isWithin(path) ? .directory : nil
    }

    func entries(of path: RelativePath) throws -> [SourceEntry] {
        guard self.path != path, let name = self.path.relative(to: path)?.components.first else { return [] }
        return [SourceEntry(name: name, node: try node(at: path.appending(component: name)) ?? .directory)]
    }

    func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? { path == self.path ? Array(bytes.prefix(limit)) : nil }
}
