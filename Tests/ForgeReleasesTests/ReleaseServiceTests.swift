import ForgeEvents
import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

@testable import ForgeReleases

@Suite struct ReleaseServiceTests {
    @Test func aDeployPublishesTheArtifactAndReportsIt() async throws {
        try await ReleaseFixture.run { fixture in
            let artifact = try await fixture.artifact(["index.html": "home", "a.txt": "a"])
            let report = try await fixture.service().deploy(artifact, to: mySite, span: anySpan)
            let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: NSObject]
            #expect(
                json == [
                    "release": report.release as NSString, "artifact": artifact.digest.description as NSString,
                    "url": "http://my-site.localhost:8080/" as NSString, "status": "active" as NSString, "project": "my-site" as NSString,
                    "environment": "production" as NSString, "preview": NSNull(), "target": "static" as NSString,
                    "createdAt": 1_800_000_000_000 as NSNumber, "previous": NSNull(), "failure": NSNull(),
                    "commit": NSNull(), "swap": NSNull(), "alreadyActive": false as NSNumber,
                ])
            #expect(try fixture.served("my-site.localhost") == "home")
            let entry = try #require(try fixture.log.routes.snapshot().entries["my-site.localhost"])
            #expect(entry.release == report.release)
            #expect(entry.artifact == artifact.digest)
            #expect(
                fixture.events.lines == [
                    "started deploy my-site", "1 laying out 2 files", "1 publishing my-site.localhost",
                    "finished 1 done http://my-site.localhost:8080/",
                ])
        }
    }

    @Test func anArtifactThatIsInPlaceIsLeftAlone() async throws {
        try await ReleaseFixture.run { fixture in
            let artifact = try await fixture.artifact(["index.html": "home"])
            let first = try await fixture.service().deploy(artifact, to: mySite, span: anySpan)
            let version = try fixture.log.routes.version()
            let second = try await fixture.service().deploy(artifact, to: mySite, span: anySpan)
            #expect(second.alreadyActive)
            #expect(second.release == first.release)
            #expect(second.status == .active)
            #expect(try fixture.log.routes.version() == version)
            #expect(try await fixture.log.list(mySite).count == 1)
        }
    }

    @Test func filesThatWentMissingArePutBackByDeployingAgain() async throws {
        try await ReleaseFixture.run { fixture in
            let artifact = try await fixture.artifact(["index.html": "home"])
            _ = try await fixture.service().deploy(artifact, to: mySite, span: anySpan)
            let root = try #require(try fixture.log.routes.snapshot().entries["my-site.localhost"]?.root)
            try Files.removeTree(root)
            #expect(try await fixture.service().deploy(artifact, to: mySite, span: anySpan).alreadyActive == false)
            #expect(try fixture.served("my-site.localhost") == "home")
        }
    }

    @Test func environmentsAndProjectsAreIndependent() async throws {
        try await ReleaseFixture.run { fixture in
            let slug = mySite.project
            let other = try ReleasePlace(project: ProjectSlug(parsing: "other"), environment: .production)
            let places = [
                (mySite, "my-site.localhost"), (try ReleasePlace(project: slug, environment: .staging), "my-site-staging.localhost"),
                (try ReleasePlace(project: slug, environment: .preview, preview: 7), "my-site-pr-7.localhost"),
                (try ReleasePlace(project: slug, environment: .preview, preview: 8), "my-site-pr-8.localhost"), (other, "other.localhost"),
            ]
            for (place, host) in places {
                let report = try await fixture.service().deploy(fixture.artifact(["index.html": host]), to: place, span: anySpan)
                #expect(report.url == "http://\(host):8080/")
            }
            for (place, host) in places {
                #expect(try fixture.served(host) == host)
                #expect(try await fixture.log.list(place).map(\.status) == [.active])
            }
            #expect(try await fixture.service().list(project: slug).count == 4)
            #expect(try await fixture.service().list(project: slug, environment: .preview).map(\.preview) == [8, 7])
        }
    }

    @Test func rollbacksGoFurtherBackAndADeployGoesForwardAgain() async throws {
        try await ReleaseFixture.run { fixture in
            let service = fixture.service()
            var names: [Digest: String] = [:]
            for name in ["a", "b", "c"] {
                let artifact = try await fixture.artifact(["index.html": name])
                names[artifact.digest] = name
                _ = try await service.deploy(artifact, to: mySite, span: anySpan)
            }
            let releases = try await fixture.log.list(mySite)
            let first = try await service.rollback(mySite, span: Span(id: 2, kind: .rollback, name: "my-site"))
            #expect(try fixture.served("my-site.localhost") == "b")
            #expect(first.previous == releases[0].id)
            #expect(try await fixture.history(mySite, names) == ["active b", "rolledBack c", "superseded b", "superseded a"])
            _ = try await service.rollback(mySite, span: anySpan)
            #expect(try fixture.served("my-site.localhost") == "a")
            let error = await #expect(throws: ForgeError.self) { try await service.rollback(mySite, span: anySpan) }
            #expect(error?.code == "release.nothing-older")
            #expect(try fixture.served("my-site.localhost") == "a")
            let byName = try await service.rollback(mySite, to: String(releases[0].id.dropLast(2)), span: anySpan)
            #expect(byName.alreadyActive == false)
            #expect(try fixture.served("my-site.localhost") == "c")
            #expect(try await service.rollback(mySite, to: byName.release, span: anySpan).alreadyActive)
            #expect(
                try await fixture.history(mySite, names) == [
                    "active c", "rolledBack a", "rolledBack b", "rolledBack c", "superseded b", "superseded a",
                ])
            #expect(fixture.events.lines.contains("started rollback my-site"))
        }
    }

    @Test func aRollbackNeedsAReleaseThatOnceWasActive() async throws {
        try await ReleaseFixture.run { fixture in
            let service = fixture.service()
            let good = try await fixture.artifact(["index.html": "good"])
            await #expect(throws: ForgeError.self) { try await service.rollback(mySite, span: anySpan) }
            _ = try await service.deploy(good, to: mySite, span: anySpan)
            let empty = try await fixture.artifact([:])
            let failure = await #expect(throws: ForgeError.self) { try await service.deploy(empty, to: mySite, span: anySpan) }
            #expect(failure?.message == "target `static` failed: the artifact has no files (static.no-files)")
            #expect(failure?.hint == "check `[build] output`: it names the directory that is published")
            let failed = try await fixture.log.list(mySite)[0]
            #expect(failed.failure == failure?.message)
            let never = await #expect(throws: ForgeError.self) { try await service.rollback(mySite, to: failed.id, span: anySpan) }
            #expect(never?.code == "release.never-active")
            let unknown = await #expect(throws: ForgeError.self) { try await service.rollback(mySite, to: "zzzz", span: anySpan) }
            #expect(unknown?.code == "release.unknown")
            #expect(unknown?.hint == "`forge releases --project my-site` lists them")
            #expect(try fixture.served("my-site.localhost") == "good")
        }
    }

    @Test func aRollbackWhoseArtifactIsGoneSaysSoAndChangesNothing() async throws {
        try await ReleaseFixture.run { fixture in
            for name in ["a", "b"] {
                _ = try await fixture.service().deploy(fixture.artifact(["index.html": name]), to: mySite, span: anySpan)
            }
            let emptyStore = try await Store.open(at: fixture.folder.path + "/another-store")
            let service = ReleaseService(
                log: fixture.log, catalog: ReleaseFixture.builtIn, store: emptyStore, events: fixture.events,
                settings: .init(gatewayPort: 80))
            let error = await #expect(throws: ForgeError.self) { try await service.rollback(mySite, span: anySpan) }
            #expect(error?.code == "release.artifact-gone")
            #expect(try fixture.served("my-site.localhost") == "b")
            #expect(try await service.list(project: mySite.project)[0].url == "http://my-site.localhost/")
        }
    }

    @Test func whatAKilledDeployLeftIsMarkedByTheNextOne() async throws {
        try await ReleaseFixture.run { fixture in
            let artifact = try await fixture.artifact(["index.html": "home"])
            try await fixture.log.begin(
                Release(
                    id: "killed", place: mySite, artifact: artifact.digest, target: "static", status: .pending, externalURL: nil,
                    createdAt: 1, previous: nil, origin: nil, failure: nil, commit: nil, variables: nil, variablesTag: ""))
            _ = try await fixture.service().deploy(artifact, to: mySite, span: anySpan)
            let releases = try await fixture.log.list(mySite)
            #expect(releases.map(\.status) == [.active, .failed])
            #expect(releases[1].failure == "its deploy ended without a result")
        }
    }

    @Test func deploysAtTheSameTimeLeaveOneActive() async throws {
        try await ReleaseFixture.run { fixture in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        // Another log and store object stands for another process.
                        let log = try await ReleaseLog.open(fixture.folder.path + "/releases.sqlite")
                        let service = ReleaseService(
                            log: log, catalog: ReleaseFixture.builtIn, store: fixture.store, events: fixture.events,
                            settings: .init(gatewayPort: 8080))
                        _ = try await service.deploy(fixture.artifact(["index.html": "\(number)"]), to: mySite, span: anySpan)
                    }
                }
                try await group.waitForAll()
            }
            let releases = try await fixture.log.list(mySite)
            #expect(releases.map(\.status) == [.active] + Array(repeating: .superseded, count: 7))
            let entry = try fixture.log.routes.snapshot().entries["my-site.localhost"]
            #expect(entry?.release == releases[0].id)
            #expect(try fixture.log.routes.version() == 8)
        }
    }

    @Test func aDeployThatDoesNotGetItsTurnSaysSo() async throws {
        try await ReleaseFixture.run { fixture in
            let turn = try await fixture.log.claim(mySite, limit: .zero)
            let error = await #expect(throws: ForgeError.self) { try await fixture.log.claim(mySite, limit: .zero) }
            #expect(error?.code == "release.busy")
            #expect(error?.message == "another deploy to production of `my-site` is under way")
            withExtendedLifetime(turn) {}
        }
    }

    @Test func theRouteAndTheReleaseChangeTogetherOrNotAtAll() async throws {
        try await ReleaseFixture.run { fixture in
            let artifact = try await fixture.artifact(["index.html": "home"])
            let report = try await fixture.service().deploy(artifact, to: mySite, span: anySpan)
            await #expect(throws: ForgeError.self) {
                try await fixture.log.activate(
                    "nobody", at: mySite, leaving: .superseded, externalURL: nil, changes: [.withdraw(host: mySite.host)])
            }
            #expect(try await fixture.log.list(mySite).map(\.status) == [.active])
            #expect(try fixture.log.routes.snapshot().entries["my-site.localhost"]?.release == report.release)
            #expect(try await fixture.log.keptArtifacts() == [artifact.digest])
        }
    }

    @Test func aReleaseElsewhereTakesTheOldRouteAway() async throws {
        try await ReleaseFixture.run { fixture in
            _ = try await fixture.service().deploy(fixture.artifact(["index.html": "here"]), to: mySite, span: anySpan)
            let transcript = try Transcript(name: "released-by-url")
            let artifact = try await fixture.artifact(["index.html": "there"])
            let script = transcript.script(["artifact": artifact.digest.description], pidFile: fixture.folder.path + "/pid")
            let service = try fixture.service(fixture.catalog(script))
            #expect(try await service.deploy(artifact, to: mySite, span: anySpan).url == "https://elsewhere.example/my-site")
            #expect(try fixture.log.routes.snapshot().entries == [:])
            #expect(try await service.deploy(artifact, to: mySite, span: anySpan).alreadyActive)
        }
    }
}
