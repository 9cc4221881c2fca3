import ForgeModel
import ForgeStore
import Foundation
import Testing

@Suite struct ToolCachesTests {
    @Test func whatIsAddedLiesOverWhatIsKeptAndSurvivesReopening() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let path = try RelativePath(parsing: ".cache/npm")
        #expect(try await store.toolCaches.load(scope: "a", at: path) == nil)
        try await store.toolCaches.add(store.trees.ingest(MemorySource(["x": .file("1"), "y": .file("1")])), scope: "a", at: path)
        try await store.toolCaches.add(store.trees.ingest(MemorySource(["y": .file("2"), "z": .file("2")])), scope: "a", at: path)
        let whole = try await store.trees.ingest(MemorySource(["x": .file("1"), "y": .file("2"), "z": .file("2")]))
        let reopened = try await workshop.store()
        #expect(try await reopened.toolCaches.load(scope: "a", at: path) == whole)
        #expect(try await reopened.toolCaches.load(scope: "b", at: path) == nil)
        #expect(try await reopened.toolCaches.load(scope: "a", at: .root) == nil)
    }

    @Test func additionsOfSeveralBuildsAtOnceAreAllKept() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let path = try RelativePath(parsing: ".cache/pip")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<12 {
                group.addTask {
                    let added = try await store.trees.ingest(MemorySource(["\(number)": .file("\(number)")]))
                    try await store.toolCaches.add(added, scope: "a", at: path)
                }
            }
            try await group.waitForAll()
        }
        let root = try #require(try await store.toolCaches.load(scope: "a", at: path))
        #expect(try await store.trees.summary(root).files == 12)
    }

    @Test func aDamagedCacheIsNone() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let path = try RelativePath(parsing: ".cache/npm")
        try await store.toolCaches.add(store.trees.ingest(MemorySource(["x": .file("gone")])), scope: "a", at: path)
        try FileManager.default.removeItem(atPath: store.content.path(of: Digest(of: "gone"), executable: false))
        #expect(try await store.toolCaches.load(scope: "a", at: path) == nil)
        let fresh = try await store.trees.ingest(MemorySource(["y": .file("new")]))
        try await store.toolCaches.add(fresh, scope: "a", at: path)
        #expect(try await store.toolCaches.load(scope: "a", at: path) == fresh)
    }
}
