internal import CForgeSystem
internal import Glibc

/// What stands at a name, links not followed.
package struct FileStatus: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case file, directory, symlink, fifo, socket, blockDevice
        case characterDevice(number: UInt64)

        /// For messages: `a FIFO`.
        package var description: String {
            switch self {
            case .file: "a file"
            case .directory: "a directory"
            case .symlink: "a symbolic link"
            case .fifo: "a FIFO"
            case .socket: "a socket"
            case .blockDevice, .characterDevice: "a device"
            }
        }
    }

    package let kind: Kind
    /// Permission bits, set-id and sticky bits included.
    package let mode: UInt32
    package let size: Int64
    package let inode: UInt64
    package let device: UInt64
    /// Blocks of 512 bytes that it takes on the disk.
    package let blocks: Int64
    package let signature: FileSignature

    /// Whether the owner may execute it.
    package var isExecutable: Bool { mode & 0o100 != 0 }

    init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: .directory
            case S_IFLNK: .symlink
            case S_IFIFO: .fifo
            case S_IFSOCK: .socket
            case S_IFBLK: .blockDevice
            case S_IFCHR: .characterDevice(number: UInt64(status.st_rdev))
            default: .file
            }
        mode = status.st_mode & 0o7777
        size = Int64(status.st_size)
        inode = UInt64(status.st_ino)
        device = UInt64(status.st_dev)
        blocks = Int64(status.st_blocks)
        signature = FileSignature(status)
    }

    /// The status of what `path` names; nil when nothing stands there. A link at the end is not followed.
    package static func of(_ path: String) throws -> FileStatus? {
        var status = stat()
        if lstat(path, &status) == 0 { return FileStatus(status) }
        let error = SystemError.last("lstat", path)
        guard error.isNotFound else { throw error }
        return nil
    }
}

extension Descriptor {
    /// The names in this directory as bytes (they need not be UTF-8), unsorted, without `.` and `..`.
    package func names() throws -> [[UInt8]] {
        let copy = openat(raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            let error = SystemError.last("opendir", "directory")
            if copy >= 0 { close(copy) }
            throw error
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [46] && name != [46, 46] { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw SystemError.last("readdir", "directory") }
        return names
    }

    /// The status of this open file.
    package func status() throws -> FileStatus {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw SystemError.last("fstat", "descriptor") }
        return FileStatus(status)
    }

    /// The status of `name` in this directory.
    package func status(of name: String) throws -> FileStatus {
        var status = stat()
        guard fstatat(raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw SystemError.last("fstatat", name) }
        return FileStatus(status)
    }

    /// Where the symbolic link `name` in this directory points, as bytes.
    package func linkTarget(of name: String) throws -> [UInt8] {
        var size = 256
        while true {
            var length = 0
            let target = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                length = buffer.withMemoryRebound(to: CChar.self) { readlinkat(raw, name, $0.baseAddress!, size) }
                count = max(0, length)
            }
            guard length >= 0 else { throw SystemError.last("readlinkat", name) }
            if length < size { return target }
            size *= 4
        }
    }

    /// Hands the rest of this file to `body` piece by piece.
    package func forEachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        // One byte more than a small file has, so that its end is met at once; a large buffer for each would cost more than reading it.
        let size = (try? signature().size) ?? 0
        let capacity = size > 0 ? Int(min(size + 1, 1 << 18)) : 1 << 18
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = try read(into: chunk)
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
        }
    }

    /// Back to the start of the file.
    package func rewind() throws {
        guard lseek(raw, 0, SEEK_SET) == 0 else { throw SystemError.last("lseek", "descriptor") }
    }

    /// Sets both times of this open file.
    package func setTimes(_ seconds: Int64) throws {
        let times = [timespec(tv_sec: Int(seconds), tv_nsec: 0), timespec(tv_sec: Int(seconds), tv_nsec: 0)]
        guard futimens(raw, times) == 0 else { throw SystemError.last("futimens", "descriptor") }
    }

    /// Sets the permission bits of this open file, whatever the process's umask.
    package func setMode(_ mode: UInt32) throws {
        guard fchmod(raw, mode) == 0 else { throw SystemError.last("fchmod", "descriptor") }
    }

    /// Writes all that is dirty on this file's file system to the disk.
    package func syncFileSystem() throws { try checked(forge_syncfs(raw), "syncfs", "descriptor") }

    /// The extended attribute `name` of this open file; nil when there is none or it cannot be read.
    package func attribute(_ name: String) -> [UInt8]? {
        var length = 0
        let value = [UInt8](unsafeUninitializedCapacity: 256) { buffer, count in
            length = forge_get_attribute(raw, name, buffer.baseAddress, buffer.count)
            count = max(0, length)
        }
        return length >= 0 ? value : nil
    }
}

extension Files {
    /// Exchanges what stands at two paths, atomically.
    package static func exchange(_ path: String, _ other: String) throws {
        try checked(forge_rename_exchange(path, other), "renameat2", other)
    }

    /// Renames over whatever file, link or empty directory stands at `target`.
    package static func move(_ path: String, over target: String) throws {
        guard Glibc.rename(path, target) == 0 else { throw SystemError.last("rename", target) }
    }

    /// Sets both times of what stands at `path`, a link itself included.
    package static func setTimes(_ path: String, _ seconds: Int64) throws {
        try checked(forge_set_times(AT_FDCWD, path, seconds), "utimensat", path)
    }

    /// A second name for the file at `path`.
    package static func link(_ path: String, to name: String) throws {
        guard Glibc.link(path, name) == 0 else { throw SystemError.last("link", name) }
    }

    package static func symlink(_ target: String, at path: String) throws {
        guard Glibc.symlink(target, path) == 0 else { throw SystemError.last("symlink", path) }
    }

    /// The absolute path without links; nil when it does not exist.
    package static func resolved(_ path: String) throws -> String? {
        guard let real = realpath(path, nil) else {
            let error = SystemError.last("realpath", path)
            if error.isNotFound { return nil }
            throw error
        }
        defer { free(real) }
        return String(cString: real)
    }
}
