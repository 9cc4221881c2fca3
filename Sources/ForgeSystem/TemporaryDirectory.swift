internal import Glibc

/// A directory of one's own below `parent`, marked by a lock that its maker holds: whoever comes after a crash can tell a
/// forgotten directory from one in use.
package struct TemporaryDirectory: Sendable {
    package let path: String
    private let lock: FileLock

    /// `prefix` names the purpose; `parent` is made when missing.
    package init(in parent: String, prefix: String) throws {
        try Files.makeDirectory(parent, mode: 0o700)
        while true {
            let path = "\(parent)/\(prefix)-\(String(UInt64.random(in: .min ... .max), radix: 36))"
            guard let lock = try FileLock.attempt(path + ".lock") else { continue }
            if mkdir(path, 0o700) == 0 {
                self.path = path
                self.lock = lock
                return
            }
            guard errno == EEXIST else { throw SystemError.last("mkdir", path) }
        }
    }

    /// Removes the directory and everything in it.
    package func remove() throws {
        try Files.removeTree(path)
        unlink(path + ".lock")
    }

    /// Removes what makers that no longer live left below `parent`; returns the names of those directories.
    /// Name the `prefix` wherever others keep files too: every `….lock` file that fits is taken for a marker.
    @discardableResult
    package static func sweep(_ parent: String, prefix: String = "") throws -> [String] {
        var removed: [String] = []
        for name in try Files.list(parent) where name.hasSuffix(".lock") && name.hasPrefix(prefix) {
            let marker = "\(parent)/\(name)"
            guard let lock = try FileLock.attempt(marker) else { continue }
            try withExtendedLifetime(lock) {
                try Files.removeTree(String(marker.dropLast(".lock".count)))
                unlink(marker)
            }
            removed.append(String(name.dropLast(".lock".count)))
        }
        return removed
    }
}
