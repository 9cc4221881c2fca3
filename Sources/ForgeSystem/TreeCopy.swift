internal import Glibc

/// Copies of folders: files, links and folders with their modes and times; anything else is left out. For folders that nobody changes
/// meanwhile. Blocks.
package enum TreeCopy {
    /// Lays the content of `source` into the folder `target`, which is made when missing. What stands there is replaced, folders are
    /// joined. Everything made belongs to `owner`, or to whoever runs this.
    package static func lay(_ source: String, over target: String, owner: UInt32? = nil) throws {
        let status = try Self.status(source)
        try makeFolder(target)
        for name in try Files.list(source) { try copy("\(source)/\(name)", to: "\(target)/\(name)", owner) }
        try finish(target, status, owner)
    }

    private static func copy(_ source: String, to target: String, _ owner: UInt32?) throws {
        let status = try Self.status(source)
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            if !Files.isDirectory(target) || isLink(target) { unlink(target) }
            try lay(source, over: target, owner: owner)
        case S_IFREG:
            try Files.removeTree(target)
            try copyFile(source, to: target, mode: status.st_mode & 0o777)
            try finish(target, status, owner)
        case S_IFLNK:
            try Files.removeTree(target)
            var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            guard readlink(source, &text, Int(PATH_MAX)) >= 0 else { throw SystemError.last("readlink", source) }
            guard symlink(text, target) == 0 else { throw SystemError.last("symlink", target) }
            try finish(target, status, owner)
        default: break
        }
    }

    private static func copyFile(_ source: String, to target: String, mode: UInt32) throws {
        let from = try Descriptor.open(source, O_RDONLY | O_NOFOLLOW)
        let to = try Descriptor.open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try from.read(into: buffer)
            if count == 0 { return }
            try to.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: target)
        }
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemError.last("mkdir", path) }
    }

    /// Owner first: changing it takes bits off the mode.
    private static func finish(_ path: String, _ status: stat, _ owner: UInt32?) throws {
        if let owner, lchown(path, owner, owner) != 0 { throw SystemError.last("chown", path) }
        let isLink = status.st_mode & S_IFMT == S_IFLNK
        if !isLink, chmod(path, status.st_mode & 0o777) != 0 { throw SystemError.last("chmod", path) }
        let times = [status.st_mtim, status.st_mtim]
        guard utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0 else { throw SystemError.last("utimensat", path) }
    }

    private static func status(_ path: String) throws -> stat {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError.last("lstat", path) }
        return status
    }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}
