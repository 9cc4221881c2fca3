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

    package func sync(_ subject: String) throws {
        guard fsync(raw) == 0 else { throw SystemError.last("fsync", subject) }
    }
}


extension Slice where Base == UnsafeRawBufferPointer {
    fileprivate var baseAddress: UnsafeRawPointer? { UnsafeRawBufferPointer(rebasing: self).baseAddress }
}
