import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

struct MaterializationTests {
    private static let sample: [String: MemorySource.Content] = [
        "README": .file("same"), "bin/run": .program("same"), "empty": .folder, "latest": .link("bin/run"),
    ]

    @Test func aMaterialisedTreeIsHardLinksWithFixedModesAndTimes() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(MemorySource(Self.sample))
        let path = try await store.trees.materialize(root)
        #expect(try await workshop.find(path) == ["d 755 bin", "d 755 empty", "f 644 README", "f 755 bin/run", "l 777 latest bin/run"])
        #expect(
            try await workshop.tool(
                "/usr/bin/find", path, "-not", "-newermt", "1980-01-01 00:00:01", "-not", "-newermt", "1979-12-31 23:59:59"
            ).isEmpty)
        #expect(try await workshop.tool("/usr/bin/find", path, "-newermt", "1980-01-01 00:00:01").isEmpty)
        let blob = store.content.path(of: Digest(of: "same"), executable: false)
        #expect(try FileStatus.of(path + "/README")?.inode == FileStatus.of(blob)?.inode)
        #expect(try FileStatus.of(path + "/bin/run")?.inode == FileStatus.of(blob + ".x")?.inode)
        #expect(try await store.trees.materialize(root) == path)
        #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
    }

    @Test func aTreeWithAMissingFileIsNotMaterialised() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(MemorySource(Self.sample))
        try Files.removeTree(store.content.path(of: Digest(of: "same"), executable: false))
        #expect(await forgeError { _ = try await store.trees.materialize(root) }?.code == "store.missing-blob")
        #expect(try Files.list(workshop.storePath + "/trees").isEmpty)
        #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
    }

    @Test func aDamagedBlobTakesItsMaterialisedTreesOutOfUse() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let source = try MemorySource(["a/b": .file("precious"), "c": .file("c")])
        let root = try await store.trees.ingest(source)
        let other = try await store.trees.ingest(MemorySource(["c": .file("c")]))
        let path = try await store.trees.materialize(root)
        let untouched = try await store.trees.materialize(other)
        try Array("pricious".utf8).withUnsafeBytes { try Descriptor.open(path + "/a/b", O_WRONLY).write($0) }
        #expect(try await store.content.read(Digest(of: "precious")) == nil)
        #expect(!Files.exists(path))
        #expect(Files.exists(untouched))
        #expect(try await store.trees.ingest(source) == root)
        #expect(try await store.trees.materialize(root) == path)
        #expect(try Files.read(path + "/a/b") == Array("precious".utf8))
    }
}
