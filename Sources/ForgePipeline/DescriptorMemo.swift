internal import ForgeModel
internal import ForgePresets
internal import ForgeSystem

/// The digests of the descriptors in a folder, remembered by what `stat` says of all of them: every command asks for them, and few ask what
/// the files say. Whatever was touched, added or taken away since makes another folder of it, which is read.
struct DescriptorMemo: Sendable {
    /// More are thrown away together.
    private static let capacity = 16
    private static let hexLength = 64

    let folder: String
    /// There once something was built. Before that nothing is kept: a look at a project leaves nothing behind.
    let sign: String

    /// Blocks.
    /// - Throws: `ForgeError` `preset.unreadable`
    func folder(_ path: String) throws -> DescriptorFolder {
        do {
            let now = FileSignature.now()
            let files = try DescriptorFolder.files(in: path, list: Files.list)
            let signatures = files.compactMap(FileSignature.of)
            let key = Self.key(files, signatures)
            if signatures.count == files.count, let digests = remembered(key, signatures) {
                let known = zip(files, digests).map { file, digest in
                    DescriptorFile(file: file, digest: digest) { try Self.read(file) }
                }
                return DescriptorFolder(path, files: known)
            }
            let found = try files.map { DescriptorFile(file: $0, bytes: try Self.read($0)) }
            // A file that changes within the clock's tick shows the same times.
            if signatures.count == files.count, Files.isDirectory(sign), signatures.allSatisfy({ $0.isSettled(at: now) }) {
                // Only saves time.
                try? remember(found.map(\.digest), as: key)
            }
            return DescriptorFolder(path, files: found)
        } catch { throw DescriptorFolder.unreadable(path, error) }
    }

    private static func read(_ file: String) throws -> [UInt8] {
        guard let bytes = try Files.read(file) else {
            throw ForgeError(.configuration, "preset.unreadable", "`\(file)` was taken away while presets were read")
        }
        return bytes
    }

    private static func key(_ files: [String], _ signatures: [FileSignature]) -> Digest {
        var hasher = DigestHasher()
        for file in files { Array("\(file)\0".utf8).withUnsafeBytes { hasher.update($0) } }
        let numbers = signatures.flatMap { [Int64(bitPattern: $0.inode), $0.size, $0.modified, $0.changed, Int64($0.mode)] }
        numbers.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }

    private func path(_ key: Digest) -> String { "\(folder)/\(key.hex)" }

    /// Nil when nothing is known, or something else.
    private func remembered(_ key: Digest, _ signatures: [FileSignature]) -> [Digest]? {
        guard let text = (try? Files.read(path(key))) ?? nil, text.count == signatures.count * Self.hexLength else { return nil }
        var digests: [Digest] = []
        digests.reserveCapacity(signatures.count)
        for (index, signature) in signatures.enumerated() {
            let hex = String(decoding: text[(index * Self.hexLength)..<((index + 1) * Self.hexLength)], as: UTF8.self)
            guard let digest = try? Digest(hex: hex, sizeBytes: signature.size) else { return nil }
            digests.append(digest)
        }
        return digests
    }

    private func remember(_ digests: [Digest], as key: Digest) throws {
        try Files.makeRoom(in: folder, capacity: Self.capacity)
        try Files.replace(path(key), with: digests.flatMap { Array($0.hex.utf8) }, mode: 0o600)
    }
}
