import ForgeTestSupport
import Foundation
import Testing

/// Yarn 3, the real one: what it installs comes from its lockfile alone, and a server runs without what only its build needs.
@Suite struct LaterYarnTests {
    private static func manifest(_ name: String, _ more: String = "") -> String {
        """
        {"name": "\(name)", "version": "1.0.0", "private": true, "packageManager": "yarn@3.5.0"\(more)}

        """
    }

    /// A server that says what it found of what it runs with and of what it was built with.
    private static let app = [
        "build.js": "require('storms'); require('fs').cpSync('src', 'dist', { recursive: true });\n",
        "src/server.js": """
        const found = (name) => { try { return require(name) } catch { return "no " + name } };
        require("http").createServer((_, answer) => answer.end(found("tides") + ", " + found("storms") + "\\n")).listen(process.env.PORT);

        """,
    ]

    private static let scripts = """
        , "scripts": {"build": "node build.js", "start": "node dist/server.js"}, "dependencies": {"tides": "1.0.0"}, \
        "devDependencies": {"storms": "1.0.0"}
        """

    /// Behind TLS, as registries are: Forge's proxy stands in between with a certificate of its own.
    private static func registry(_ home: ForgeHome) async throws -> [String: String] {
        let authority = try await TestAuthority.make(in: home)
        let pool = try await PackageManagerTests.pool(home).folder
        let registry = try await PrivateRegistry.start(.npm, in: home, authority: authority, pool: pool)
        return PackageManagerTests.sources.merging(registry.environment) { $1 }
    }

    /// Writes the lockfile, as a developer would.
    private static func lock(_ home: ForgeHome, _ folder: String, _ environment: [String: String]) async throws {
        var own = environment
        own["YARN_NPM_REGISTRY_SERVER"] = environment["npm_config_registry"]
        own["YARN_ENABLE_TELEMETRY"] = "0"
        own["YARN_ENABLE_GLOBAL_CACHE"] = "0"
        own["YARN_CACHE_FOLDER"] = "\(home.folder)/yarn-cache"
        let yarn = BuildProducts.checkout + ".build/inputs/yarn-later/yarn.js"
        let run = try await home.tool(
            "/usr/bin/env", "node", yarn, "install", "--mode=update-lockfile", cwd: folder, environment: own)
        guard run.exitCode == 0 else { throw TestSupportError("yarn locks nothing: \(run.output)\(run.error)") }
    }

    @Test func aServerIsInstalledFromTheLockfileAndRunsWithoutWhatItsBuildNeeds() async throws {
        try await withForgeHome { home in
            let environment = try await Self.registry(home)
            let project = try home.project([".nvmrc": "22\n", "package.json": Self.manifest("api", Self.scripts)].merging(Self.app) { $1 })
            try await Self.lock(home, project.path, environment)
            let out = "\(home.folder)/out"
            let report = try await home.build(project.path, "--out", out, in: environment)
            #expect(report.steps.map { $0["id"] } == ["install", "production", "build"])
            #expect(report.json["warnings"] == [])
            #expect(Folder.names("\(out)/node_modules").filter { !$0.hasPrefix(".") } == ["tides"])
            let gateway = try await home.startGateway()
            _ = try await home.deploy(project.path, to: "api", in: environment)
            #expect(try await gateway.fetch("api.localhost") == "200 tides, no storms\n")
            let again = try await home.build(project.path, in: environment)
            #expect(again.steps.map { $0["outcome"] } == ["cached", "cached", "cached"])

            try project.write([
                "package.json": Self.manifest("api", Self.scripts.replacing("\"tides\": \"1.0.0\"", with: "\"storms\": \"1.0.0\""))
            ])
            let (error, said) = try await home.failedBuild(50, project.path, in: environment)
            #expect(error["code"] == "step.failed")
            #expect(said.contains("The lockfile would have been modified by this install, which is explicitly forbidden."), "\(said)")
        }
    }

    @Test func oneServerOfAWorkspaceHasItsOwnDependenciesAlone() async throws {
        try await withForgeHome { home in
            let environment = try await Self.registry(home)
            var files = [
                ".nvmrc": "22\n", "package.json": Self.manifest("tides-and-storms", ", \"workspaces\": [\"apps/*\"]"),
                "apps/api/package.json": Self.manifest("api", Self.scripts),
                "apps/web/package.json": Self.manifest("web", ", \"dependencies\": {\"storms\": \"1.0.0\"}"),
            ]
            for (name, text) in Self.app { files["apps/api/\(name)"] = text }
            let project = try home.project(files)
            try await Self.lock(home, project.path, environment)
            let out = "\(home.folder)/out"
            let report = try await home.build("\(project.path)/apps/api", "--out", out, in: environment)
            #expect(report.steps.map { $0["id"] } == ["install", "api:production", "api:build"])
            #expect(Folder.names("\(out)/node_modules").filter { !$0.hasPrefix(".") } == ["api", "tides"])
            let gateway = try await home.startGateway()
            _ = try await home.deploy("\(project.path)/apps/api", to: "api", in: environment)
            #expect(try await gateway.fetch("api.localhost") == "200 tides, no storms\n")
        }
    }
}
