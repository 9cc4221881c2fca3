package import ForgeModel
internal import ForgeSystem
internal import Foundation

/// What the last snapshot of a work tree found: of each folder and file what `stat` said, of each file its digest, and the digest
/// of the whole. Saves reading again what has not changed; it decides nothing by itself, so losing it costs time only.
///
/// Kept as bytes, which are looked at where they lie: a tree of 50,000 files is checked without making a value for each of them.
/// Format: `Layout`; little endian; behind a SHA-256 of all that follows it.
package struct WorkTreeMemo: Sendable {
    private static let magic = Array("forgewt1".utf8)
    private static let headSize = 40
    /// Of a tree of two million files with long names.
    private static let maximumSize = 1 << 30

    /// Everything after the head.
    var body: [UInt8]
    let layout: Layout

    /// The tree as it was stored.
    package var root: Digest { layout.root }
    /// Files and symbolic links of it.
    package var files: Int { Int(clamping: layout.files) }
    /// Sum of the files' sizes.
    package var bytes: Int64 { layout.bytes }
    /// Whether the tree is all of the source: it has no submodules, and no LFS pointers that stand for other files.
    package var isWhole: Bool { layout.isWhole }

    /// Nil when there is none, or it cannot be believed. Blocks.
    package static func load(_ path: String) -> WorkTreeMemo? {
        guard let bytes = try? Files.read(path, limit: maximumSize), bytes.count > headSize, bytes.starts(with: magic) else { return nil }
        var hasher = DigestHasher()
        bytes.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[headSize...])) }
        guard hasher.finish().hash.elementsEqual(bytes[magic.count..<headSize]) else { return nil }
        return WorkTreeMemo(body: Array(bytes[headSize...]))
    }

    init?(body: [UInt8]) {
        guard let layout = Layout(of: body) else { return nil }
        self.body = body
        self.layout = layout
    }

    /// Replaces the file at `path`. Not made durable: whatever a power cut leaves of it is not believed. Blocks.
    package func save(_ path: String) throws {
        try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
        try Files.replace(path, with: Self.magic + Digest(of: body).hash + body, mode: 0o600)
    }

    /// - Parameter digest: of a file's content; nil where it is not known, and the file is then read again.
    init(_ record: WorkTreeRecord, root: Digest, isWhole: Bool = true, digest: (RelativePath) -> Digest?) {
        let entries = record.directories.lazy.flatMap(\.entries)
        var writer = MemoWriter()
        writer.add(root)
        writer.add(UInt64(entries.count { $0.kind != .rules }))
        writer.add(entries.filter { $0.kind == .file }.reduce(0) { $0 + $1.signature.size })
        writer.add(UInt8(isWhole ? 1 : 0))
        writer.add(UInt32(record.watched.count))
        for file in record.watched { writer.add(file, settledAt: record.began) }
        writer.add(UInt32(record.directories.count))
        for directory in record.directories { writer.add(directory, settledAt: record.began, digest: digest) }
        body = writer.bytes
        guard let layout = Layout(of: body) else { preconditionFailure("a memo that its maker cannot read") }
        self.layout = layout
    }
}

/// The bytes of a memo in the making.
struct MemoWriter {
    var bytes: [UInt8] = []

    mutating func add(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

    mutating func add(_ digest: Digest) {
        bytes += digest.hash
        add(digest.sizeBytes)
    }

    /// All zero when it need not show the next change.
    mutating func add(_ signature: FileSignature, settledAt time: Int64) {
        let settled = signature.isSettled(at: time) ? signature : FileSignature(inode: 0, size: 0, modified: 0, changed: 0, mode: 0)
        add(settled.inode)
        add(settled.size)
        add(settled.modified)
        add(settled.changed)
        // The kind is kept all the same: a file that is still one is looked at by itself.
        add(signature.mode)
    }

    /// A file's digest and signature; one whose size is not the digest's was changed between the two looks.
    mutating func add(_ digest: Digest?, at signature: FileSignature, settledAt time: Int64) {
        bytes += digest?.hash ?? [UInt8](repeating: 0, count: 32)
        add(signature, settledAt: digest?.sizeBytes == signature.size ? time : .min)
    }

    mutating func addName(_ text: String) {
        add(UInt16(text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
    }

    mutating func add(_ file: WorkTreeRecord.Watched, settledAt time: Int64) {
        switch file.state {
        case .absent: add(UInt8(0))
        case .present(let inode):
            add(UInt8(1))
            add(inode)
        case .content(let signature):
            add(UInt8(2))
            add(signature, settledAt: time)
        }
        addName(file.path)
    }

    mutating func add(_ directory: WorkTreeRecord.Directory, settledAt time: Int64, digest: (RelativePath) -> Digest?) {
        let start = bytes.count
        add(UInt32(0))
        add(directory.signature, settledAt: time)
        addName(directory.path.string)
        add(UInt32(directory.entries.count))
        for entry in directory.entries {
            add(entry.kind.rawValue)
            if entry.kind == .file {
                add(digest(directory.path.appending(component: entry.name)), at: entry.signature, settledAt: time)
            } else {
                bytes += [UInt8](repeating: 0, count: 32)
                add(entry.signature, settledAt: time)
            }
            addName(entry.name)
        }
        let length = UInt32(bytes.count - start)
        withUnsafeBytes(of: length.littleEndian) { bytes.replaceSubrange(start..<(start + 4), with: $0) }
    }
}
