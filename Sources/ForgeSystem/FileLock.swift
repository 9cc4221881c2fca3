internal import CForgeSystem
internal import Glibc

/// An advisory lock on a file, shared between processes; held until the value's last reference goes or the process
/// dies by whatever means.
package final class FileLock: Sendable {
    /// A child that inherits this holds the lock too, until both have let go.
    package let descriptor: Descriptor

    private init(_ descriptor: Descriptor) { self.descriptor = descriptor }

    /// Takes the lock or returns nil at once when another process holds it.
    package static func attempt(_ path: String, exclusive: Bool = true) throws -> FileLock? {
        let descriptor = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        let result = forge_flock(descriptor.raw, exclusive ? 1 : 0, 0)
        if result == -EWOULDBLOCK { return nil }
        try checked(result, "flock", path)
        return FileLock(descriptor)
    }

    /// Lets go at once, whatever child of this process has been made meanwhile and has not got to its own program yet.
    package func release() { forge_funlock(descriptor.raw) }

    /// Blocks until the lock is free.
    package static func wait(_ path: String, exclusive: Bool = true) throws -> FileLock {
        let descriptor = try Descriptor.open(path, O_RDWR | O_CREAT, mode: 0o600)
        try checked(forge_flock(descriptor.raw, exclusive ? 1 : 0, 1), "flock", path)
        return FileLock(descriptor)
    }

    /// Waits, off the cooperative pool, until the lock is free.
    package static func acquire(_ path: String, exclusive: Bool = true) async throws -> FileLock {
        try await BlockingPool.run { try wait(path, exclusive: exclusive) }
    }
}
