internal import Glibc
internal import CForgeSystem

/// Whole-file operations on paths. All may block.
package enum Files {
    /// Creates `path` and its missing parents.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws {
        if mkdir(path, mode) == 0 { return }
        switch errno {
        case EEXIST: if isDirectory(path) { return }
        case ENOENT:
            let parent = parent(of: path)
            if parent != path {
                try makeDirectory(parent, mode: mode)
                if mkdir(path, mode) == 0 || errno == EEXIST { return }
            }
        default: break
        }
        throw SystemError.last("mkdir", path)
    }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
    package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }
    /// By the real user's rights; everything is for root, but on a read-only file system.
    package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The bytes of `path`; nil when there is no such file.
    package static func read(_ path: String, limit: Int = .max) throws -> [UInt8]? {
        do { return try Descriptor.open(path, O_RDONLY).readAll(limit: limit) } catch let error as SystemError where error.isNotFound {
            return nil
        }
    }

    /// Replaces `path` so that a reader sees the old bytes or the new ones, also after a power cut: temporary file in the
    /// same folder, fsync, rename, fsync of the folder.
    package static func writeAtomically(_ bytes: [UInt8], to path: String, mode: UInt32 = 0o644) throws {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max)).tmp"
        do {
            let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
            try file.write(bytes, to: path)
            try file.sync(path)
            guard Glibc.rename(temporary, path) == 0 else { throw SystemError.last("rename", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try syncDirectory(parent(of: path))
    }

    /// Replaces `path` so that a reader sees the old bytes or the new ones. After a power cut it may hold anything: for what can be made
    /// anew and is checked when read.
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max)).tmp"
        do {
            try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode).write(bytes, to: path)
            guard Glibc.rename(temporary, path) == 0 else { throw SystemError.last("rename", path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Makes room for one more of files that `replace` writes and anybody can do without: all go when there are too many, and what a process
    /// that is gone left half-written goes anyway.
    package static func makeRoom(in folder: String, capacity: Int) throws {
        try makeDirectory(folder, mode: 0o700)
        let names = try list(folder)
        for name in names where names.count >= capacity || isAbandoned(name) { try removeTree("\(folder)/\(name)") }
    }

    /// `NAME.PID.NUMBER.tmp` of a process that is no more.
    private static func isAbandoned(_ name: String) -> Bool {
        let parts = name.split(separator: ".")
        guard parts.count >= 4, parts.last == "tmp", let pid = pid_t(parts[parts.count - 3]), pid > 0 else { return false }
        return kill(pid, 0) != 0 && errno == ESRCH
    }

    /// Writes a file that was not there, for who reads it while this process lives: nothing is done for power cuts or other readers.
    package static func create(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws {
        try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: mode).write(bytes, to: path)
    }

    package static func syncDirectory(_ path: String) throws {
        try Descriptor.open(path, O_RDONLY | O_DIRECTORY).sync(path)
    }

    /// The names in a directory, unsorted; empty when there is none.
    package static func list(_ path: String) throws -> [String] {
        guard let stream = opendir(path) else {
            let error = SystemError.last("opendir", path)
            if error.isNotFound { return [] }
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file or a whole directory; links are removed, never followed; nothing there is no error. Folders
    /// without write permission are opened up first.
    package static func removeTree(_ path: String) throws {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw SystemError.last("unlink", path) }
        try removeDirectory(parent: AT_FDCWD, name: path, subject: path)
    }

    private static func removeDirectory(parent: Int32, name: String, subject: String) throws {
        var fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if fd < 0 && errno == EACCES && fchmodat(parent, name, 0o700, 0) == 0 {
            fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        guard fd >= 0, let stream = fdopendir(fd) else { throw SystemError.last("open", subject) }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            // The raw bytes, not a String: names need not be UTF-8.
            let failure: SystemError? = try withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                try tuple.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                    if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(fd, name, 0) == 0 || errno == ENOENT { return nil }
                    if errno == EACCES || errno == EPERM, fchmod(fd, 0o700) == 0, unlinkat(fd, name, 0) == 0 { return nil }
                    guard errno == EISDIR || errno == EPERM else { return SystemError.last("unlink", subject) }
                    try removeDirectory(parent: fd, name: String(cString: name), subject: subject)
                    return nil
                }
            }
            if let failure { throw failure }
        }
        guard unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw SystemError.last("rmdir", subject) }
    }

    /// Renames, failing with `EEXIST` when `target` is there.
    package static func renameNew(_ path: String, to target: String) throws {
        try checked(forge_rename_noreplace(path, target), "renameat2", target)
    }
}
