import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

/// Whether a tree is whole is asked of few files, and answered rightly all the same.
@Suite struct ClosureTests {
    private func source(_ count: Int) throws -> MemorySource {
        try MemorySource((0..<count).map { ("d\($0 % 7)/f\($0)", MemorySource.Content.file("content \($0)")) })
    }

    @Test func aTreeStaysCompleteWhileOthersAreWritten() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(source(200))
        for number in 0..<5 {
            #expect(try await store.trees.acquire(root))
            _ = try await store.content.write(Array("another \(number)".utf8))
        }
        #expect(try await workshop.find(workshop.storePath + "/complete").filter { $0.hasPrefix("f") }.count == 1)
    }

    @Test func eachBlobThatIsTakenAwayIsMissed() async throws {
        let workshop = try Workshop()
        let root = try await workshop.store().trees.ingest(source(100))
        for number in stride(from: 0, to: 100, by: 9) {
            let store = try await workshop.store()
            #expect(try await store.trees.acquire(root))
            let digest = Digest(of: "content \(number)")
            try FileManager.default.removeItem(atPath: store.content.path(of: digest, executable: false))
            #expect(try await !store.trees.acquire(root), "\(number)")
            #expect(try await store.trees.missingBlobs(root) == [digest])
            _ = try await store.content.write(Array("content \(number)".utf8))
        }
    }

    @Test func whatIsWrittenDownAboutATreeMayBeLostOrBroken() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(source(100))
        #expect(try await store.trees.acquire(root))
        let note = "\(workshop.storePath)/complete/\(root.hex.prefix(2))/\(root.hex)"
        let whole = try Data(contentsOf: URL(filePath: note))
        try FileManager.default.removeItem(atPath: store.content.path(of: Digest(of: "content 5"), executable: false))
        for size in [0, 7, 100, 2056, 3084, whole.count - 1] {
            try whole.prefix(size).write(to: URL(filePath: note))
            #expect(try await !store.trees.acquire(root), "cut to \(size)")
        }
    }

    @Test func aFileThatWasWrittenToIsNotCountedAsHeldAndIsReplaced() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let digest = try await store.content.write(Array("precious".utf8))
        let path = store.content.path(of: digest, executable: false)
        try Data("precioux".utf8).write(to: URL(filePath: path))
        #expect(try await !store.content.contains(digest))
        _ = try await store.content.write(Array("precious".utf8))
        #expect(try await store.content.read(digest) == Array("precious".utf8))
    }

    @Test func anAuditPutsWhatWasWrittenToOutOfUseWhereverItLies() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(source(100))
        let folder = try await store.trees.materialize(root)
        try await store.trees.audit([root])
        try FileHandle(forWritingTo: URL(filePath: "\(folder)/d3/f3")).write(contentsOf: Data("C".utf8))
        let error = await forgeError { try await store.trees.audit([root]) }
        #expect(error?.code == "store.missing-blob")
        #expect(!Files.exists(folder))
        #expect(try await !store.trees.acquire(root))
        let again = try await store.trees.ingest(source(100))
        #expect(again == root)
        #expect(try await store.trees.acquire(root))
        try await store.trees.audit([root])
    }

    @Test func replacingFilesGivesTheTreeThatAFreshIngestGives() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let old: [String: MemorySource.Content] = ["a": .file("1"), "b/c": .program("2"), "b/d/e": .file("3"), "b/d/l": .link("e")]
        var new = old
        new["b/c"] = .program("two")
        new["b/d/e"] = .file("three")
        let root = try await store.trees.ingest(MemorySource(old))
        let files = ["b/c", "b/d/e"]
        let texts = ["two", "three"]
        let replaced = try await store.trees.replace(root, files: try files.map { try RelativePath(parsing: $0) }) { number, body in
            try Array(texts[number].utf8).withUnsafeBytes(body)
        }
        #expect(try await replaced?.root == store.trees.ingest(MemorySource(new)))
        #expect(replaced?.digests == texts.map { Digest(of: $0) })
        let missing = try await store.trees.replace(root, files: [RelativePath(parsing: "b/x")]) { _, body in
            try [UInt8]().withUnsafeBytes(body)
        }
        #expect(missing == nil)
    }
}
