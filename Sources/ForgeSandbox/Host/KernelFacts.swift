internal import ForgeSystem
internal import Glibc

/// What this kernel offers and what its settings forbid, read from /proc and /sys; a few small files.
package struct KernelFacts: Sendable, Hashable {
    package let release: String
    package let fileSystems: Set<String>
    /// `user.max_user_namespaces`; nil where the kernel has none.
    package let userNamespaces: Int?
    /// `kernel.unprivileged_userns_clone` is 0: Debian's and Ubuntu's older switch.
    package let forbidsUnprivilegedNamespaces: Bool
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1: Ubuntu's newer one.
    package let restrictsNamespacesByProfile: Bool
    /// Kinds of namespace the kernel was built with.
    package let namespaces: Set<String>
    /// What a filter may answer; empty without seccomp.
    package let seccompActions: Set<String>
    package let cgroups: ControlGroupFacts

    /// - Parameter root: what the paths of /proc and /sys are below; not empty in tests only.
    package init(below root: String = "") {
        func text(_ path: String) -> String? {
            guard let bytes = try? Files.read(root + path, limit: 1 << 16) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        func number(_ path: String) -> Int? { text(path).flatMap { Int($0.filter { !$0.isWhitespace }) } }
        release = (text("/proc/sys/kernel/osrelease") ?? "?").filter { !$0.isWhitespace }
        fileSystems = Set(
            (text("/proc/filesystems") ?? "").split(separator: "\n").compactMap { $0.split(separator: "\t").last.map(String.init) })
        userNamespaces = number("/proc/sys/user/max_user_namespaces")
        forbidsUnprivilegedNamespaces = number("/proc/sys/kernel/unprivileged_userns_clone") == 0
        restrictsNamespacesByProfile = number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1
        namespaces = Set((try? Files.list(root + "/proc/self/ns")) ?? [])
        seccompActions = Set((text("/proc/sys/kernel/seccomp/actions_avail") ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
        cgroups = ControlGroupFacts(
            mounts: text("/proc/self/mounts") ?? "", own: text("/proc/self/cgroup") ?? "",
            controllers: { text("\($0)/cgroup.controllers") }, isWritable: { Files.isWritable(root + $0) })
    }
}

/// How control groups are laid out here, and which controllers may be used.
package struct ControlGroupFacts: Sendable, Hashable {
    package enum Layout: String, Sendable {
        case none, v1, hybrid, v2
    }

    package static let required: Set<String> = ["memory", "pids"]
    /// The mount point everything is below.
    static let root = "/sys/fs/cgroup"

    package let layout: Layout
    /// Those for which this user may make groups.
    package let usable: Set<String>
    /// Where this user may make groups, below each hierarchy's root; nil for nowhere, empty for the root itself.
    package let parent: String?

    /// - Parameters:
    ///   - mounts: /proc/self/mounts.
    ///   - own: /proc/self/cgroup.
    ///   - controllers: what `cgroup.controllers` of a folder says.
    ///   - isWritable: whether this user may write to a path.
    init(mounts: String, own: String, controllers: (String) -> String?, isWritable: (String) -> Bool) {
        let mounted = mounts.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            .filter { $0.count > 3 && ($0[2] == "cgroup" || $0[2] == "cgroup2") && $0[1].hasPrefix(Self.root) }
        let old = mounted.filter { $0[2] == "cgroup" }
        let unified = mounted.first { $0[2] == "cgroup2" }
        let places = Self.places(own)
        if let unified, unified[1] == Self.root {
            layout = .v2
            let folder = Self.unifiedParent(places[""] ?? "/", isWritable)
            parent = folder
            usable = folder.map { Set((controllers(Self.root + $0) ?? "").split(whereSeparator: \.isWhitespace).map(String.init)) } ?? []
            return
        }
        layout = old.isEmpty ? .none : unified == nil ? .v1 : .hybrid
        let names = ["memory", "pids", "cpu", "cpuacct", "freezer"].filter { name in
            old.contains { $0[3].split(separator: ",").contains(name[...]) }
        }
        if names.contains(where: { isWritable("\(Self.root)/\($0)") }) {
            parent = ""
            usable = Set(names.filter { isWritable("\(Self.root)/\($0)") })
            return
        }
        // A group that was given to this user: the same in each hierarchy, as it is made by hand or by a service manager.
        let place = places["memory"] ?? "/"
        let given = names.filter { places[$0] == place && isWritable("\(Self.root)/\($0)\(place)") }
        parent = place != "/" && Self.required.isSubset(of: given) ? place : nil
        usable = parent == nil ? [] : Set(given)
    }

    /// Controller → this process's group; "" is v2's.
    private static func places(_ own: String) -> [String: String] {
        var places: [String: String] = [:]
        for line in own.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                places[String(controller)] = String(parts[2])
            }
        }
        return places
    }

    /// The root for who may write there; else the group around this process's own, which must be this user's: a group that
    /// holds processes may have no controlled groups below it.
    private static func unifiedParent(_ own: String, _ isWritable: (String) -> Bool) -> String? {
        if isWritable("\(root)/cgroup.procs") { return "" }
        let around = Files.parent(of: own)
        let folder = around == "/" ? "" : around
        return !folder.isEmpty && isWritable("\(root)\(folder)/cgroup.procs") && isWritable("\(root)\(folder)") ? folder : nil
    }
}
