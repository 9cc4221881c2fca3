package import ForgeModel
package import ForgeSystem

/// What came out of an archive.
package struct ImportedArchive: Hashable, Sendable {
    /// Merkle root of all that it holds.
    package let root: Digest
    package let files: Int
    package let bytes: Int64
    /// Of an image's layer: what of the layers below is gone.
    package let whiteouts: [RelativePath]
    /// Of an image's layer: folders of which nothing in the layers below shows.
    package let opaque: [RelativePath]
    /// Entries that were left out: devices, FIFOs, sockets of a layer.
    package let dropped: Int
}

/// Unpacks archives of strangers into the store: wheels, vendors' toolchains, layers of images.
///
/// Of modes only the owner's executable bit counts; owners, times, set-id bits and extended attributes are not carried. An archive that
/// breaks a rule is refused whole, and nothing of it gets a name in the store.
package struct ArchiveImporter: Sendable {
    private let trees: TreeStore

    package init(trees: TreeStore) { self.trees = trees }

    /// Unpacks `file`, a regular one, from its beginning; durable on return. `name` is for messages.
    /// - Throws: `archive.malformed`, `archive.name`, `archive.unsafe-path`, `archive.too-large`, `archive.too-many`, `archive.ratio`,
    ///   `archive.time`, and what the store throws.
    package func importArchive(_ file: Descriptor, named name: String, rules: ArchiveRules) async throws -> ImportedArchive {
        let content = trees.content
        return try await BlockingPool.run {
            try BlobBatch.publishing(to: content) { batch in
                var unpacking = Unpacking(name: name, rules: rules, packedBytes: try file.status().size)
                return try unpacking.run(ArchiveReader(file, name: name), into: batch)
            }
        }
    }
}

/// One pass over one archive, with its budgets.
private struct Unpacking {
    private let rules: ArchiveRules
    private let packedBytes: Int64
    private let name: String
    private let deadline: ContinuousClock.Instant
    private var contents: ArchiveContents
    private var (entries, files, dropped) = (0, 0, 0)
    private var bytes: Int64 = 0

    init(name: String, rules: ArchiveRules, packedBytes: Int64) {
        self.name = name
        self.rules = rules
        self.packedBytes = packedBytes
        deadline = .now + rules.timeLimit
        contents = ArchiveContents(name: name, rules: rules)
    }

    mutating func run(_ reader: ArchiveReader, into batch: BlobBatch) throws -> ImportedArchive {
        while let entry = try reader.next() {
            entries += 1
            guard entries <= rules.maximumEntries else { throw refused("too-many", "holds more than \(rules.maximumEntries) entries") }
            try checkTime()
            guard let path = try contents.place(of: entry.path) else { continue }
            if contents.takeWhiteout(path) { continue }
            try add(entry, at: path, reader, batch)
        }
        return ImportedArchive(
            root: try contents.stage(in: batch), files: files, bytes: bytes, whiteouts: contents.whiteouts, opaque: contents.opaque,
            dropped: dropped)
    }

    private mutating func add(_ entry: ArchiveReader.Entry, at path: RelativePath, _ reader: ArchiveReader, _ batch: BlobBatch) throws {
        switch entry.node {
        case .file(let executable, let size):
            if let size { try reserve(size) }
            let digest = try store(size, reader, batch)
            try contents.add(.file(digest, executable: executable), at: path)
            files += 1
        case .directory: try contents.addFolder(at: path)
        case .symlink(let target):
            try contents.add(.symlink(target: target), at: path)
            files += 1
        case .hardLink(let target):
            guard let target = try contents.place(of: target) else { throw contents.unsafe(entry.path, "is a hard link to a folder") }
            try contents.link(target, at: path)
            files += 1
        case .special(let what):
            guard rules.kind == .imageLayer else { throw contents.unsafe(entry.path, "is \(what)") }
            dropped += 1
        }
    }

    /// Before a byte is read, where the archive says how many there are.
    private func reserve(_ size: Int64) throws {
        guard size >= 0, size <= rules.maximumBytes - bytes else { throw tooLarge() }
    }

    private mutating func store(_ size: Int64?, _ reader: ArchiveReader, _ batch: BlobBatch) throws -> Digest {
        if let size, size <= BlobBatch.small {
            var whole: [UInt8] = []
            whole.reserveCapacity(Int(size))
            try read(reader) { whole.append(contentsOf: $0) }
            return try batch.add(whole)
        }
        return try batch.addStream { body in try read(reader, body) }
    }

    private mutating func read(_ reader: ArchiveReader, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try reader.forEachChunk { chunk in
            bytes += Int64(chunk.count)
            guard bytes <= rules.maximumBytes else { throw tooLarge() }
            if bytes > rules.ratioFloor, bytes / max(packedBytes, 1) > rules.maximumRatio {
                throw refused("ratio", "unpacks to more than \(rules.maximumRatio) times its size")
            }
            try checkTime()
            try body(chunk)
        }
    }

    private func checkTime() throws {
        guard ContinuousClock.now < deadline else { throw refused("time", "takes longer than \(rules.timeLimit) to unpack") }
    }

    private func tooLarge() -> ForgeError { refused("too-large", "unpacks to more than \(rules.maximumBytes >> 20) MiB") }

    private func refused(_ code: String, _ what: String) -> ForgeError {
        ForgeError(.store, "archive.\(code)", "`\(name)` \(what)", hint: "nothing of it was kept")
    }
}
