internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// Work timed from within, without the start of the process: `NAME-ms VALUE` lines on standard output.
enum Measurements {
    /// Hashes files as the store does when it takes them in; `bytes`, `ms`.
    static func hash(_ files: [String], threads: Int) async throws {
        let rest = Rest(files)
        let start = ContinuousClock.now
        let total = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    try await BlockingPool.run {
                        var total: Int64 = 0
                        while let file = rest.next() { total += try size(file) }
                        return total
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        say("bytes \(total)")
        report("hash", start)
    }

    private final class Rest: Sendable {
        private let files: Mutex<ArraySlice<String>>

        init(_ files: [String]) { self.files = Mutex(files[...]) }

        func next() -> String? { files.withLock { $0.popFirst() } }
    }

    private static func size(_ file: String) throws -> Int64 {
        var hasher = DigestHasher()
        try Descriptor.open(file, O_RDONLY).forEachChunk { hasher.update($0) }
        return hasher.finish().sizeBytes
    }

    /// Packs the tree `count` times.
    static func archive(_ tree: Named, to file: String, count: Int, _ store: Store) async throws {
        for _ in 0..<count {
            let start = ContinuousClock.now
            _ = try await store.trees.archive(tree.digest, to: file)
            report("archive", start)
        }
    }

    /// What a build does with a dependency layer that it found in the cache, up to the mount: makes sure of it and asks for its folder. The first
    /// time it is laid out, unless it lies there.
    static func layer(_ tree: Named, count: Int, _ store: Store) async throws {
        for number in 0..<count {
            let start = ContinuousClock.now
            guard try await store.trees.acquire(tree.digest) else {
                throw ForgeError(.store, "store.missing-blob", "\(tree) is not whole")
            }
            let folder = try await store.trees.materialize(tree.digest)
            report(number == 0 ? "first" : "again", start)
            if number == 0 { say("folder \(folder)") }
        }
    }

    static func report(_ name: String, _ start: ContinuousClock.Instant) {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        say("\(name)-ms \(Double(seconds) * 1000 + Double(attoseconds) / 1e15)")
    }
}
