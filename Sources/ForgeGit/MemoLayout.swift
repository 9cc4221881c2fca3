internal import ForgeModel
internal import ForgeSystem

extension WorkTreeMemo {
    /// Where in a memo's bytes what lies.
    ///
    /// Root (32 + 8), numbers of files (8) and of their bytes (8), whether that is all (1), number of watched files (4) and each: state (1; then an inode of 8, or a signature), name; number of folders (4) and
    /// each: length of all of it (4), signature (36), path, number of entries (4) and each: kind (1), SHA-256 (32), signature (36), name.
    /// A name is its length (2), its bytes and a zero.
    struct Layout: Sendable {
        let root: Digest
        let files: UInt64
        let bytes: Int64
        let isWhole: Bool
        let watched: [WorkTreeRecord.Watched]
        /// Where each folder begins.
        let directories: [Int]

        /// Nil when the bytes are none of a memo. Only what holds the parts together is looked at.
        init?(of bytes: [UInt8]) {
            guard
                let parts = bytes.withUnsafeBytes({ buffer -> (Digest, UInt64, Int64, UInt8, [WorkTreeRecord.Watched], [Int])? in
                    var reader = MemoReader(bytes: buffer)
                    guard let root = reader.digest(), let files = reader.integer(UInt64.self), let size = reader.integer(Int64.self),
                        let whole = reader.integer(UInt8.self), let watched = Self.watched(&reader), let count = reader.integer(UInt32.self)
                    else { return nil }
                    var directories: [Int] = []
                    for _ in 0..<count {
                        directories.append(reader.position)
                        guard let length = reader.integer(UInt32.self), length >= 4, reader.skip(Int(length) - 4) else { return nil }
                    }
                    return reader.isAtEnd ? (root, files, size, whole, watched, directories) : nil
                })
            else { return nil }
            (root, files, self.bytes, watched, directories) = (parts.0, parts.1, parts.2, parts.4, parts.5)
            isWhole = parts.3 == 1
        }

        private static func watched(_ reader: inout MemoReader) -> [WorkTreeRecord.Watched]? {
            guard let count = reader.integer(UInt32.self) else { return nil }
            var files: [WorkTreeRecord.Watched] = []
            for _ in 0..<count {
                guard let state = state(&reader), let name = reader.name(), let path = String(validating: name, as: UTF8.self) else {
                    return nil
                }
                files.append(.init(path: path, state: state))
            }
            return files
        }

        private static func state(_ reader: inout MemoReader) -> WorkTreeRecord.Watched.State? {
            switch reader.integer(UInt8.self) {
            case 0: .absent
            case 1: reader.integer(UInt64.self).map { .present(inode: $0) }
            case 2: reader.signature().map { .content($0) }
            default: nil
            }
        }
    }
}

/// Reads the parts of a memo one by one; nil at the end of its bytes.
struct MemoReader {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, bytes.count - position >= count else { return false }
        position += count
        return true
    }

    mutating func integer<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) -> Number? {
        let start = position
        guard skip(MemoryLayout<Number>.size) else { return nil }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: type))
    }

    mutating func digest() -> Digest? {
        let start = position
        guard skip(32), let size = integer(Int64.self) else { return nil }
        return Digest(hash: bytes[start..<(start + 32)], sizeBytes: size)
    }

    mutating func signature() -> FileSignature? {
        guard let inode = integer(UInt64.self), let size = integer(Int64.self), let modified = integer(Int64.self),
            let changed = integer(Int64.self), let mode = integer(UInt32.self)
        else { return nil }
        return FileSignature(inode: inode, size: size, modified: modified, changed: changed, mode: mode)
    }

    /// Its bytes, behind which stands a zero.
    mutating func name() -> UnsafeRawBufferPointer? {
        guard let length = integer(UInt16.self) else { return nil }
        let start = position
        guard skip(Int(length) + 1), bytes[start + Int(length)] == 0 else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(length))])
    }
}
