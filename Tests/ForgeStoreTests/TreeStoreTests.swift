import ForgeModel
import ForgeStore
import ForgeSystem
import Testing

struct TreeStoreTests {
    private static let sample: [String: MemorySource.Content] = [
        "README": .file("hello\n"), "bin/run": .program("#!/bin/sh\n"), "empty": .folder, "latest": .link("bin/run"),
    ]

    @Test func aTreeHasTheDigestThatTheRemoteExecutionAPIGivesIt() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(MemorySource(Self.sample))
        // Encoded by hand, independently of the generated messages.
        #expect(root.hex == "256c7ead0ae3aeccce5d41948f90397c91f4773ee319802f76db3ceb6911bdb7")
        #expect(root.sizeBytes == 253)
        #expect(try trees.lines(root) == ["README: hello\n", "bin/", "bin/run*: #!/bin/sh\n", "empty/", "latest -> bin/run"])
        #expect(try await trees.summary(root) == TreeSummary(files: 3, directories: 2, bytes: 16))
        #expect(try await trees.ingest(MemorySource(Self.sample)) == root)
        #expect(try await trees.missingBlobs(root).isEmpty)
    }

    @Test func anEmptySourceIsTheEmptyDirectory() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(MemorySource([:]))
        #expect(root == Digest(of: ""))
        #expect(try await trees.missingBlobs(root).isEmpty)
        #expect(try await trees.summary(root) == TreeSummary(files: 0, directories: 0, bytes: 0))
    }

    @Test func excludedPathsLeaveNoTraceNotEvenTheirFolder() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let clean = try await trees.ingest(MemorySource(["src/a": .file("a"), "empty": .folder]))
        let dirty = try MemorySource(["src/a": .file("a"), "empty": .folder, "build/out/x": .file("x"), "build/out/y/z": .file("z")])
        let out = try RelativePath(parsing: "build/out")
        #expect(try await trees.ingest(dirty, excluding: { $0.isWithin(out) }) == clean)
    }

    @Test func namesThatOnlyUnicodeCallsEqualAreTwoFiles() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let composed = "caf\u{E9}"
        let decomposed = "cafe\u{301}"
        let root = try await trees.ingest(MemorySource([(composed, .file("one")), (decomposed, .file("two"))]))
        let other = try await trees.ingest(MemorySource([decomposed: .file("three")]))
        #expect(try trees.lines(root) == ["\(decomposed): two", "\(composed): one"])
        #expect(try trees.lines(await trees.merge([root, other])) == ["\(decomposed): three", "\(composed): one"])
        #expect(try trees.sourceTree(root).read(RelativePath(parsing: composed), limit: 9) == Array("one".utf8))
    }

    @Test func mergingUnitesFoldersAndLaterTreesWin() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let first = try await trees.ingest(MemorySource(["a/x": .file("1"), "a/deep/one": .file("1"), "b": .file("1"), "c/d": .file("1")]))
        let second = try await trees.ingest(MemorySource(["a/x": .program("2"), "a/deep/two": .file("2"), "b/inside": .file("2")]))
        let third = try await trees.ingest(MemorySource(["c": .link("a"), "a/deep/three": .file("3")]))
        let merged = try await trees.merge([first, second, third])
        #expect(
            try trees.lines(merged) == [
                "a/", "a/deep/", "a/deep/one: 1", "a/deep/three: 3", "a/deep/two: 2", "a/x*: 2", "b/", "b/inside: 2", "c -> a",
            ])
        #expect(try await trees.merge([first]) == first)
        #expect(try await trees.merge([]) == Digest(of: ""))
        #expect(try await trees.merge([second, first, second]) == trees.merge([first, second]))
        #expect(try await trees.missingBlobs(merged).isEmpty)
    }

    @Test(arguments: [
        (["package.json"], ["package.json: p"]),
        (["src"], ["src/", "src/[id].js: i", "src/a.js: a", "src/deep/", "src/deep/b.js: b", "src/deep/b.ts: b"]),
        (["./src/**"], ["src/", "src/[id].js: i", "src/a.js: a", "src/deep/", "src/deep/b.js: b", "src/deep/b.ts: b"]),
        (["*.json"], ["package.json: p"]),
        (["**/*.js"], ["src/", "src/[id].js: i", "src/a.js: a", "src/deep/", "src/deep/b.js: b"]),
        (["src/**/b.?s"], ["src/", "src/deep/", "src/deep/b.js: b", "src/deep/b.ts: b"]),
        (["src/[id].js"], ["src/", "src/[id].js: i"]),
        (["*/deep"], ["src/", "src/deep/", "src/deep/b.js: b", "src/deep/b.ts: b"]),
        (["link", "void"], ["link -> src", "void/"]),
        (["nothing/*"], []),
    ])
    func aSelectionHoldsWhatThePatternsMatch(patterns: [String], expected: [String]) async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(
            MemorySource([
                "package.json": .file("p"), "src/a.js": .file("a"), "src/[id].js": .file("i"), "src/deep/b.js": .file("b"),
                "src/deep/b.ts": .file("b"), "void": .folder, "link": .link("src"),
            ]))
        let selected = try await trees.select(root, including: patterns, excluding: [])
        #expect(try trees.lines(selected) == expected)
        #expect(try await trees.missingBlobs(selected).isEmpty)
        #expect(try await trees.select(root, including: [], excluding: []) == root)
        #expect(try await trees.select(root, including: ["."], excluding: []) == root)
    }

    @Test func aSelectionLeavesOutExcludedPathsAndTheFoldersTheyEmpty() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(
            MemorySource(["a": .file("a"), "out/dist/x": .file("x"), "src/b": .file("b"), "src/c": .file("c")]))
        let selected = try await trees.select(root, including: [], excluding: paths("out/dist", "src/c", "elsewhere"))
        #expect(try trees.lines(selected) == ["a: a", "src/", "src/b: b"])
        let narrowed = try await trees.select(root, including: ["src", "out/**"], excluding: paths("out"))
        #expect(try trees.lines(narrowed) == ["src/", "src/b: b", "src/c: c"])
        #expect(await forgeError { _ = try await trees.select(root, including: ["../x"], excluding: []) }?.code == "plan.input")
    }

    @Test func aSubtreeIsFoundByItsPath() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(MemorySource(["a/b/c": .file("c")]))
        let subtree = try #require(try await trees.subtree(root, at: RelativePath(parsing: "a/b")))
        #expect(try trees.lines(subtree) == ["c: c"])
        #expect(try await trees.subtree(root, at: .root) == root)
        #expect(try await trees.subtree(root, at: RelativePath(parsing: "a/b/c")) == nil)
        #expect(try await trees.subtree(root, at: RelativePath(parsing: "x")) == nil)
    }

    @Test func missingFilesAndFoldersAreNamed() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(MemorySource(["a/b": .file("b"), "c": .file("c"), "d": .file("d")]))
        let folder = try #require(try await store.trees.subtree(root, at: RelativePath(parsing: "a")))
        for digest in [folder, Digest(of: "c")] { try Files.removeTree(store.content.path(of: digest, executable: false)) }
        #expect(try await store.trees.missingBlobs(root) == [folder, Digest(of: "c")].sorted())
        #expect(await forgeError { _ = try await store.trees.summary(root) }?.code == "store.missing-blob")
        #expect(try await store.trees.missingBlobs(Digest(of: "no tree")) == [Digest(of: "no tree")])
    }

    @Test func linksThatLeaveTheTreeAreNamed() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(
            MemorySource([
                "a/inside": .link("../b"), "a/dangling": .link("nowhere"), "a/absolute": .link("/etc/passwd"), "a/up": .link("../../x"),
                "b": .link("."), "loop": .link("loop"),
                // Inside by its letters; but `here` is the root, and above that lies the world.
                "deep/er/here": .link("../.."), "sly": .link("deep/er/here/../etc"),
                // Above by its letters; but `far` lies two folders down.
                "x/far": .link("../deep/er"), "honest": .link("x/far/../../a"),
            ]))
        #expect(
            try await trees.escapingSymlinks(root) == ["a/absolute -> /etc/passwd", "a/up -> ../../x", "sly -> deep/er/here/../etc"])
    }

    @Test func aMalformedDirectoryIsRefused() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        // A directory message with one link named `../x`.
        let hostile = try await store.content.write([0x1A, 0x09, 0x0A, 0x04] + Array("../x".utf8) + [0x12, 0x01, 0x79])
        #expect(await forgeError { _ = try await store.trees.materialize(hostile) }?.code == "store.malformed-tree")
        let garbage = try await store.content.write([0xFF, 0xFF, 0xFF])
        #expect(await forgeError { _ = try await store.trees.summary(garbage) }?.code == "store.malformed-tree")
    }

    @Test func twoStoresInOneFolderCanIngestTheSameTreeAtOnce() async throws {
        let workshop = try Workshop()
        let path = workshop.storePath
        let source = try MemorySource(Dictionary(uniqueKeysWithValues: (0..<400).map { ("d\($0 % 20)/f\($0)", .file("text \($0 % 50)")) }))
        let roots = try await withThrowingTaskGroup(of: Digest.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let trees = try await Store.open(at: path).trees
                    let root = try await trees.ingest(source)
                    _ = try await trees.materialize(root)
                    return root
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(roots).count == 1)
        #expect(try await workshop.store().trees.missingBlobs(roots[0]).isEmpty)
        #expect(try await workshop.find(path + "/tmp").isEmpty)
    }
}
