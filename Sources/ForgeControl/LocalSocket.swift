package import ForgeSystem
internal import Glibc

/// Stream sockets in the file system. A path may be longer than the 107 bytes of a socket's address: its folder is opened and
/// named by its descriptor.
package enum LocalSocket {
    /// A connected socket; blocks for as long as the backlog is full.
    /// - Throws: `SystemError` (`ENOENT`, `ECONNREFUSED` when nobody listens)
    package static func connect(_ path: String) throws -> Descriptor {
        try withAddress(path) { address, size in
            let descriptor = try make()
            guard Glibc.connect(descriptor.raw, address, size) == 0 else { throw SystemError.last("connect", path) }
            return descriptor
        }
    }

    /// A listening socket that only this user may connect to, in place of whatever socket lay there.
    package static func listen(_ path: String) throws -> Descriptor {
        unlink(path)
        return try withAddress(path) { address, size in
            let descriptor = try make()
            guard bind(descriptor.raw, address, size) == 0 else { throw SystemError.last("bind", path) }
            guard chmod(path, 0o600) == 0 else { throw SystemError.last("chmod", path) }
            guard Glibc.listen(descriptor.raw, 64) == 0 else { throw SystemError.last("listen", path) }
            return descriptor
        }
    }

    /// The next bytes; empty at the end. Blocks.
    package static func receive(_ socket: Descriptor) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
            count = try socket.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// The next connection; nil once the listening socket was shut down. Blocks.
    package static func accept(_ listener: Descriptor) throws -> Descriptor? {
        while true {
            let raw = Glibc.accept(listener.raw, nil, nil)
            if raw >= 0 {
                _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
                return Descriptor(owning: raw)
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EINVAL: return nil
            default: throw SystemError.last("accept", "control socket")
            }
        }
    }

    private static func make() throws -> Descriptor {
        let raw = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw SystemError.last("socket", "control socket") }
        return Descriptor(owning: raw)
    }

    private static func withAddress<Value>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Value) throws -> Value {
        let folder = try Descriptor.open(Files.parent(of: path), O_RDONLY | O_DIRECTORY)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let short = "/proc/self/fd/\(folder.raw)/\(name)"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard short.utf8.count < room else { throw SystemError("bind", path, errno: ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: short.utf8) }
        return try withExtendedLifetime(folder) {
            try withUnsafePointer(to: &address) { pointer in
                try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
        }
    }
}
