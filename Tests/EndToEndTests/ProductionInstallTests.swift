import ForgeTestSupport
import Foundation
import Testing

/// What a server runs with is installed without what only its build needs: what that build made for it is there all the same.
@Suite struct ProductionInstallTests {
    private static let schema = "model Tide {\n  id Int @id\n}\n"
    private static let files = [
        "prisma/schema.prisma": schema,
        "build.js": "require('fs').cpSync('src', 'dist', { recursive: true });\n",
        "src/server.js": """
        const { models } = require("@prisma/client");
        require("http").createServer((_, answer) => answer.end(models.join() + "\\n")).listen(process.env.PORT);

        """,
    ]

    private static func manifest(_ scripts: String) -> String {
        """
        {"name": "tides", "version": "1.0.0", "scripts": {\(scripts), "start": "node dist/server.js"},
         "dependencies": {"@prisma/client": "6.1.0"}, "devDependencies": {"prisma": "6.1.0", "husky": "9.1.0"}}

        """
    }

    private static func modules(_ out: String) -> [String] {
        Folder.names("\(out)/node_modules").filter { !$0.hasPrefix(".") || $0 == ".prisma" }
    }

    @Test func aClientThatTheInstallGeneratesReachesTheServerAndScriptsThatNeedDevelopmentToolsAreLeftOut() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(Self.files, named: "tides")
            try await home.lock(
                project, manifest: Self.manifest(#""postinstall": "prisma generate", "prepare": "husky", "build": "node build.js""#),
                with: registry)
            let out = "\(home.folder)/out"
            let report = try await home.build(project.path, "--out", out, in: registry.environment)
            #expect(report.steps.map { $0["id"] } == ["install", "production", "build"])
            #expect(report.json["warnings"] == [])
            #expect(Self.modules(out) == [".prisma", "@prisma"])
            try await home.expectAnswer("200 Tide\n", of: project.path, at: out)
            for script in ["postinstall", "prepare"] {
                let said = "left out: `\(script)` of tides needs what is installed for development only"
                let logs = try await home.files(in: "\(home.path)/logs", holding: said)
                #expect(logs.map { $0.hasSuffix("/production.log") } == [true])
            }
        }
    }

    @Test func aClientThatTheBuildGeneratesReachesTheServerAndIsNewWhenItsSchemaIs() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(Self.files, named: "tides")
            try await home.lock(
                project, manifest: Self.manifest(#""build": "prisma generate && node build.js""#), with: registry)
            let (first, out) = ("\(home.folder)/first", "\(home.folder)/out")
            _ = try await home.build(project.path, "--out", first, in: registry.environment)
            try await home.expectAnswer("200 Tide\n", of: project.path, at: first)
            try project.write(["prisma/schema.prisma": Self.schema + "model Moon {\n  id Int @id\n}\n"])
            let again = try await home.build(project.path, "--out", out, in: registry.environment)
            #expect(
                again.steps.map { [$0["id"], $0["outcome"]] } == [
                    ["install", "cached"], ["production", "cached"], ["build", "executed"],
                ])
            #expect(Self.modules(out) == [".prisma", "@prisma"])
            try await home.expectAnswer("200 Tide,Moon\n", of: project.path, at: out)
        }
    }

    @Test func aScriptThatFailsForAnotherReasonFailsTheBuild() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(Self.files, named: "tides")
            let scripts = #""postinstall": "test -e node_modules/husky || exit 3", "build": "node build.js""#
            try await home.lock(project, manifest: Self.manifest(scripts), with: registry)
            let failure = try await home.failedBuild(50, project.path, in: registry.environment)
            #expect(failure.error["code"] == "step.failed")
            #expect(failure.error["message"]?.text?.hasPrefix("step `production` exited with code 3: `npm ci --omit=dev") == true)
        }
    }
}
