import ForgeTestSupport
import Foundation
import Testing

/// Real applications with real dependencies: installed through the sealed network, started from their artifact alone.
@Suite struct InstallTests {
    @Test func anExpressServerIsInstalledWithoutItsDevelopmentDependenciesAndAnswersFromItsArtifact() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            #expect(report.json["kind"] == "container")
            #expect(report.json["warnings"] == [])
            #expect(report.steps == [["id": "install", "outcome": "executed", "reason": "first build"]])
            #expect(
                Folder.names("\(home.folder)/out") == [
                    ".gitignore", "node_modules", "package-lock.json", "package.json", "public", "server.js", "test.js", "tides.js",
                ])
            let modules = Folder.names("\(home.folder)/out/node_modules")
            #expect(modules.contains("express"))
            #expect(!modules.contains("tape"))
            #expect(!registry.tarballs().contains { $0.hasPrefix("tape-") })
            let reached = try home.egress(report, step: "install")
            #expect(reached.map { $0["origin"] } == [.string(registry.origin)])
            #expect(reached.map { $0["verdict"] } == ["allowed"])
            #expect((reached.first?["bytesReceived"]?.number ?? 0) > 100_000)
            try await home.expectAnswer("200 <h1>Tide tables</h1>\n", of: project.path, at: "\(home.folder)/out")
            let again = try await home.build(project.path, in: registry.environment)
            #expect(again.steps == [["id": "install", "outcome": "cached", "reason": nil]])
            #expect(again.artifact == report.artifact)
        }
    }

    @Test func anArtifactSaysAllThatAnotherMachineNeedsToStartIt() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            let manifest = try home.manifest(try await home.build(project.path, in: registry.environment))
            let version = try await home.tool("/usr/bin/node", "--version").output.dropFirst().prefix { $0 != "\n" }
            let machine = try await home.tool("/usr/bin/uname", "-m").output
            #expect(
                manifest.without("root") == [
                    "kind": "container",
                    "launch": [
                        "command": ["npm", "run", "start"], "environment": ["NODE_ENV": "production"], "healthPath": "/", "port": 3000,
                    ],
                    "platform": ["architecture": machine == "x86_64\n" ? "amd64" : "arm64", "os": "linux"], "routes": [],
                    "runtimes": [["executable": "/usr/bin/node", "name": "node", "version": .string(String(version))]],
                ])
            #expect(manifest["root"]?.text?.hasPrefix("sha256:") == true)
        }
    }

    @Test func aBundledReactPageIsAStaticSiteWithoutItsBundler() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "react-app")
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            #expect(report.json["kind"] == "static")
            #expect(report.json["warnings"] == [])
            #expect(
                report.steps == [
                    ["id": "install", "outcome": "executed", "reason": "first build"],
                    ["id": "build", "outcome": "executed", "reason": "first build"],
                ])
            #expect(Folder.names("\(home.folder)/out") == ["app.css", "app.js", "index.html"])
            let script = try String(contentsOfFile: "\(home.folder)/out/app.js", encoding: .utf8)
            #expect(script.contains("Nasturtium") && !script.contains("process.env.NODE_ENV"))
            #expect(try home.egress(report, step: "build") == [])
            let again = try await home.build(project.path, in: registry.environment)
            #expect(again.steps.map { $0["outcome"] } == ["cached", "cached"])
            #expect(again.artifact == report.artifact)
        }
    }

    @Test(arguments: [
        ("flask-hashed", "/stars/Vega", #"200 {"magnitude":0.03,"name":"Vega"}"# + "\n"),
        ("fastapi-hashed", "/books/1", #"200 {"title":"The Waves","pages":297}"#),
    ]) func aPythonServerWithAHashedListAnswersFromItsArtifact(name: String, path: String, answer: String) async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: name)
            try await home.expectPythonServer(project, answer, path: path)
        }
    }

    @Test func aPythonServerWithAUvLockfileAnswersFromItsArtifact() async throws {
        try await withForgeHome { home in
            let project = try home.project(locked: "fastapi-uv")
            try await home.expectPythonServer(project, #"200 {"Glückstadt":"06:30","Wischhafen":"07:00"}"#, path: "/", without: "iniconfig")
        }
    }

    @Test func flasksTutorialIsRefusedWithoutAServerAndRunsWithTheLineThatTheHintNames() async throws {
        try await withForgeHome { home in
            let project = try home.project(locked: "flask-tutorial")
            let refused = try await home.failure(30, "build", project.path)
            #expect(refused["code"] == "plan.server-missing")
            #expect(refused["hint"]?.text?.contains("\"gunicorn\",") == true)
            let manifest = try String(contentsOfFile: "\(project.path)/pyproject.toml", encoding: .utf8)
            try project.write(["pyproject.toml": manifest.replacing("    \"flask\",\n", with: "    \"flask\",\n    \"gunicorn\",\n")])
            let environment = try await PythonIndex.environment(for: home)
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.json["kind"] == "container")
            try await home.expectAnswer("200 Hello, World!", of: project.path, at: "\(home.folder)/out", path: "/hello")
            #expect(try await home.build(project.path, in: environment).steps.map { $0["outcome"] } == ["cached"])
        }
    }

    @Test func aProjectThatListsItselfIsInstalledFromItsArtifactsPlaceToo() async throws {
        try await withForgeHome { home in
            let project = try home.project([
                "requirements.txt": "-e .\nFlask==3.0.3\ngunicorn==23.0.0\n", "src/tides/__init__.py": "HEIGHTS = [3, 4]\n",
                "pyproject.toml": """
                [build-system]
                requires = ["setuptools>=61"]
                build-backend = "setuptools.build_meta"

                [project]
                name = "tides"
                version = "1.0"

                [tool.setuptools.packages.find]
                where = ["src"]

                """,
                "app.py": """
                from flask import Flask
                from tides import HEIGHTS

                app = Flask(__name__)


                @app.get("/")
                def index():
                    return HEIGHTS

                """,
            ])
            let environment = try await PythonIndex.environment(for: home)
            _ = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            let list = try String(contentsOfFile: "\(home.folder)/out/requirements.resolved.txt", encoding: .utf8)
            #expect(list.hasPrefix(".\nFlask==3.0.3\n"))
            try await home.expectAnswer("200 [3,4]\n", of: project.path, at: "\(home.folder)/out")
        }
    }

    @Test func aPythonListWithoutHashesIsLockedByForgeAndToldSo() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "flask-app")
            let environment = try await PythonIndex.environment(for: home)
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.steps.map { $0["id"] } == ["resolve", "install"])
            #expect(report.json["warnings"]?.elements.count == 1)
            #expect(report.json["warnings"]?.elements.first?.text?.contains("not locked") == true)
            try await home.expectAnswer(#"200 {"hello":"world"}"# + "\n", of: project.path, at: "\(home.folder)/out")
            #expect(try await home.build(project.path, in: environment).steps.map { $0["outcome"] } == ["cached", "cached"])
        }
    }
}

extension ForgeHome {
    /// The artifact in `folder`, moved elsewhere first, answers to `path`, and names no folder of the machine it was built on.
    func expectAnswer(_ answer: String, of source: String, at folder: String, path: String = "/") async throws {
        #expect(try await files(in: folder, holding: "/workspace", self.folder) == [])
        try FileManager.default.moveItem(atPath: folder, toPath: "\(folder)-moved")
        let app = try await launch(source, from: "\(folder)-moved")
        #expect(try await app.firstAnswer(path) == answer)
    }

    fileprivate func expectPythonServer(
        _ project: TemporaryProject, _ answer: String, path: String, without module: String = "pip"
    ) async throws {
        let environment = try await PythonIndex.environment(for: self)
        let report = try await build(project.path, "--out", "\(folder)/out", in: environment)
        #expect(report.json["kind"] == "container")
        #expect(report.json["warnings"] == [])
        #expect(report.steps == [["id": "install", "outcome": "executed", "reason": "first build"]])
        let reached = try egress(report, step: "install")
        #expect(!reached.isEmpty && reached.allSatisfy { $0["verdict"] == "allowed" })
        let installed = try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/out/.venv/lib")
        #expect(!installed.contains { $0.hasSuffix("site-packages/\(module)") })
        try await expectAnswer(answer, of: project.path, at: "\(folder)/out", path: path)
        let again = try await build(project.path, in: environment)
        #expect(again.steps == [["id": "install", "outcome": "cached", "reason": nil]])
        #expect(again.artifact == report.artifact)
    }
}
