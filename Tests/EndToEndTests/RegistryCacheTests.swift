import ForgeTestSupport
import Foundation
import Testing

/// What registries answered is kept, for every project and for builds without a network.
@Suite struct RegistryCacheTests {
    @Test func aSecondProjectInstallsWithTheRegistrySwitchedOff() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let one = try home.project(locked: "express-app")
            _ = try await home.build(one.path, in: registry.environment)
            try await registry.stop()
            let other = try home.project(locked: "express-app")
            try other.write([".npmrc": "fund=false\n"])
            let report = try await home.build(other.path, in: registry.environment)
            #expect(report.steps == [["id": "install", "outcome": "executed", "reason": "first build"]])
            let packages = try home.packages(report, step: "install")
            #expect(packages.count > 50)
            #expect(Set(packages.map { $0["from"] }) == ["store"])
        }
    }

    @Test func anOfflineRebuildNeedsTheStoreAlone() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(copiedFrom: "express-app")
            let first = try await home.build(project.path, in: registry.environment)
            #expect(first.steps.map { $0["id"] } == ["resolve", "install"])
            let asked = registry.requests().count
            let second = try await home.build(project.path, "--no-cache", "--offline", in: registry.environment)
            #expect(second.steps.map { $0["outcome"] } == ["executed", "executed"])
            #expect(second.artifact == first.artifact)
            #expect(registry.requests().count == asked, "nobody is asked")
            try await registry.stop()
            #expect(try await home.build(project.path, "--no-cache", "--offline", in: registry.environment).artifact == first.artifact)
        }
    }

    @Test func anOfflineBuildNamesWhatIsNotStored() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "moon-phase", from: registry, version: "1.0.0")
            let asked = registry.requests().count
            let run = try await home.run(
                ["build", project.path, "--json", "--progress", "plain", "--offline"], environment: registry.environment)
            #expect(run.exitCode == 50)
            let error = try #require(try run.json()["error"])
            #expect(error["code"] == "registry.offline")
            #expect(
                error["message"]?.text?.contains("needs what no earlier build has stored: `\(registry.url)moon-phase`") == true, "\(error)")
            #expect(registry.requests().count == asked)
        }
    }

    @Test func theRecordTellsEveryFileOfEveryPackage() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "@fixtures/tools", from: registry)
            let report = try await home.build(project.path, in: registry.environment)
            let packages = try home.packages(report, step: "install")
            #expect(
                packages.map { $0.without("digest") } == [
                    [
                        "registry": .string(registry.origin), "path": "/@fixtures/tools/-/tools-2.0.0.tgz", "name": "@fixtures/tools",
                        "version": "2.0.0", "from": "registry", "isVerified": true,
                    ],
                    [
                        "registry": .string(registry.origin), "path": "/moon-phase/-/moon-phase-1.1.0.tgz", "name": "moon-phase",
                        "version": "1.1.0", "from": "registry", "isVerified": true,
                    ],
                ])
            let pool = "\(BuildProducts.checkout).build/inputs/npm"
            let sum = try await home.tool("/usr/bin/sha256sum", "\(pool)/moon-phase-1.1.0.tgz").output.prefix(64)
            let size = try #require(FileManager.default.contents(atPath: "\(pool)/moon-phase-1.1.0.tgz")).count
            #expect(packages.last?["digest"] == .string("sha256:\(sum)/\(size)"))
        }
    }

    @Test func aFileOtherThanTheLockfileSaysIsNamedAndNeverStored() async throws {
        try await withForgeHome { home in
            let corrupt = try await home.npmRegistry("corrupt=moon-phase")
            let project = try await home.project(needing: "moon-phase", from: corrupt, version: "1.0.0")
            let failure = try await home.failedBuild(50, project.path, in: corrupt.environment)
            #expect(failure.error["code"] == "registry.integrity")
            let lock = try String(contentsOfFile: "\(project.path)/package-lock.json", encoding: .utf8)
            let expected = try #require(lock.firstMatch(of: /"integrity": "([^"]+)"/)).1
            let message = failure.error["message"]?.text ?? ""
            #expect(
                message.contains(
                    "was given other bytes for `moon-phase 1.0.0` than `package-lock.json` says: expected \(expected), found sha512-"),
                "\(message)")
            try await corrupt.stop()
            let registry = try await home.npmRegistry(port: corrupt.port)
            let report = try await home.build(project.path, in: registry.environment)
            #expect(try home.packages(report, step: "install").map { $0["from"] } == ["registry"])
        }
    }

    @Test func withoutAHashInTheLockfileTheRegistrysOwnDocumentDecides() async throws {
        try await withForgeHome { home in
            let corrupt = try await home.npmRegistry("corrupt=moon-phase")
            let project = try await home.project(needing: "moon-phase", from: corrupt, version: "1.0.0")
            let lock = try String(contentsOfFile: "\(project.path)/package-lock.json", encoding: .utf8)
            let expected = try #require(lock.firstMatch(of: /"integrity": "([^"]+)"/)).1
            try project.write(["package-lock.json": lock.replacing(/,\s*"integrity": "[^"]+"/, with: "")])
            let failure = try await home.failedBuild(50, project.path, in: corrupt.environment)
            #expect(failure.error["code"] == "registry.integrity")
            let message = failure.error["message"]?.text ?? ""
            #expect(message.contains("than the registry's own document says: expected \(expected), found sha512-"), "\(message)")
        }
    }

    @Test func aDocumentIsOnlyAskedForWhetherItChanged() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(copiedFrom: "express-app")
            let first = try await home.build(project.path, in: registry.environment)
            let second = try await home.build(project.path, "--no-cache", in: registry.environment)
            #expect(second.artifact == first.artifact)
            let asked = registry.requests().filter { $0.hasPrefix("GET /express ") }
            #expect(asked.first == "GET /express 200" && asked.count > 1, "\(asked)")
            #expect(asked.dropFirst().allSatisfy { $0 == "GET /express 304" }, "\(asked)")
            #expect(Set(registry.tarballs()).count == registry.tarballs().count, "no file is fetched twice")
        }
    }

    @Test func theCollectorLeavesWhatIsUsedAndTakesTheRestWithItsEntries() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try home.project(locked: "express-app")
            let first = try await home.build(project.path, in: registry.environment)
            try await registry.stop()
            let kept = try await home.run("cache", "gc")
            #expect(kept.exitCode == 0, "\(kept.error)")
            let again = try await home.build(project.path, "--no-cache", "--offline", in: registry.environment)
            #expect(again.artifact == first.artifact)
            let emptied = try await home.run("cache", "gc", "--limit", "1B")
            #expect(emptied.exitCode == 0, "\(emptied.error)")
            let run = try await home.run(
                ["build", project.path, "--json", "--progress", "plain", "--no-cache", "--offline"], environment: registry.environment)
            #expect(try run.json()["error"]?["code"] == "registry.offline")
        }
    }

    @Test func aDamagedPackageIsNoticedAndFetchedAnew() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "moon-phase", from: registry, version: "1.0.0")
            let first = try await home.build(project.path, in: registry.environment)
            let digest = try #require(try home.packages(first, step: "install").first?["digest"]?.text)
            let hex = digest.dropFirst("sha256:".count).prefix(64)
            let blob = "\(home.path)/store/blobs/\(hex.prefix(2))/\(hex)"
            let bytes = try #require(FileManager.default.contents(atPath: blob))
            let file = try #require(FileHandle(forWritingAtPath: blob))
            try file.seek(toOffset: UInt64(bytes.count / 2))
            try file.write(contentsOf: [bytes[bytes.count / 2] ^ 1])
            try file.close()
            let second = try await home.build(project.path, "--no-cache", in: registry.environment)
            #expect(second.artifact == first.artifact)
            #expect(try home.packages(second, step: "install").map { $0["from"] } == ["registry"])
        }
    }

    @Test func whatAStrangersBuildDownloadedIsNotGivenToOthers() async throws {
        try await withForgeHome { home in
            let registry = try await home.npmRegistry()
            let project = try await home.project(needing: "moon-phase", from: registry, version: "1.0.0")
            _ = try await home.build(project.path, "--untrusted", in: registry.environment)
            let trusted = try await home.build(project.path, "--no-cache", in: registry.environment)
            #expect(try home.packages(trusted, step: "install").map { $0["from"] } == ["registry"])
            let other = try await home.build(project.path, "--untrusted", "--no-cache", in: registry.environment)
            #expect(try home.packages(other, step: "install").map { $0["from"] } == ["store"])
        }
    }
}

extension ForgeHome {
    /// The packages of the build record.
    func packages(_ report: BuiltReport, step: String) throws -> [JSON] {
        let steps = try record(report)["steps"]?.elements ?? []
        return steps.first { $0["id"] == .string(step) }?["result"]?["packages"]?.elements ?? []
    }
}
