import ForgeModel
import ForgeStore
import Foundation
import Testing

@Suite struct ToolCachesTests {
    private func key(
        _ project: String = "a", _ path: String = ".cache/npm", lockfile: String? = nil, trust: Trust = .trusted
    ) throws -> ToolCacheKey {
        let digest = try lockfile.map { try Digest(hex: Digest(of: $0).hex, sizeBytes: 0) }
        return ToolCacheKey(project: project, trust: trust, path: try RelativePath(parsing: path), lockfile: digest)
    }

    private func tree(_ texts: [String: String], in store: Store) async throws -> Digest {
        try await store.trees.ingest(MemorySource(texts.mapValues { .file($0) }))
    }

    @Test func whatIsAddedLiesOverWhatIsKeptAndSurvivesReopening() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        #expect(try await store.toolCaches.load(key()) == nil)
        try await store.toolCaches.add(tree(["x": "1", "y": "1"], in: store), to: key())
        try await store.toolCaches.add(tree(["y": "2", "z": "2"], in: store), to: key())
        let whole = try await tree(["x": "1", "y": "2", "z": "2"], in: store)
        let reopened = try await workshop.store()
        #expect(try await reopened.toolCaches.load(key())?.root == whole)
        #expect(try await reopened.toolCaches.load(key("b")) == nil)
        #expect(try await reopened.toolCaches.load(key("a", ".")) == nil)
    }

    @Test func additionsOfSeveralBuildsAtOnceAreAllKept() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<12 {
                group.addTask { try await store.toolCaches.add(tree(["\(number)": "\(number)"], in: store), to: key("a", ".cache/pip")) }
            }
            try await group.waitForAll()
        }
        let kept = try #require(try await store.toolCaches.load(key("a", ".cache/pip")))
        #expect(try await store.trees.summary(kept.root).files == 12)
        #expect(try await store.trees.summary(kept.root).bytes == kept.bytes)
    }

    @Test func aDamagedCacheIsNone() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        try await store.toolCaches.add(tree(["x": "gone"], in: store), to: key())
        try FileManager.default.removeItem(atPath: store.content.path(of: Digest(of: "gone"), executable: false))
        #expect(try await store.toolCaches.load(key()) == nil)
        let fresh = try await tree(["y": "new"], in: store)
        try await store.toolCaches.add(fresh, to: key())
        #expect(try await store.toolCaches.load(key())?.root == fresh)
    }

    @Test func anotherLockfileBeginsWithTheNewestOfTheOthers() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        for lock in ["1", "2"] { try await store.toolCaches.add(tree([lock: lock], in: store), to: key(lockfile: lock)) }
        let nearest = try #require(try await store.toolCaches.load(key(lockfile: "3")))
        #expect(nearest.root == (try await tree(["2": "2"], in: store)))
        #expect(nearest.key == (try key(lockfile: "2")))
        try await store.toolCaches.add(tree(["3": "3"], in: store), over: nearest.root, to: key(lockfile: "3"))
        let exact = try #require(try await store.toolCaches.load(key(lockfile: "3")))
        #expect(exact.root == (try await tree(["2": "2", "3": "3"], in: store)))
        #expect(try await store.toolCaches.load(key(lockfile: "1"))?.root == (try await tree(["1": "1"], in: store)))
    }

    @Test func ofOnePathThreeLockfilesAreKept() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        for lock in ["1", "2", "3", "4"] { try await store.toolCaches.add(tree([lock: lock], in: store), to: key(lockfile: lock)) }
        let kept = try await store.toolCaches.list()
        #expect(Set(kept.map(\.key)) == [try key(lockfile: "2"), try key(lockfile: "3"), try key(lockfile: "4")])
    }

    @Test func anUntrustedSourceReadsTheTrustedScopeAndWritesItsOwn() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let stranger = Trust.untrusted(scope: "pr-7")
        let trusted = try await tree(["x": "ours"], in: store)
        try await store.toolCaches.add(trusted, to: key(lockfile: "1"))
        let seen = try #require(try await store.toolCaches.load(key(lockfile: "1", trust: stranger)))
        #expect(seen.root == trusted)
        try await store.toolCaches.add(tree(["x": "theirs"], in: store), over: seen.root, to: key(lockfile: "1", trust: stranger))
        #expect(try await store.toolCaches.load(key(lockfile: "1"))?.root == trusted)
        #expect(try await store.toolCaches.load(key(lockfile: "1", trust: .untrusted(scope: "pr-8")))?.root == trusted)
        let theirs = try await tree(["x": "theirs"], in: store)
        #expect(try await store.toolCaches.load(key(lockfile: "1", trust: stranger))?.root == theirs)
    }
}
