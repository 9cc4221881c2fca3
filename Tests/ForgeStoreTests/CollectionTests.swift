import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

/// What a collection takes and what it leaves alone.
@Suite struct CollectionTests {
    private func artifact(_ texts: [String: String], in store: Store) async throws -> Artifact {
        let root = try await store.trees.ingest(MemorySource(texts.mapValues { .file($0) }))
        return try await store.artifacts.save(ArtifactManifest(kind: .static, platform: nil, root: root, launch: nil, routes: []))
    }

    /// Sets when an artifact was used last, in seconds since 1970.
    private func use(_ artifact: Artifact, at time: Int64, _ workshop: borrowing Workshop) async throws {
        _ = try await workshop.tool(
            "/usr/bin/python3", "-c",
            """
            import sqlite3, sys
            index = sqlite3.connect(sys.argv[1])
            index.execute("UPDATE object SET usedAt = ? WHERE hex = ?", (sys.argv[2], sys.argv[3]))
            index.commit()
            """, workshop.storePath + "/index.sqlite", "\(time)", artifact.digest.hex)
    }

    @Test func whatNobodyAsksForGoesAndTheRestStays() async throws {
        let workshop = try Workshop()
        let kept: Artifact
        do {
            let store = try await workshop.store()
            kept = try await artifact(["index.html": "kept"], in: store)
            _ = try await store.trees.ingest(MemorySource(["orphan": .file("nobody's")]))
        }
        let store = try await workshop.store()
        let trial = try await store.collector.collect(limit: nil, pins: [], dryRun: true)
        #expect(trial.isDryRun)
        #expect(trial.blobs == 2, "a file and its folder")
        #expect(try await store.content.contains(Digest(of: "nobody's")), "a trial takes nothing")
        let collection = try await store.collector.collect(limit: nil, pins: [])
        #expect(collection.blobs == 2)
        #expect(collection.bytes == 8192)
        #expect(collection.keptBlobs == 3)
        #expect(collection.givenUp == [])
        #expect(try await !store.content.contains(Digest(of: "nobody's")))
        #expect(try await store.artifacts.load(kept.digest) == kept)
        #expect(try await store.trees.missingBlobs(kept.manifest.root) == [])
    }

    @Test func underALimitWhatWasUsedLeastRecentlyGoesButPinsStay() async throws {
        let workshop = try Workshop()
        var made: [Artifact] = []
        do {
            let store = try await workshop.store()
            for number in 1...4 {
                let text = String(repeating: "\(number)", count: 100_000)
                made.append(try await artifact(["big": text], in: store))
            }
        }
        for (number, artifact) in made.enumerated() { try await use(artifact, at: Int64(1000 + number), workshop) }
        let store = try await workshop.store()
        let collection = try await store.collector.collect(limit: 240_000, pins: [made[0].digest])
        #expect(collection.givenUp == ["artifact \(made[2].digest)", "artifact \(made[1].digest)"])
        #expect(collection.keptBytes <= 240_000)
        for (artifact, isThere) in zip(made, [true, false, false, true]) {
            #expect(try await store.trees.missingBlobs(artifact.manifest.root).isEmpty == isThere)
            #expect(try await (store.artifacts.load(artifact.digest) != nil) == isThere)
        }
    }

    @Test func whatALivingUserCountsOnStays() async throws {
        let workshop = try Workshop()
        let user = try await workshop.store()
        let fresh = try await user.trees.ingest(MemorySource(["fresh": .file("just written")]))
        let again = try await user.content.write(Array("written twice".utf8))
        let collection = try await workshop.store().collector.collect(limit: 0, pins: [])
        #expect(collection.blobs == 0)
        #expect(try await user.trees.missingBlobs(fresh) == [])
        #expect(try await user.content.contains(again))
    }

    @Test func aTreeThatWasAcquiredStaysWholeUntilItsUserIsGone() async throws {
        let workshop = try Workshop()
        let root: Digest
        do { root = try await workshop.store().trees.ingest(MemorySource(["a/b": .file("b"), "c": .program("c")])) }
        do {
            let user = try await workshop.store()
            #expect(try await user.trees.acquire(root))
            let folder = try await user.trees.materialize(root)
            #expect(try await workshop.store().collector.collect(limit: 0, pins: []).blobs == 0)
            #expect(Files.isDirectory(folder))
        }
        let store = try await workshop.store()
        let collection = try await store.collector.collect(limit: 0, pins: [])
        #expect(collection.blobs == 5, "two files, one of them also as a program, and two folders")
        #expect(try await !store.trees.acquire(root))
        #expect(try await workshop.find(workshop.storePath + "/trees").filter { !$0.hasPrefix("d") } == [])
        #expect(try await workshop.find(workshop.storePath + "/tmp") == [])
    }

    @Test func twoCollectionsAtOnceAreRefused() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let turn = try #require(try FileLock.attempt(workshop.storePath + "/collector.lock"))
        let error = await forgeError { _ = try await store.collector.collect(limit: nil, pins: []) }
        #expect(error?.code == "store.busy")
        withExtendedLifetime(turn) {}
    }

    @Test func writersAndReadersGoOnWhileACollectorTakesAllItMay() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let path = workshop.storePath
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for round in 0..<30 {
                        // Shared by all, so that one finds what another has just written, or a collector is about to take.
                        let texts = ["shared": "round \(round % 3)", "own": "\(writer) \(round)"]
                        let root = try await store.trees.ingest(MemorySource(texts.mapValues { .file($0) }))
                        #expect(try await store.trees.acquire(root))
                        #expect(try await store.trees.missingBlobs(root) == [])
                    }
                }
            }
            group.addTask {
                for _ in 0..<40 { _ = try await Store.open(at: path).collector.collect(limit: 0, pins: []) }
            }
            try await group.waitForAll()
        }
    }

    @Test func anArtifactThatSomebodyIsUsingKeepsItsPlaceInTheIndex() async throws {
        let workshop = try Workshop()
        let old: Artifact
        do { old = try await artifact(["index.html": "old"], in: workshop.store()) }
        do {
            let user = try await workshop.store()
            #expect(try await user.artifacts.load(old.digest) == old)
            let collection = try await workshop.store().collector.collect(limit: 0, pins: [])
            #expect(collection.givenUp == [])
            #expect(try await user.trees.acquire(old.manifest.root))
        }
        let store = try await workshop.store()
        #expect(try await store.collector.collect(limit: nil, pins: [old.digest]).blobs == 0)
        #expect(try await store.artifacts.load(old.digest) == old)
    }

    @Test func verificationNamesEachBadBlobWithItsOwnersAndPutsItOutOfUse() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let one = try await artifact(["index.html": "hello", "img/logo.svg": "<svg/>"], in: store)
        let record = BuildRecord(
            artifact: one.digest, source: .init(location: "x", commit: nil, root: one.manifest.root), plan: Digest(of: "no such plan"),
            preset: PresetReference(id: "static", name: "Static", digest: Digest(of: "p")), steps: [], toolchains: [:], sandbox: "none",
            warnings: [], finishedAt: 0, forgeVersion: "1")
        let recordDigest = try await store.artifacts.saveRecord(record)
        let path = store.content.path(of: Digest(of: "<svg/>"), executable: false)
        let status = try #require(try FileStatus.of(path))
        try Data("<svG/>".utf8).write(to: URL(filePath: path))
        // As silent as a disk's own mistakes.
        try Files.setTimes(path, FileContentStore.modificationTime)
        #expect(try FileStatus.of(path)?.size == status.size)
        let report = try await store.verifier.verify { _, _ in }
        #expect(
            report.faults.map { "\($0.kind) \($0.blob) \($0.owners)" }.sorted() == [
                "damaged \(Digest(of: "<svg/>").hex) [\"artifact \(one.digest) img/logo.svg\"]",
                "missing \(Digest(of: "no such plan").hex) [\"build record \(recordDigest)\"]",
            ])
        #expect(!Files.exists(path))
        #expect(try await !store.trees.acquire(one.manifest.root))
    }
}
