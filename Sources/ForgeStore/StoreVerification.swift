internal import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem
internal import Glibc

/// A blob that is not what it is named for, or that something needs and is not there.
package struct StoreFault: Hashable, Sendable, Encodable {
    package enum Kind: String, Sendable, Encodable { case damaged, missing }

    /// 64 digits.
    package let blob: String
    package let kind: Kind
    /// Whose it is, with the path in it where it has one: `artifact sha256:… index.html`. At most 20.
    package let owners: [String]
}

/// Reads a whole store and says what is wrong with it.
package struct StoreVerifier: Sendable {
    package struct Report: Hashable, Sendable, Encodable {
        package let blobs: Int
        package let bytes: Int64
        package let faults: [StoreFault]
    }

    private static let maximumOwners = 20

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

    /// Hashes every blob, and looks whether all that the index promises is there. What is damaged is put out of use, so that the next build
    /// makes it anew. `progress` is told how many blobs are done, of how many.
    package func verify(progress: @escaping @Sendable (Int, Int) -> Void) async throws -> Report {
        let files = try await BlockingPool.run { try blobFiles() }
        let portion = 512
        var damaged: Set<String> = []
        var bytes: Int64 = 0
        for start in stride(from: 0, to: files.count, by: portion) {
            progress(start, files.count)
            let looked = try await Parallel.map(Array(files[start..<min(start + portion, files.count)])) { try look(at: $0) }
            bytes += looked.reduce(0) { $0 + $1.size }
            for (file, look) in zip(files[start...], looked) where !look.isWhole { damaged.insert(file.hex) }
        }
        let bad = damaged
        let faults = try await BlockingPool.run {
            let owned = try owners(of: bad)
            for hex in bad { if let digest = try? Digest(hex: hex, sizeBytes: 0) { try trees.putOut(digest) } }
            return owned
        }
        return Report(blobs: files.count, bytes: bytes, faults: faults)
    }

    private struct BlobFile: Sendable {
        let path: String
        let hex: String
    }

    private func blobFiles() throws -> [BlobFile] {
        try Files.list("\(root)/blobs").sorted().flatMap { shard in
            try Files.list("\(root)/blobs/\(shard)").sorted().map { name in
                BlobFile(path: "\(root)/blobs/\(shard)/\(name)", hex: name.hasSuffix(".x") ? String(name.dropLast(2)) : name)
            }
        }
    }

    /// One that went away meanwhile was collected.
    private func look(at blob: BlobFile) throws -> (isWhole: Bool, size: Int64) {
        let file: Descriptor
        do { file = try Descriptor.open(blob.path, O_RDONLY | O_NOFOLLOW) } catch let error as SystemError where error.isNotFound {
            return (true, 0)
        }
        var hasher = DigestHasher()
        do { try file.forEachChunk { hasher.update($0) } } catch let error as SystemError where error.errno == EIO { return (false, 0) }
        let digest = hasher.finish()
        return (digest.hex == blob.hex, digest.sizeBytes)
    }

    /// All faults by blob: the damaged ones, and those that are promised and not there.
    private func owners(of damaged: Set<String>) throws -> [StoreFault] {
        var owners: [String: [String]] = [:]
        var missing: Set<String> = []
        var clean: Set<String> = []
        func note(_ hex: String, _ owner: String) {
            if !damaged.contains(hex) { missing.insert(hex) }
            if owners[hex, default: []].count < Self.maximumOwners { owners[hex, default: []].append(owner) }
        }
        func isBad(_ hex: String) -> Bool { damaged.contains(hex) || content.digest(ofHash: hex) == nil }
        /// Whether nothing at or below the folder is bad.
        func walk(_ digest: Digest, _ path: String, _ owner: String) throws -> Bool {
            if clean.contains(digest.hex) { return true }
            if isBad(digest.hex) {
                note(digest.hex, "\(owner) \(path.isEmpty ? "/" : path)")
                return false
            }
            var isClean = true
            let message = try trees.directory(digest)
            for file in message.files where isBad(file.digest.hash) {
                note(file.digest.hash, "\(owner) \(path)\(file.name)")
                isClean = false
            }
            for child in message.directories where try !walk(child.digest.checked(), "\(path)\(child.name)/", owner) { isClean = false }
            if isClean { clean.insert(digest.hex) }
            return isClean
        }
        for root in try RootIndex(database: database, content: content).roots() {
            for tree in root.trees { _ = try walk(tree, "", root.owner.description) }
            for blob in root.blobs where isBad(blob) { note(blob, root.owner.description) }
        }
        return damaged.union(missing).sorted().map {
            StoreFault(blob: $0, kind: damaged.contains($0) ? .damaged : .missing, owners: owners[$0] ?? [])
        }
    }
}
