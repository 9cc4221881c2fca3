internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The control group of a rootless step. Forge makes it and sets its limits, below a group that was given to this user; the
/// helper puts the step into it, and removes it.
struct DelegatedGroup: Sendable {
    /// One in each hierarchy of v1, one in all of v2.
    let folders: [String]

    private static let root = ControlGroupFacts.root

    /// - Throws: `SystemError` with the file that could not be made or written.
    static func make(_ group: ControlGroup, facts: ControlGroupFacts, memoryBytes: Int64, limits: Step.Limits) throws -> DelegatedGroup {
        // The helper and the runtime are in it too.
        let processes = "\(limits.processes + 4)"
        let quota = limits.cpus > 0 ? Int64(limits.cpus * 100_000) : nil
        if facts.layout == .v2 {
            let folder = "\(root)/\(group.path)"
            // Whoever delegated the group has done so, or leaves it to its owner.
            for controller in facts.usable.intersection(["memory", "pids", "cpu"]) {
                try? set("cgroup.subtree_control", "+\(controller)", in: Files.parent(of: folder))
            }
            try makeFolder(folder)
            try set("memory.max", "\(memoryBytes)", in: folder)
            try? set("memory.swap.max", "0", in: folder)
            try set("pids.max", processes, in: folder)
            if let quota, facts.usable.contains("cpu") { try set("cpu.max", "\(quota) 100000", in: folder) }
            return DelegatedGroup(folders: [folder])
        }
        var folders: [String] = []
        for controller in facts.usable.sorted() {
            let folder = "\(root)/\(controller)/\(group.path)"
            try makeFolder(folder)
            folders.append(folder)
            switch controller {
            case "memory":
                try set("memory.limit_in_bytes", "\(memoryBytes)", in: folder)
                // There only where the kernel accounts for swap.
                try? set("memory.memsw.limit_in_bytes", "\(memoryBytes)", in: folder)
            case "pids": try set("pids.max", processes, in: folder)
            case "cpu": if let quota { try set("cpu.cfs_quota_us", "\(quota)", in: folder) }
            default: break
            }
        }
        return DelegatedGroup(folders: folders)
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemError.last("mkdir", path) }
    }

    private static func set(_ file: String, _ value: String, in folder: String) throws {
        try Descriptor.open("\(folder)/\(file)", O_WRONLY).write(Array(value.utf8), to: "\(folder)/\(file)")
    }
}

/// What a rootless step may write to: memory, because no file system on a device can be mounted by an ordinary user, and a folder
/// has no bound.
enum MemoryDisk {
    /// At most half of the machine's memory.
    static func bytes(for limits: Step.Limits) -> Int64 {
        let memory = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        return min(limits.diskBytes, memory / 2)
    }
}
