internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc

/// What puts things into a store, and what takes them out.
struct Writing {
    let store: Store

    func put(_ seed: UInt64, count: Int) async throws {
        for number in 0..<count { say(Named(.blob, try await store.content.write(SeededFile.bytes(seed, number)))) }
    }

    /// Each tree is listed as an artifact before it is said: a collection keeps it.
    func trees(_ seed: UInt64, files: Int, count: Int) async throws {
        for number in 0..<count { say(Named(.tree, try await tree(seed &+ UInt64(number), files: files))) }
    }

    func tree(_ seed: UInt64, files: Int) async throws -> Digest {
        let root = try await store.trees.ingest(SeededTree(seed: seed, files: files))
        _ = try await store.artifacts.save(ArtifactManifest(kind: .static, platform: nil, root: root, launch: nil, routes: []))
        return root
    }

    /// A folder as a step's output.
    func collect(_ folder: String) async throws -> Named {
        let directory = try Descriptor.open(folder, O_RDONLY | O_DIRECTORY)
        return Named(.tree, try await store.trees.collect(from: directory, paths: [.root], below: .root).root)
    }

    /// Lays the tree out for steps, then as files of its own in `folder`, and says what came out of both.
    func restore(_ tree: Named, to folder: String) async throws -> Named {
        let shared = try await collect(try await store.trees.materialize(tree.digest))
        try await store.trees.export(tree.digest, to: folder, replace: true)
        let exported = try await collect(folder)
        guard shared.digest == exported.digest else {
            throw ForgeError(.bug, "exerciser.differs", "\(tree) was laid out as \(shared) and as \(exported)")
        }
        return exported
    }

    /// Nothing is pinned: artifacts and what runs are what is kept.
    func collectGarbage(limit: Int64?, count: Int) async throws {
        for _ in 0..<count {
            let collection = try await store.collector.collect(limit: limit, pins: [])
            say("removed \(collection.blobs) kept \(collection.keptBlobs)")
        }
    }
}
