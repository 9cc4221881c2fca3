internal import Glibc

/// What `stat` tells of a file that becomes another when its content, its mode or its place on the disk does.
///
/// Equal signatures mean equal content unless the file was changed again within one tick of the clock that stamped it: see
/// `isSettled`.
package struct FileSignature: Hashable, Sendable, BitwiseCopyable {
    package let inode: UInt64
    package let size: Int64
    /// Nanoseconds since 1970 of the last change of the content.
    package let modified: Int64
    /// The same of the last change of anything; no program can set it.
    package let changed: Int64
    /// Type and permission bits.
    package let mode: UInt32

    package init(inode: UInt64, size: Int64, modified: Int64, changed: Int64, mode: UInt32) {
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
        self.mode = mode
    }

    init(_ status: stat) {
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Self.nanoseconds(status.st_mtim)
        changed = Self.nanoseconds(status.st_ctim)
        mode = status.st_mode
    }

    package var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    package var isFile: Bool { mode & S_IFMT == S_IFREG }
    /// Whether the owner may execute it.
    package var isExecutable: Bool { mode & 0o100 != 0 }

    /// Whether a change after `time` (nanoseconds since 1970) must show in the signature: the file's own times lie clearly before it.
    /// A file whose time lies in the future never counts as settled.
    /// Source: git's documentation of "racy git".
    package func isSettled(at time: Int64) -> Bool {
        let newest = max(modified, changed)
        // File systems that stamp whole seconds, and kernels that stamp with the tick of a slow clock.
        let tick: Int64 = newest % 1_000_000_000 == 0 ? 2_000_000_000 : 20_000_000
        return newest < time - tick
    }

    /// Now, by the clock that stamps files.
    package static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return nanoseconds(time)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec) }

    /// The signature of what `path` names; nil when nothing stands there or it cannot be asked. A link at the end is not followed.
    package static func of(_ path: String) -> FileSignature? {
        var status = stat()
        return lstat(path, &status) == 0 ? FileSignature(status) : nil
    }
}

extension Descriptor {
    /// The signature of this open file.
    package func signature() throws -> FileSignature {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw SystemError.last("fstat", "descriptor") }
        return FileSignature(status)
    }

    /// The signature of the entry of this directory whose NUL-terminated name stands at `name`; nil when it cannot be asked.
    package func signature(at name: UnsafePointer<CChar>) -> FileSignature? {
        var status = stat()
        return fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? FileSignature(status) : nil
    }
}
