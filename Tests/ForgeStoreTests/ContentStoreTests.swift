import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

struct ContentStoreTests {
    @Test func aWrittenBlobIsReadBackAndLiesUnderItsHash() async throws {
        let workshop = try Workshop()
        let content = try FileContentStore(root: workshop.storePath)
        let digest = try await content.write(Array("hello\n".utf8))
        #expect(digest.description == "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
        #expect(try await content.read(digest) == Array("hello\n".utf8))
        #expect(try await content.contains(digest))
        #expect(content.path(of: digest, executable: false) == "\(workshop.storePath)/blobs/58/\(digest.hex)")
        #expect(content.digest(ofHash: digest.hex) == digest)
        #expect(try await workshop.tool("/usr/bin/stat", "-c", "%a %Y", content.path(of: digest, executable: false)) == "644 315532800\n")
        #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
    }

    @Test func whatIsNotThereReadsAsNil() async throws {
        let workshop = try Workshop()
        let content = try FileContentStore(root: workshop.storePath)
        let digest = Digest(of: "never stored")
        #expect(try await content.read(digest) == nil)
        #expect(try await !content.contains(digest))
        #expect(content.digest(ofHash: digest.hex) == nil)
        #expect(content.digest(ofHash: "../../../etc/passwd") == nil)
    }

    @Test func aCorruptBlobReadsAsNilIsRemovedAndHealsByTheNextWrite() async throws {
        let workshop = try Workshop()
        let content = try FileContentStore(root: workshop.storePath)
        let digest = try await content.write(Array("precious".utf8))
        try Array("pricious".utf8).withUnsafeBytes {
            try Descriptor.open(content.path(of: digest, executable: false), O_WRONLY).write($0)
        }
        #expect(try await content.read(digest) == nil)
        #expect(try await !content.contains(digest))
        #expect(try await content.write(Array("precious".utf8)) == digest)
        #expect(try await content.read(digest) == Array("precious".utf8))
    }

    @Test func aBlobOfTheWrongSizeCountsAsAbsent() async throws {
        let workshop = try Workshop()
        let content = try FileContentStore(root: workshop.storePath)
        let digest = try await content.write(Array("whole".utf8))
        try Files.writeAtomically(Array("who".utf8), to: content.path(of: digest, executable: false))
        #expect(try await !content.contains(digest))
        #expect(try await content.write(Array("whole".utf8)) == digest)
        #expect(try await content.read(digest) == Array("whole".utf8))
    }

    @Test func aLargeFileIsIngestedByItsDescriptor() async throws {
        let workshop = try Workshop()
        let content = try FileContentStore(root: workshop.storePath)
        let bytes = [UInt8]((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try Files.writeAtomically(bytes, to: workshop.root + "/large")
        let file = try Descriptor.open(workshop.root + "/large", O_RDONLY)
        #expect(try content.ingest(file) == Digest(of: bytes))
        #expect(try content.ingest(file) == Digest(of: bytes))
        #expect(try await content.read(Digest(of: bytes)) == bytes)
        #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func aFullDiskIsNamedAndLeavesNothingBehind() async throws {
        let workshop = try Workshop()
        try Files.makeDirectory(workshop.storePath)
        _ = try await workshop.tool("/usr/bin/mount", "-t", "tmpfs", "-o", "size=2m", "forge-test", workshop.storePath)
        let outcome: Result<ForgeError?, any Error>
        do {
            let store = try await workshop.store()
            let kept = try await store.content.write([1, 2, 3])
            let error = await forgeError { _ = try await store.content.write([UInt8](repeating: 7, count: 4 << 20)) }
            #expect(try await store.content.read(kept) == [1, 2, 3])
            #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
            let tree = try MemorySource(["a": .file("a"), "b": .file(String(repeating: "b", count: 3 << 20))])
            #expect(await forgeError { _ = try await store.trees.ingest(tree) }?.code == "store.no-space")
            #expect(try await workshop.find(workshop.storePath + "/tmp").isEmpty)
            outcome = .success(error)
        } catch { outcome = .failure(error) }
        _ = try await workshop.tool("/usr/bin/umount", "--lazy", workshop.storePath)
        let error = try #require(try outcome.get())
        #expect(error.code == "store.no-space")
        #expect(error.message == "no space is left in `\(workshop.storePath)`")
        #expect(error.exitCode == 60)
    }
}
