import ForgeTestSupport
import Foundation
import Testing

/// A server of Python's whose assets npm's packages build.
@Suite struct TwoEcosystemsTests {
    private static let files = [
        "manage.py": "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"harbour.settings\")\n",
        "harbour/__init__.py": "", "harbour/settings.py": "WSGI_APPLICATION = \"harbour.wsgi.application\"\n",
        "harbour/wsgi.py": """
        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            with open("static/dist/app.js", "rb") as asset:
                return [asset.read()]

        """,
        "requirements.txt": "gunicorn==23.0.0\n",
        "build.js": """
        const { version } = require("express/package.json");
        require("fs").mkdirSync("static/dist", { recursive: true });
        require("fs").writeFileSync("static/dist/app.js", `made with express ${version.split(".").length === 3}\\n`);

        """,
    ]

    @Test func bothAreInstalledTheAssetsAreBuiltAndTheServerRunsWithoutThePackagesOfTheBuild() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(Self.files, named: "harbour")
            try await home.lock(project, ["express": "*"], with: registry)
            let manifest = try String(contentsOfFile: "\(project.path)/package.json", encoding: .utf8)
            try project.write([
                "package.json": manifest.replacing("\"version\"", with: "\"scripts\": { \"build\": \"node build.js\" }, \"version\"")
            ])
            var environment = try await PythonIndex.environment(for: home)
            let allowed = [environment["FORGE_EGRESS_ALLOW"], registry.environment["FORGE_EGRESS_ALLOW"]].compactMap(\.self)
            environment.merge(registry.environment) { $1 }
            environment["FORGE_EGRESS_ALLOW"] = allowed.joined(separator: ",")
            let report = try await home.build(project.path, "--out", "\(home.folder)/out", in: environment)
            #expect(report.json["preset"] == "django")
            #expect(report.steps.compactMap { $0["id"]?.text }.sorted() == ["build", "install", "packages", "resolve"])
            let names = Folder.names("\(home.folder)/out")
            #expect(names.contains(".venv") && names.contains("static") && !names.contains("node_modules"))
            let app = try await home.launch(project.path, from: "\(home.folder)/out")
            #expect(try await app.firstAnswer("/") == "200 made with express true\n")
            let again = try await home.build(project.path, in: environment)
            #expect(Set(again.steps.compactMap { $0["outcome"]?.text }) == ["cached"])
            #expect(again.artifact == report.artifact)
        }
    }
}
