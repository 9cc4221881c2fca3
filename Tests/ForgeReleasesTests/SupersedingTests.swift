import ForgeControl
import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Glibc
import Testing

@testable import ForgeReleases

/// A rollback takes the place of whatever is on its way, and nothing damaged comes back.
@Suite struct SupersedingTests {
    /// A target that says hello and then waits until its file appears.
    private func waiting(_ fixture: ReleaseFixture) throws -> TargetCatalog {
        let script = """
            #!/bin/sh
            read hello
            printf '%s\\n' '{"type":"hello","protocol":1,"name":"script","version":"1","kinds":["static"],"capabilities":["deploy"]}'
            read deploy
            printf '%s\\n' '{"type":"progress","text":"waiting"}'
            read forever
            """
        return try fixture.catalog(script)
    }

    private func deployed(_ fixture: ReleaseFixture, _ texts: String...) async throws -> [Artifact] {
        var artifacts: [Artifact] = []
        for text in texts {
            artifacts.append(try await fixture.artifact(["index.html": text]))
            _ = try await fixture.service().deploy(artifacts[artifacts.count - 1], to: mySite, span: anySpan)
        }
        return artifacts
    }

    @Test(.timeLimit(.minutes(2))) func aRollbackGivesUpADeployThatIsUnderWay() async throws {
        try await ReleaseFixture.run { fixture in
            let artifacts = try await deployed(fixture, "one", "two")
            let third = try await fixture.artifact(["index.html": "three"])
            let slow = fixture.service(try waiting(fixture))
            let deploy = Task { try await slow.deploy(third, to: mySite, options: .init(target: "script"), span: anySpan) }
            while !fixture.events.lines.contains("1 waiting") { try await Task.sleep(for: .milliseconds(5)) }
            _ = try await fixture.service().rollback(mySite, span: anySpan)
            let error = await #expect(throws: ForgeError.self) { _ = try await deploy.value }
            #expect(error?.code == "release.superseded")
            #expect(error?.exitCode == 70)
            #expect(try fixture.served("my-site.localhost") == "one")
            let names = [artifacts[0].digest: "one", artifacts[1].digest: "two", third.digest: "three"]
            #expect(
                try await fixture.history(mySite, names) == [
                    "active one", "failed three", "rolledBack two", "superseded one",
                ])
        }
    }

    @Test func aDeployThatBeganBeforeARollbackDoesNotUndoIt() async throws {
        try await ReleaseFixture.run { fixture in
            _ = try await deployed(fixture, "one", "two")
            let service = fixture.service()
            var options = ReleaseService.DeployOptions()
            options.since = try await service.moment()
            _ = try await service.rollback(mySite, span: anySpan)
            let third = try await fixture.artifact(["index.html": "three"])
            let error = await #expect(throws: ForgeError.self) {
                _ = try await service.deploy(third, to: mySite, options: options, span: anySpan)
            }
            #expect(error?.code == "release.superseded")
            #expect(try fixture.served("my-site.localhost") == "one")
            options.since = try await service.moment()
            _ = try await service.deploy(third, to: mySite, options: options, span: anySpan)
            #expect(try fixture.served("my-site.localhost") == "three")
        }
    }

    @Test func aDamagedArtifactIsRefusedAndWhatIsOnlineStays() async throws {
        try await ReleaseFixture.run { fixture in
            let artifacts = try await deployed(fixture, "one", "two")
            let blob = fixture.store.content.path(of: Digest(of: "one"), executable: false)
            #expect(chmod(blob, 0o600) == 0)
            try Data("onE".utf8).write(to: URL(filePath: blob), options: [])
            let error = await #expect(throws: ForgeError.self) { _ = try await fixture.service().rollback(mySite, span: anySpan) }
            #expect(error?.code == "release.artifact-damaged")
            #expect(error?.exitCode == 60)
            #expect(try fixture.served("my-site.localhost") == "two")
            #expect(
                try await fixture.history(mySite, [artifacts[0].digest: "one", artifacts[1].digest: "two"]) == [
                    "active two", "superseded one",
                ])
        }
    }

    @Test func aFailedReleaseMakesRoomForTheOneBeforeItAndIsCalledFailed() async throws {
        try await ReleaseFixture.run { fixture in
            let artifacts = try await deployed(fixture, "one", "two")
            let names = [artifacts[0].digest: "one", artifacts[1].digest: "two"]
            let active = try #require(try await fixture.log.list(mySite).first)
            let report = try await fixture.service().replaceFailed(active.id, at: mySite, reason: "it crashed", span: anySpan)
            #expect(report?.artifact == artifacts[0].digest)
            #expect(try fixture.served("my-site.localhost") == "one")
            #expect(try await fixture.history(mySite, names) == ["active one", "failed two", "superseded one"])
            #expect(try await fixture.log.list(mySite)[1].failure == "it crashed")
            #expect(try await fixture.service().replaceFailed(active.id, at: mySite, reason: "again", span: anySpan) == nil)
            let last = try #require(try await fixture.log.list(mySite).first)
            await #expect(throws: ForgeError.self) {
                _ = try await fixture.service().replaceFailed(last.id, at: mySite, reason: "it crashed too", span: anySpan)
            }
            #expect(try await fixture.history(mySite, names) == ["failed one", "failed two", "superseded one"])
            #expect(try fixture.served("my-site.localhost") == "one")
        }
    }
}
