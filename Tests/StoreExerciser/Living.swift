internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem

/// Processes that count on what they put into a store, or found in it, while collectors are at work.
struct Living {
    let store: Store

    /// Stores blobs and trees, lays trees out, and looks after each round whether all that it ever stored is still whole.
    func work(_ seed: UInt64, count: Int) async throws {
        let writing = Writing(store: store)
        var mine: [Named] = []
        for round in 0..<count {
            // Writers meet: half of what each stores, others store too.
            let seed = round % 2 == 0 ? seed &+ UInt64(round) : UInt64(round % 8)
            mine.append(Named(.blob, try await store.content.write(SeededFile.bytes(seed, round % 60))))
            let tree = try await store.trees.ingest(SeededTree(seed: seed, files: 30))
            mine.append(Named(.tree, tree))
            let folder = try await store.trees.materialize(tree)
            guard try await writing.collect(folder).digest == tree else { throw lost(Named(.tree, tree), round) }
            try await expect(mine.suffix(40), round)
            say("round \(round)")
        }
        try await expect(mine[...], count)
    }

    /// Asks for each tree; one that is there must stay as long as this process does.
    func hold(_ trees: [Named], count: Int) async throws {
        var held: [Named] = []
        for tree in trees where try await store.trees.acquire(tree.digest) { held.append(tree) }
        say("held \(held.count)")
        for round in 0..<count { try await expect(held[...], round) }
    }

    private func expect(_ names: ArraySlice<Named>, _ round: Int) async throws {
        let reading = Reading(store: store, root: "")
        for name in names where try await !reading.isWhole(name) { throw lost(name, round) }
    }

    private func lost(_ name: Named, _ round: Int) -> ForgeError {
        ForgeError(.bug, "exerciser.lost", "\(name) is gone in round \(round) though this process counts on it")
    }
}
