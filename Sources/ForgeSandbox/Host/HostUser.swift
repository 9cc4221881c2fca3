internal import ForgeSystem
internal import Glibc

/// Who runs Forge, and which ids beyond their own the machine lends them.
package struct HostUser: Sendable, Hashable {
    package let id: UInt32
    package let name: String
    /// Of /etc/subuid and /etc/subgid, where both give at least `IDRange.count` and the programs that hand them out are there.
    package let lent: Lent?

    package struct Lent: Sendable, Hashable {
        package let users: UInt32
        package let groups: UInt32
    }

    package var isRoot: Bool { id == 0 }
    var hasOneID: Bool { !isRoot && lent == nil }

    /// Who this process runs as.
    package static func current() -> HostUser {
        let id = geteuid()
        let name = getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "\(id)"
        let programs = ["newuidmap", "newgidmap"].allSatisfy { Files.isExecutable("/usr/bin/\($0)") }
        func first(_ path: String) -> UInt32? {
            firstRange(
                of: [name, "\(id)"], in: (try? Files.read(path, limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? "")
        }
        guard programs, let users = first("/etc/subuid"), let groups = first("/etc/subgid") else {
            return HostUser(id: id, name: name, lent: nil)
        }
        return HostUser(id: id, name: name, lent: Lent(users: users, groups: groups))
    }

    /// The start of the first range in `text` (`name:start:count` lines) that is large enough.
    static func firstRange(of names: Set<String>, in text: String) -> UInt32? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":")
            guard parts.count == 3, names.contains(String(parts[0])), let start = UInt32(parts[1]), let count = UInt32(parts[2]) else {
                continue
            }
            if count >= IDRange.count { return start }
        }
        return nil
    }
}
