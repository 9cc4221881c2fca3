package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// What a collection did, or would do.
package struct Collection: Hashable, Sendable, Encodable {
    /// Blobs that went, and what they took.
    package fileprivate(set) var blobs = 0
    package fileprivate(set) var bytes: Int64 = 0
    /// Blobs that stayed, and what they take.
    package fileprivate(set) var keptBlobs = 0
    package fileprivate(set) var keptBytes: Int64 = 0
    /// What was given up, by name.
    package fileprivate(set) var givenUp: [String] = []
    package fileprivate(set) var isDryRun: Bool
}

/// Removes what nothing asks for any more, and under a limit what was asked for least recently.
///
/// Kept are: what releases need (pins), what running processes count on (leases), and of all else the most recently used. Readers and
/// writers go on meanwhile: things are removed a few at a time, with a fresh look at the leases before each. A row of the index goes before
/// the blobs it names, so a collection that is killed leaves garbage, never a promise.
package struct GarbageCollector: Sendable {
    /// How many files go between two looks at the leases.
    private static let portion = 256

    private let root: String
    private let content: FileContentStore
    private let trees: TreeStore
    private let database: Database

    init(root: String, content: FileContentStore, trees: TreeStore, database: Database) {
        self.root = root
        self.content = content
        self.trees = trees
        self.database = database
    }

    /// - Parameters:
    ///   - limit: bytes that the blobs may take; nil: only what nobody asks for goes. What is pinned or in use stays also beyond it.
    ///   - pins: artifacts that stay.
    /// - Throws: `store.busy` when another collection is under way; `store.…`
    package func collect(limit: Int64?, pins: Set<Digest>, dryRun: Bool = false) async throws -> Collection {
        try await BlockingPool.run {
            try StoreFailure.reported(root) {
                guard let turn = try FileLock.attempt(root + "/collector.lock") else {
                    throw ForgeError(.store, "store.busy", "another collection of the store is under way", hint: "wait for its end")
                }
                defer { turn.release() }
                return try collectNow(limit, pins, dryRun)
            }
        }
    }

    private func collectNow(_ limit: Int64?, _ pins: Set<Digest>, _ dryRun: Bool) throws -> Collection {
        var report = Collection(isDryRun: dryRun)
        var leases = try LeaseReader(root: root)
        var live = LiveSet(content: content)
        try renew(&live, by: &leases)
        let index = RootIndex(database: database, content: content)
        let givenUp = try giveUp(choose(index.roots(), limit, pins, &live), index, &live, &leases, dryRun)
        report.givenUp = givenUp.map(\.owner.description)
        try sweepTrees(&live, &leases, dryRun)
        try sweepBlobs(&live, &leases, dryRun, &report)
        if !dryRun {
            try sweepFlights()
            try sweepFrames()
        }
        return report
    }

    /// Adds what running processes count on by now.
    private func renew(_ live: inout LiveSet, by leases: inout LeaseReader) throws {
        let gate = try FileLock.wait(StoreLease.gate(in: root))
        let claimed = try withExtendedLifetime(gate) { try leases.next() }
        try add(claimed, to: &live)
    }

    private func add(_ claimed: (blobs: [Digest], trees: [Digest]), to live: inout LiveSet) throws {
        for blob in claimed.blobs { live.add(blob: blob.hex) }
        for tree in claimed.trees { try live.add(tree: tree) }
        live.claim(claimed.blobs + claimed.trees)
    }

    /// Marks what stays and returns what does not. Pins come first, then the most recently used.
    private func choose(_ roots: [StoreRoot], _ limit: Int64?, _ pins: Set<Digest>, _ live: inout LiveSet) throws -> [StoreRoot] {
        func isPinned(_ root: StoreRoot) -> Bool { if case .artifact(let digest) = root.owner { pins.contains(digest) } else { false } }
        for root in roots where isPinned(root) { try live.add(root) }
        var givenUp: [StoreRoot] = []
        for root in roots where !isPinned(root) {
            if let limit, live.bytes >= limit {
                givenUp.append(root)
                continue
            }
            if try !live.add(root, upTo: limit ?? .max) { givenUp.append(root) }
        }
        return givenUp
    }

    /// Takes the chosen roots out of the index, but for those that a living process counts on: these stay whole.
    private func giveUp(
        _ chosen: [StoreRoot], _ index: RootIndex, _ live: inout LiveSet, _ leases: inout LeaseReader, _ dryRun: Bool
    ) throws -> [StoreRoot] {
        let gate = try FileLock.wait(StoreLease.gate(in: root))
        return try withExtendedLifetime(gate) {
            try add(leases.next(), to: &live)
            var givenUp: [StoreRoot] = []
            for root in chosen {
                if live.claimed.isDisjoint(with: root.blobs + root.trees.map(\.hex)) { givenUp.append(root) } else { try live.add(root) }
            }
            if !dryRun { try index.remove(givenUp) }
            return givenUp
        }
    }

    /// Materialised trees and what is written down about complete ones.
    private func sweepTrees(_ live: inout LiveSet, _ leases: inout LeaseReader, _ dryRun: Bool) throws {
        guard !dryRun else { return }
        for folder in ["trees", "complete"] {
            for group in try Files.list("\(root)/\(folder)") {
                for name in try Files.list("\(root)/\(folder)/\(group)") where !live.trees.contains(name) {
                    let grave = try TemporaryDirectory(in: "\(root)/tmp", prefix: "collected")
                    let gate = try FileLock.wait(StoreLease.gate(in: root))
                    try withExtendedLifetime(gate) {
                        try add(leases.next(), to: &live)
                        guard !live.trees.contains(name) else { return }
                        try Files.move("\(root)/\(folder)/\(group)/\(name)", over: grave.path + "/gone")
                    }
                    try grave.remove()
                }
            }
        }
    }

    private func sweepBlobs(_ live: inout LiveSet, _ leases: inout LeaseReader, _ dryRun: Bool, _ report: inout Collection) throws {
        for shard in try Files.list("\(root)/blobs").sorted() {
            let folder = "\(root)/blobs/\(shard)"
            let names = try Files.list(folder).sorted()
            var doomed: [String] = []
            for name in names {
                if live.blobs.contains(Self.hex(of: name)) {
                    count(folder, name, &report.keptBlobs, &report.keptBytes)
                } else {
                    doomed.append(name)
                }
            }
            for start in stride(from: 0, to: doomed.count, by: Self.portion) {
                try remove(Array(doomed[start..<min(start + Self.portion, doomed.count)]), in: folder, &live, &leases, dryRun, &report)
            }
        }
    }

    private func remove(
        _ names: [String], in folder: String, _ live: inout LiveSet, _ leases: inout LeaseReader, _ dryRun: Bool, _ report: inout Collection
    ) throws {
        let gate = try FileLock.wait(StoreLease.gate(in: root))
        try withExtendedLifetime(gate) {
            try add(leases.next(), to: &live)
            if !dryRun { try CollectorEpoch.advance(in: root) }
            for name in names {
                if live.blobs.contains(Self.hex(of: name)) {
                    count(folder, name, &report.keptBlobs, &report.keptBytes)
                    continue
                }
                count(folder, name, &report.blobs, &report.bytes)
                if !dryRun { try Files.removeTree("\(folder)/\(name)") }
            }
        }
    }

    /// `<hex>` and `<hex>.x` are one blob to keep; any other name is kept for nobody.
    private static func hex(of name: String) -> String { name.hasSuffix(".x") ? String(name.dropLast(2)) : name }

    private func count(_ folder: String, _ name: String, _ blobs: inout Int, _ bytes: inout Int64) {
        guard let status = try? FileStatus.of("\(folder)/\(name)") else { return }
        blobs += 1
        bytes += LiveSet.blocks(status.size)
    }

    /// Frames of archives that no archive took for a week: they are made anew.
    private func sweepFrames() throws {
        let week: Int64 = 7 * 86400 * 1_000_000_000
        for group in try Files.list("\(root)/frames") {
            for name in try Files.list("\(root)/frames/\(group)") {
                let path = "\(root)/frames/\(group)/\(name)"
                guard let signature = FileSignature.of(path), abs(FileSignature.now() - signature.modified) > week else { continue }
                try Files.removeTree(path)
            }
        }
    }

    private func sweepFlights() throws {
        for name in try Files.list("\(root)/flights") {
            let path = "\(root)/flights/\(name)"
            guard let lock = try FileLock.attempt(path) else { continue }
            withExtendedLifetime(lock) { _ = unlink(path) }
        }
    }
}
