import ForgeTestSupport
import Foundation
import Testing

/// When an install runs again, and what it does not fetch again.
@Suite struct InstallCacheTests {
    @Test func aChangedSourceFileDoesNotInstallAgain() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "react-app")
            let first = try await home.build(project.path, in: registry.environment)
            let requests = registry.requests().count
            let source = try String(contentsOfFile: "\(project.path)/src/Catalogue.jsx", encoding: .utf8)
            try project.write(["src/Catalogue.jsx": source.replacing("Borage", with: "Comfrey")])
            let second = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            #expect(
                second.steps == [
                    ["id": "install", "outcome": "cached", "reason": nil],
                    ["id": "build", "outcome": "executed", "reason": "src/Catalogue.jsx changed"],
                ])
            #expect(second.artifact != first.artifact)
            #expect(try String(contentsOfFile: "\(home.folder)/out/app.js", encoding: .utf8).contains("Comfrey"))
            #expect(registry.requests().count == requests, "nothing is asked for what is there")
        }
    }

    @Test func aChangedLockfileInstallsAgainAndFetchesOnlyWhatIsNew() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "moon-phase", from: registry, version: "1.0.0")
            try await home.lock(project, ["moon-phase": "1.0.0", "express": "*"], with: registry)
            _ = try await home.build(project.path, in: registry.environment)
            let fetched = registry.tarballs()
            #expect(fetched.contains("moon-phase-1.0.0.tgz"))
            try await home.lock(project, ["moon-phase": "1.1.0", "express": "*"], with: registry)
            let second = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            #expect(
                second.steps == [
                    ["id": "install", "outcome": "executed", "reason": "lockfile package-lock.json changed (moon-phase 1.0.0 → 1.1.0)"]
                ])
            #expect(registry.tarballs() == (fetched + ["moon-phase-1.1.0.tgz"]).sorted())
            let module = try String(contentsOfFile: "\(home.folder)/out/node_modules/moon-phase/index.js", encoding: .utf8)
            #expect(module.contains("1.1.0"))
        }
    }

    @Test func whatOneProjectDownloadedAnotherNeedNot() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let one = try await home.project(needing: "moon-phase", from: registry, version: "1.0.0")
            let other = try await home.project(
                needing: "moon-phase", from: registry, version: "1.0.0", more: [".npmrc": "fetch-retries=0\nfund=false\n"])
            for project in [one, other] { _ = try await home.build(project.path, in: registry.environment) }
            #expect(registry.tarballs() == ["moon-phase-1.0.0.tgz"])
        }
    }

    @Test func withoutALockfileOneIsMadeKeptAndToldOf() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(copiedFrom: "express-app")
            let first = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            #expect(
                first.steps == [
                    ["id": "resolve", "outcome": "executed", "reason": "first build"],
                    ["id": "install", "outcome": "executed", "reason": "first build"],
                ])
            #expect(first.json["warnings"]?.elements.count == 1)
            #expect(first.json["warnings"]?.elements.first?.text?.contains("not locked") == true)
            #expect(Folder.names(project.path) == Folder.names(ForgeHome.fixture("express-app")), "the source is left alone")
            try project.write(["server.js": "require('express')().listen(process.env.PORT)\n"])
            try await registry.stop()
            let second = try await home.build(project.path, in: registry.environment)
            #expect(second.steps.map { $0["outcome"] } == ["cached", "cached"])
            #expect(second.artifact != first.artifact)
        }
    }

    @Test func aPackageWithAScopeAndItsDependencyAreInstalled() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "@fixtures/tools", from: registry)
            _ = try await home.build(project.path, "--out", "\(home.folder)/out", in: registry.environment)
            #expect(Folder.names("\(home.folder)/out/node_modules/@fixtures") == ["tools"])
            #expect(registry.tarballs() == ["moon-phase-1.1.0.tgz", "tools-2.0.0.tgz"])
        }
    }

    @Test func twoBuildsOfOneProjectAtOnceGiveTheSameArtifact() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            async let one = home.build(project.path, in: registry.environment)
            async let other = home.build(project.path, in: registry.environment)
            #expect(try await one.artifact == other.artifact)
            #expect(try await home.build(project.path, in: registry.environment).steps.map { $0["outcome"] } == ["cached"])
            try await home.nothingIsLeft()
        }
    }

    @Test func installingInAnotherHomeGivesTheSameArtifact() async throws {
        let artifacts = try await [1, 2].asyncMap { _ in
            try await withForgeHome { home in
                let registry = try await home.npmRegistry()
                return try await home.build(home.project(locked: "express-app").path, in: registry.environment).artifact
            }
        }
        #expect(artifacts[0] == artifacts[1])
    }
}

extension Sequence {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var values: [T] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
