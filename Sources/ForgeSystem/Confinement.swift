internal import CForgeSystem
internal import Glibc

/// What a process gives up before it touches what strangers sent. For the main thread of a process that has no other yet:
/// the kernel confines threads, and those they start later.
package enum Confinement {
    /// Nothing but `folder` and `/dev/null` can be written any more, by this process or any it starts; programs it starts
    /// gain no rights. False when the kernel has no Landlock: then only the rights are capped.
    package static func writesOnly(below folder: String) throws -> Bool {
        let result = forge_confine_writes(folder)
        if [-ENOSYS, -EOPNOTSUPP].contains(result) { return false }
        try checked(result, "landlock", folder)
        return true
    }

    /// Of the kernel's Landlock; 0 when it has none.
    package static var landlockVersion: Int { Int(max(0, forge_landlock_version())) }

    /// No core file, no file larger than `bytes`.
    package static func limitFiles(to bytes: UInt64) throws {
        try checked(forge_limit_files(bytes), "setrlimit", "file size")
    }

    /// Ties this process, and the programs it starts, to the life of its parent and to `seconds` at most.
    package static func die(with parent: Int32, after seconds: Int) throws {
        try checked(forge_die_as_a_group(), "sigaction", "signals")
        try checked(forge_die_with_parent(SIGTERM), "prctl", "parent-death signal")
        alarm(UInt32(clamping: seconds))
        // It may have gone before the call.
        guard getppid() == parent else { throw SystemError("getppid", "parent", errno: ESRCH) }
    }
}
