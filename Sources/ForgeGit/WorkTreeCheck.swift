package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// What became of a work tree since its memo was made.
package enum WorkTreeFinding: Sendable {
    /// The memo's root is what a walk would give.
    case unchanged
    /// At most the content of these files is different.
    case edited([EditedFile])
    /// Files came, went or became something else; or what is ignored may be different. Only a walk can tell.
    case differs
}

/// A file whose content may not be what the memo says.
package struct EditedFile: Sendable {
    package let path: RelativePath
    let signature: FileSignature
    /// Where its entry stands in the memo.
    let position: Int

    /// Whether it has the size of a pointer of git LFS.
    package var mayBeLFSPointer: Bool { LFSPointer.sizes.contains(signature.size) }
}

extension WorkTreeMemo {
    /// Asks `stat` about everything in the memo, on two threads. Names are read in no folder whose time stands still.
    /// - Parameter path: of the work tree, absolute, without links.
    package func check(_ path: String) async -> WorkTreeFinding {
        guard let root = try? Descriptor.open(path, O_RDONLY | O_DIRECTORY), layout.watched.allSatisfy(\.isUnchanged) else {
            return .differs
        }
        let half = layout.directories.count / 2
        async let first = BlockingPool.run { scan(0..<half, root) }
        async let second = BlockingPool.run { scan(half..<layout.directories.count, root) }
        guard let edited = await first, let more = await second else { return .differs }
        return edited.isEmpty && more.isEmpty ? .unchanged : .edited(edited + more)
    }

    /// The files of some folders whose content may be different; nil when more than that is.
    private func scan(_ numbers: Range<Int>, _ root: Descriptor) -> [EditedFile]? {
        body.withUnsafeBytes { bytes in
            var edited: [EditedFile] = []
            for number in numbers {
                var reader = MemoReader(bytes: bytes, position: layout.directories[number])
                guard reader.skip(4), let signature = reader.signature(), let name = reader.name(),
                    let path = String(validating: name, as: UTF8.self), let directory = Self.open(path, below: root),
                    (try? directory.signature()) == signature, let files = Self.entries(&reader, directory, path)
                else { return nil }
                edited += files
            }
            return edited
        }
    }

    private static func open(_ path: String, below root: Descriptor) -> Descriptor? {
        path.isEmpty ? root : try? root.openBeneath(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    private static func entries(_ reader: inout MemoReader, _ directory: Descriptor, _ path: String) -> [EditedFile]? {
        guard let count = reader.integer(UInt32.self) else { return nil }
        var edited: [EditedFile] = []
        for _ in 0..<count {
            let position = reader.position
            guard let kind = reader.integer(UInt8.self), reader.skip(32), let known = reader.signature(), let name = reader.name(),
                let start = name.baseAddress, let now = directory.signature(at: start.assumingMemoryBound(to: CChar.self))
            else { return nil }
            if now == known { continue }
            guard kind == WorkTreeRecord.Kind.file.rawValue, now.isFile, now.isExecutable == known.isExecutable,
                let text = String(validating: name, as: UTF8.self),
                let file = try? RelativePath(parsing: path.isEmpty ? text : "\(path)/\(text)")
            else { return nil }
            edited.append(EditedFile(path: file, signature: now, position: position))
        }
        return edited
    }

    /// The memo of the tree `root`, in which the files have these digests.
    /// - Parameter began: when `check` was called, nanoseconds since 1970.
    package func updated(_ files: [(file: EditedFile, digest: Digest)], root: Digest, began: Int64) -> WorkTreeMemo {
        var bytes = body
        var total = layout.bytes
        for (file, digest) in files {
            let old = bytes.withUnsafeBytes { bytes -> Int64 in
                var reader = MemoReader(bytes: bytes, position: file.position + 33)
                return reader.signature()?.size ?? 0
            }
            total += digest.sizeBytes - old
            var writer = MemoWriter()
            writer.add(WorkTreeRecord.Kind.file.rawValue)
            writer.add(digest, at: file.signature, settledAt: began)
            bytes.replaceSubrange(file.position..<(file.position + writer.bytes.count), with: writer.bytes)
        }
        var head = MemoWriter()
        head.add(root)
        head.add(layout.files)
        head.add(total)
        bytes.replaceSubrange(0..<head.bytes.count, with: head.bytes)
        guard let memo = WorkTreeMemo(body: bytes) else { preconditionFailure("a memo that its maker cannot read") }
        return memo
    }

    /// What the memo knows of each file that has stayed: `stat` says the same of it now.
    func digests(of record: WorkTreeRecord) -> [RelativePath: Digest] {
        var known: [RelativePath: (FileSignature, Digest)] = [:]
        body.withUnsafeBytes { bytes in
            for position in layout.directories {
                var reader = MemoReader(bytes: bytes, position: position)
                guard reader.skip(40), let name = reader.name(), let folder = Self.path(name), let count = reader.integer(UInt32.self)
                else { return }
                for _ in 0..<count {
                    guard let kind = reader.integer(UInt8.self), let entry = reader.entry() else { return }
                    guard kind == WorkTreeRecord.Kind.file.rawValue, let name = Self.path(entry.name) else { continue }
                    guard let digest = Digest(hash: entry.hash, sizeBytes: entry.signature.size) else { continue }
                    known[folder.appending(name)] = (entry.signature, digest)
                }
            }
        }
        var same: [RelativePath: Digest] = [:]
        for directory in record.directories {
            for entry in directory.entries where entry.kind == .file {
                let path = directory.path.appending(component: entry.name)
                if let (signature, digest) = known[path], signature == entry.signature { same[path] = digest }
            }
        }
        return same
    }

    private static func path(_ bytes: UnsafeRawBufferPointer) -> RelativePath? {
        String(validating: bytes, as: UTF8.self).flatMap { try? RelativePath(parsing: $0) }
    }
}

extension MemoReader {
    /// What follows an entry's kind.
    fileprivate mutating func entry() -> (hash: Slice<UnsafeRawBufferPointer>, signature: FileSignature, name: UnsafeRawBufferPointer)? {
        let start = position
        guard skip(32), let signature = signature(), let name = name() else { return nil }
        return (bytes[start..<(start + 32)], signature, name)
    }
}

extension WorkTreeRecord.Watched {
    fileprivate var isUnchanged: Bool {
        switch state {
        case .absent: FileSignature.of(path) == nil
        case .present(let inode): FileSignature.of(path)?.inode == inode
        case .content(let signature): FileSignature.of(path) == signature
        }
    }
}
