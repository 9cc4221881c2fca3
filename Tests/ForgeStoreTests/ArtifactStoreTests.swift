import ForgeModel
import ForgeStore
import ForgeSystem
import Testing

struct ArtifactStoreTests {
    @Test func anArtifactIsItsManifestAndIsFoundByItsHash() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(MemorySource(["index.html": .file("hi"), "a/b": .file("four")]))
        let manifest = ArtifactManifest(kind: .static, platform: nil, root: root, launch: nil, routes: [])
        let artifact = try await store.artifacts.save(manifest)
        #expect(artifact.sizeBytes == 6)
        #expect(artifact.fileCount == 2)
        #expect(
            try await store.content.read(artifact.digest)
                == Array(#"{"kind":"static","root":"sha256:\#(root.hex)/\#(root.sizeBytes)","routes":[],"runtimes":[]}"#.utf8))
        #expect(try await store.artifacts.save(manifest) == artifact)
        let other = try await workshop.store().artifacts
        #expect(try await other.resolve(artifact.digest.description) == artifact.digest)
        #expect(try await other.load(artifact.digest) == artifact)
    }

    @Test func whatIsNotAnArtifactIsNotResolved() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let blob = try await store.content.write(Array("just a blob".utf8))
        let unknown = await forgeError { _ = try await store.artifacts.resolve(blob.description) }
        #expect(unknown?.code == "artifact.unknown")
        #expect(unknown?.message == "no artifact `\(blob)` in this store")
        #expect(unknown?.exitCode == 60)
        #expect(try await store.artifacts.load(blob) == nil)
        #expect(await forgeError { _ = try await store.artifacts.resolve("latest") }?.code == "artifact.malformed")
    }

    @Test func anArtifactWhoseFilesAreGoneIsNotSaved() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let manifest = ArtifactManifest(kind: .static, platform: nil, root: Digest(of: "gone"), launch: nil, routes: [])
        #expect(await forgeError { _ = try await store.artifacts.save(manifest) }?.code == "store.missing-blob")
    }

    @Test func aBuildRecordIsReadBack() async throws {
        let workshop = try Workshop()
        let artifacts = try await workshop.store().artifacts
        let record = BuildRecord(
            artifact: Digest(of: "a"), source: .init(location: ".", commit: nil, root: Digest(of: "r")), plan: Digest(of: "p"),
            preset: PresetReference(id: "static", name: "Static", digest: Digest(of: "s")), steps: [], toolchains: ["node": "20"],
            sandbox: "crun", warnings: [Diagnostic("careful")], finishedAt: 1, forgeVersion: "0")
        let digest = try await artifacts.saveRecord(record)
        #expect(try await artifacts.record(digest) == record)
        #expect(try await artifacts.record(Digest(of: "other")) == nil)
    }

    @Test func theRecordsOfAnArtifactAreFoundTheNewestFirst() async throws {
        let workshop = try Workshop()
        let artifacts = try await workshop.store().artifacts
        func record(_ artifact: String, _ time: Int64) -> BuildRecord {
            let binding = BuildRecord.Binding(
                project: "tides", environment: .staging, preview: nil,
                reads: [.init(name: "API", tag: "t"), .init(name: "NONE", tag: nil)],
                prefixes: ["VITE_"])
            return BuildRecord(
                artifact: Digest(of: artifact), source: .init(location: ".", commit: nil, root: Digest(of: "r")), plan: Digest(of: "p"),
                preset: PresetReference(id: "static", name: "Static", digest: Digest(of: "s")), steps: [], toolchains: [:],
                sandbox: "crun", warnings: [], binding: time == 1 ? nil : binding, finishedAt: time, forgeVersion: "0")
        }
        let (first, other, second) = (record("a", 1), record("b", 2), record("a", 3))
        for record in [first, other, second, first] { _ = try await artifacts.saveRecord(record) }
        #expect(try await artifacts.records(of: Digest(of: "a")) == [first, second, first])
        #expect(try await artifacts.records(of: Digest(of: "a"), limit: 1) == [first])
        #expect(try await artifacts.records(of: Digest(of: "c")) == [])
    }
}
