internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The mirrors of remote repositories that this user's Forge keeps.
///
/// One for each place and each reader: what was fetched with a token or a password is found again only with the same one. What
/// was fetched with none, or with what this user's own git helpers and ssh keys answered, is one and the same: the folder is
/// theirs alone.
package struct RemoteMirrors: Sendable {
    /// What all of them may take on disk.
    package static let maximumBytes: Int64 = 5 << 30

    private let folder: String
    private let maximumBytes: Int64

    package init(folder: String, maximumBytes: Int64 = RemoteMirrors.maximumBytes) {
        self.folder = folder
        self.maximumBytes = maximumBytes
    }

    /// What a remote and its reader are called; no part of a secret can be told from it without this folder's own key.
    package func name(for location: RemoteLocation, reader: RemoteCredentials) async throws -> String {
        try await BlockingPool.run {
            let secret = try reader.given.map { "\(try key())\n\($0.user)\n\($0.password.text)" } ?? ""
            return Digest(of: "\(location.place)\n\(Digest(of: secret).hex)").hex
        }
    }

    /// The mirror of that name, once nobody else has it.
    package func lease(_ name: String) async throws -> RemoteMirror {
        let path = "\(folder)/\(name)"
        try await BlockingPool.run { try Files.makeDirectory(folder, mode: 0o700) }
        while true {
            if let lock = try await BlockingPool.run({ try FileLock.attempt(path + ".lock") }) {
                let mirror = RemoteMirror(name: name, folder: path, lock: lock)
                try await BlockingPool.run { try touch(name) }
                return mirror
            }
            // Whoever has it may be fetching for an hour; a waiting thread could not be called off.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Removes the least recently used mirrors until the rest fits the limit; those in use stay.
    package func trim() async throws {
        try await BlockingPool.run {
            var all = try Files.list(folder).filter { $0.hasSuffix(".lock") }.map { marker in
                let name = String(marker.dropLast(".lock".count))
                return (name: name, used: try lastUse(name), size: RemoteMirror.size(of: "\(folder)/\(name)"))
            }
            all.sort { ($0.used, $0.name) > ($1.used, $1.name) }
            var total = all.reduce(0) { $0 + $1.size }
            while total > maximumBytes, let oldest = all.popLast() {
                guard oldest.size > 0, let lock = try FileLock.attempt("\(folder)/\(oldest.name).lock") else { continue }
                try withExtendedLifetime(lock) { try Files.removeTree("\(folder)/\(oldest.name)") }
                total -= oldest.size
            }
        }
    }

    /// The time of the last use is that of the lock file, which stays: another process may be waiting at it.
    private func touch(_ name: String) throws {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        try Files.setTimes("\(folder)/\(name).lock", Int64(now.tv_sec))
    }

    private func lastUse(_ name: String) throws -> Int {
        var status = stat()
        guard stat("\(folder)/\(name).lock", &status) == 0 else { return 0 }
        return status.st_mtim.tv_sec
    }

    /// Made once; two processes that make it at once agree on one.
    private func key() throws -> String {
        let path = folder + "/key"
        if let bytes = try Files.read(path, limit: 64), bytes.count == 64 { return String(decoding: bytes, as: UTF8.self) }
        try Files.removeTree(path)
        try Files.makeDirectory(folder, mode: 0o700)
        let fresh = (0..<4).map { _ in UInt64.random(in: .min ... .max) }.map { String($0, radix: 16) }.joined()
        let text = Digest(of: fresh).hex
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max))"
        try Files.writeAtomically(Array(text.utf8), to: temporary, mode: 0o600)
        defer { unlink(temporary) }
        do { try Files.renameNew(temporary, to: path) } catch let error as SystemError where error.errno == EEXIST {}
        return try Files.read(path, limit: 64).map { String(decoding: $0, as: UTF8.self) } ?? text
    }
}
