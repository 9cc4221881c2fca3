import ForgeTestSupport
import Foundation
import Testing

/// Several apps of one repository: installed together, built apart.
@Suite struct WorkspaceTests {
    /// `id outcome reason` of every step, sorted.
    private func steps(_ report: BuiltReport) -> [String] {
        report.steps.map { step in
            [step["id"], step["outcome"], step["reason"]].compactMap { $0?.text }.joined(separator: " ")
        }.sorted()
    }

    /// App → artifact.
    private func artifacts(_ report: BuiltReport) -> [String: String] {
        let apps = report.json["apps"]?.elements ?? []
        return Dictionary(apps.map { ($0["name"]?.text ?? "", $0["artifact"]?.text ?? "") }) { $1 }
    }

    private func append(_ text: String, to file: String, of project: TemporaryProject) throws {
        try project.write([file: String(contentsOfFile: "\(project.path)/\(file)", encoding: .utf8) + text])
    }

    @Test func allAppsAreBuiltAsOneWithOneInstall() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "workspace-npm")
            let report = try await home.build(project.path, in: registry.environment)
            #expect(
                report.json["apps"]?.elements.map { $0.without("artifact", "record", "size") } == [
                    ["kind": "static", "name": "admin", "preset": "node", "root": "apps/admin", "warnings": []],
                    ["kind": "container", "name": "api", "preset": "express", "root": "apps/api", "warnings": []],
                    ["kind": "static", "name": "web", "preset": "node", "root": "apps/web", "warnings": []],
                ])
            #expect(
                steps(report) == [
                    "admin:build executed first build", "api:production executed first build", "install executed first build",
                    "tides:build executed first build", "web:build executed first build",
                ])
            let again = try await home.build(project.path, in: registry.environment)
            #expect(steps(again).filter { !$0.hasSuffix(" cached") } == [])
            #expect(steps(again).count == 5)
            #expect(artifacts(again) == artifacts(report))
        }
    }

    @Test func aChangeInOneAppBuildsThatAppOnlyAndOneInALibraryAllThatNeedIt() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "workspace-npm")
            let first = artifacts(try await home.build(project.path, in: registry.environment))
            try append("// louder\n", to: "apps/admin/build.js", of: project)
            let one = try await home.build(project.path, in: registry.environment)
            #expect(
                steps(one) == [
                    "admin:build executed apps/admin/build.js changed", "api:production cached", "install cached", "tides:build cached",
                    "web:build cached",
                ])
            #expect(artifacts(one) == first, "the page is the same")
            try append("exports.more = 1;\n", to: "packages/tides/src/index.js", of: project)
            let both = try await home.build(project.path, in: registry.environment)
            #expect(
                steps(both) == [
                    "admin:build cached", "api:production cached", "install cached",
                    "tides:build executed packages/tides/src/index.js changed",
                    "web:build executed packages/tides/lib/index.js, packages/tides/src/index.js changed",
                ])
            #expect(artifacts(both)["admin"] == first["admin"])
            #expect(artifacts(both)["api"] != first["api"])
        }
    }

    @Test func aChangedLockfileInstallsOnceForAll() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "workspace-npm")
            let first = try await home.build(project.path, in: registry.environment)
            let lockfile = try String(contentsOfFile: "\(project.path)/package-lock.json", encoding: .utf8)
            try project.write(["package-lock.json": lockfile + "\n"])
            let again = try await home.build(project.path, in: registry.environment)
            #expect(
                steps(again) == [
                    "admin:build executed package-lock.json changed",
                    "api:production executed lockfile package-lock.json changed", "install executed lockfile package-lock.json changed",
                    "tides:build executed package-lock.json changed", "web:build executed package-lock.json changed",
                ])
            #expect(artifacts(again)["web"] == artifacts(first)["web"])
        }
    }

    @Test func oneAppIsBuiltByNameOrFromItsFolderWithTheSameSteps() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "workspace-npm")
            let whole = try await home.build(project.path, in: registry.environment)
            let named = try await home.build(project.path, "--app", "web", in: registry.environment)
            let inside = try await home.build("\(project.path)/apps/web", in: registry.environment)
            #expect(steps(named) == ["install cached", "tides:build cached", "web:build cached"])
            #expect(steps(inside) == steps(named))
            #expect(named.artifact == artifacts(whole)["web"])
            #expect(inside.artifact == named.artifact)
        }
    }

    @Test func aServerAnswersFromItsFolderAndHoldsWhatItIsMadeOfAndNothingElse() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let gateway = try await home.startGateway()
            let project = try home.project(locked: "workspace-npm")
            try await home.deploy(project.path, to: "tides", "--app", "api", in: registry.environment)
            #expect(try await gateway.fetch("tides.localhost") == "200 {\"hours\":\"9 (string)\"}")
            let out = "\(home.folder)/out"
            _ = try await home.build(project.path, "--app", "api", "--out", out, in: registry.environment)
            #expect(Folder.names("\(out)/apps") == ["api"])
            #expect(Folder.names("\(out)/packages/tides") == ["build.js", "lib", "package.json", "src"])
            #expect(Folder.names("\(out)/node_modules").contains("express"))
            #expect(!Folder.names("\(out)/node_modules").contains("tape"))
        }
    }

    @Test func membersOfAPythonWorkspaceAreInstalledIntoTheAppThatNeedsThem() async throws {
        try await withForgeHome { home in
            let environment = try await PythonIndex.environment(for: home)
            let gateway = try await home.startGateway()
            let project = try home.project(locked: "workspace-uv")
            let report = try await home.build(project.path, in: environment)
            #expect(steps(report) == ["berths:install executed first build", "tide-api:install executed first build"])
            try append("\n\nDEPTH = 4\n", to: "packages/tidelib/src/tidelib/__init__.py", of: project)
            let again = try await home.build(project.path, in: environment)
            #expect(
                steps(again) == [
                    "berths:install cached", "tide-api:install executed packages/tidelib/src/tidelib/__init__.py changed",
                ])
            try await home.deploy(project.path, to: "tides", "--app", "tide-api", in: environment)
            #expect(try await gateway.fetch("tides.localhost") == "200 {\"hours\":9}\n")
        }
    }

    @Test func whatIsWrongIsSaidBeforeAnythingRuns() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "workspace-npm")
            let typo = try await home.failure(10, "build", project.path, "--app", "wbe")
            #expect(typo["message"] == "no app named `wbe`")
            #expect(typo["hint"] == "did you mean `web`?")
            let several = try await home.failure(2, "deploy", project.path, "--project", "harbour")
            #expect(several["code"] == "app.several")
            #expect(several["message"] == "the source holds several apps: `admin`, `api`, `web`")
            #expect(several["hint"] == "choose one of them: `--app admin`")
            try project.write(["apps/api/package.json": "{\n  \"name\": \"api\"\n  \"private\": true\n}\n"])
            let broken = try await home.failure(10, "build", project.path, "--app", "web")
            #expect(broken["file"] == "apps/api/package.json")
            #expect(broken["line"]?.number == 3)
        }
    }
}
