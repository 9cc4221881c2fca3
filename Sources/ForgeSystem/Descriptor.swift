internal import Glibc
internal import CForgeSystem

/// An open file descriptor, closed when the last reference goes. Always close-on-exec.
package final class Descriptor: Sendable {
    package let raw: Int32

    /// Takes ownership of `raw`.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { Glibc.close(raw) }

    /// - Throws: `SystemError`
    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws -> Descriptor {
        while true {
            let fd = Glibc.open(path, flags | O_CLOEXEC, mode)
            if fd >= 0 { return Descriptor(owning: fd) }
            guard errno == EINTR else { throw SystemError.last("open", path) }
        }
    }

    /// Opens `path` below this directory; a symbolic link anywhere on the way, or a way out, fails.
    package func openBeneath(_ path: String, _ flags: Int32, mode: UInt32 = 0o600) throws -> Descriptor {
        Descriptor(owning: try checked(forge_open_beneath(raw, path, flags, Int32(mode)), "openat2", path))
    }

    package static func pipe() throws -> (read: Descriptor, write: Descriptor) {
        var fds: [Int32] = [-1, -1]
        try checked(forge_pipe(&fds), "pipe2", "pipe")
        return (Descriptor(owning: fds[0]), Descriptor(owning: fds[1]))
    }

    /// A file with these bytes that has no name and never touches a disk, to be read from its beginning. `name` is for debuggers.
    package static func inMemory(_ bytes: [UInt8], name: String) throws -> Descriptor {
        let file = Descriptor(owning: try checked(forge_memory_file(name), "memfd_create", name))
        try file.write(bytes, to: name)
        try file.rewind()
        return file
    }

    /// Blocks until at least one byte is there; 0 at the end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw SystemError.last("read", "descriptor \(raw)") }
        }
    }

    /// Blocks until all bytes are written.
    package func write(_ bytes: UnsafeRawBufferPointer, to subject: String = "descriptor") throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(raw, rest.baseAddress, rest.count)
            if count < 0 {
                guard errno == EINTR else { throw SystemError.last("write", subject) }
                continue
            }
            rest = rest.dropFirst(count)
        }
    }

    package func write(_ bytes: [UInt8], to subject: String = "descriptor") throws {
        try bytes.withUnsafeBytes { try write($0, to: subject) }
    }

    /// Everything from the current position to the end, at most `limit` bytes.
    package func readAll(limit: Int = .max) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { chunk.deallocate() }
        while bytes.count < limit {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: chunk[..<min(chunk.count, limit - bytes.count)]))
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return bytes
    }

    /// Both ends of a connected local stream socket.
    package static func socketPair() throws -> (Descriptor, Descriptor) {
        var fds: [Int32] = [-1, -1]
        try checked(forge_socketpair(&fds), "socketpair", "socket pair")
        return (Descriptor(owning: fds[0]), Descriptor(owning: fds[1]))
    }

    /// Blocks until bytes or a descriptor arrive on this local socket; empty bytes at the end.
    package func receive(limit: Int = 4096) throws -> (bytes: [UInt8], descriptor: Descriptor?) {
        var fd: Int32 = -1
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            let received = forge_receive(raw, buffer.baseAddress!, limit, &fd)
            failure = received < 0 ? Int32(-received) : 0
            count = max(0, received)
        }
        guard failure == 0 else { throw SystemError("recvmsg", "socket", errno: failure) }
        return (bytes, fd >= 0 ? Descriptor(owning: fd) : nil)
    }

    /// Free bytes and inodes of the file system this descriptor lies on.
    package func freeSpace() throws -> (bytes: UInt64, inodes: UInt64) {
        var bytes: UInt64 = 0
        var inodes: UInt64 = 0
        try checked(forge_free_space(raw, &bytes, &inodes), "fstatvfs", "descriptor")
        return (bytes, inodes)
    }

    /// The bytes of this file from `offset` on, fewer where it ends before.
    package func bytes(at offset: Int, count: Int) throws -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let size = pread(raw, buffer.baseAddress! + done, count - done, off_t(offset + done))
                if size < 0 {
                    if errno == EINTR { continue }
                    failure = SystemError.last("pread", "descriptor \(raw)")
                }
                if size <= 0 { return }
                done += size
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes the bytes at `offset` of this file.
    package func write(_ bytes: [UInt8], at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let size = bytes.withUnsafeBytes { pwrite(raw, $0.baseAddress! + done, bytes.count - done, off_t(offset + done)) }
            guard size > 0 || errno == EINTR else { throw SystemError.last("pwrite", "descriptor \(raw)") }
            done += max(0, size)
        }
    }

    package func sync(_ subject: String) throws {
        guard fsync(raw) == 0 else { throw SystemError.last("fsync", subject) }
    }
}

extension Slice where Base == UnsafeRawBufferPointer {
    fileprivate var baseAddress: UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
