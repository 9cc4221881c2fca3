internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// What of the sandbox's layers this machine has for this user. Cheap: it is asked before the first step of each build too.
package struct HostExamination: Sendable {
    package let kernel: KernelFacts
    package let user: HostUser
    /// Whether the operator lets rootless steps run without control groups.
    let groupsAreOptional: Bool

    package init(kernel: KernelFacts = KernelFacts(), user: HostUser = .current(), groupsAreOptional: Bool = false) {
        self.kernel = kernel
        self.user = user
        self.groupsAreOptional = groupsAreOptional && !user.isRoot
    }

    /// In the order in which a sandbox needs them.
    package var layers: [HostFinding] { [userNamespaces, ids, otherNamespaces, overlay, seccomp, controlGroups, disk] }

    /// The first layer without which nothing can be built.
    var fatal: HostFinding? { layers.first(where: \.isFatal) }

    /// Whether the limits of a step can be held for all its processes together.
    var hasGroups: Bool { kernel.cgroups.usable.isSuperset(of: ControlGroupFacts.required) }

    /// The error for a layer that proved to be missing, whatever was found out before.
    func error(lacking id: String, because reason: String) -> ForgeError {
        let known = layers.first { $0.id == id }
        return HostFinding(id, known?.name ?? id, .missing, reason, remedy: known?.state == .ok ? nil : known?.remedy, isRequired: true)
            .error
    }

    private var userNamespaces: HostFinding {
        func finding(_ state: HostFinding.State, _ detail: String, _ remedy: String? = nil) -> HostFinding {
            HostFinding("user-namespaces", "user namespaces", state, detail, remedy: remedy, isRequired: true)
        }
        guard kernel.namespaces.contains("user"), let most = kernel.userNamespaces else {
            return finding(.missing, "the kernel was built without them", "boot a kernel with CONFIG_USER_NS")
        }
        if most == 0 { return finding(.missing, "`user.max_user_namespaces` is 0", "sudo sysctl -w user.max_user_namespaces=16384") }
        if !user.isRoot {
            if kernel.forbidsUnprivilegedNamespaces {
                return finding(
                    .missing, "`kernel.unprivileged_userns_clone` is 0: for root only", "sudo sysctl -w kernel.unprivileged_userns_clone=1")
            }
            if kernel.restrictsNamespacesByProfile {
                return finding(
                    .missing, "AppArmor gives them no rights (`kernel.apparmor_restrict_unprivileged_userns` is 1)",
                    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
            }
        }
        return finding(.ok, "up to \(most)")
    }

    private var ids: HostFinding {
        if user.isRoot {
            return HostFinding("ids", "id ranges", .ok, "\(IDRange.count) ids of its own for each running step", isRequired: true)
        }
        if let lent = user.lent {
            return HostFinding("ids", "id ranges", .ok, "\(IDRange.count) ids from \(lent.users), shared by your steps", isRequired: true)
        }
        return HostFinding(
            "ids", "id ranges", .limited, "one id: inside, your own is `build`, and there is no other",
            remedy: "sudo apt-get install uidmap && sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(user.name)",
            isRequired: true)
    }

    private var otherNamespaces: HostFinding {
        let missing = ["mnt", "pid", "net", "ipc", "uts", "cgroup"].filter { !kernel.namespaces.contains($0) }
        guard missing.isEmpty else {
            return HostFinding(
                "namespaces", "other namespaces", .missing, "the kernel was built without \(missing.joined(separator: ", "))",
                remedy: "boot a kernel with CONFIG_NAMESPACES and all below it", isRequired: true)
        }
        return HostFinding("namespaces", "other namespaces", .ok, "mount, pid, network, ipc, uts, cgroup", isRequired: true)
    }

    private var overlay: HostFinding {
        guard kernel.fileSystems.contains("overlay") else {
            return HostFinding(
                "overlay", "overlayfs", .missing, "the kernel does not list it in /proc/filesystems",
                remedy: "sudo modprobe overlay && echo overlay | sudo tee /etc/modules-load.d/overlay.conf", isRequired: true)
        }
        return HostFinding("overlay", "overlayfs", .ok, user.isRoot ? "there" : "there, with user.* attributes", isRequired: true)
    }

    private var seccomp: HostFinding {
        guard kernel.seccompActions.isSuperset(of: ["errno", "allow"]) else {
            return HostFinding(
                "seccomp", "seccomp filters", .missing, "the kernel has none", remedy: "boot a kernel with CONFIG_SECCOMP_FILTER",
                isRequired: true)
        }
        return HostFinding("seccomp", "seccomp filters", .ok, "there", isRequired: true)
    }

    private var controlGroups: HostFinding {
        let facts = kernel.cgroups
        let missing = ControlGroupFacts.required.subtracting(facts.usable).sorted()
        func finding(_ state: HostFinding.State, _ detail: String, _ remedy: String? = nil) -> HostFinding {
            HostFinding("cgroups", "control groups", state, detail, remedy: remedy, isRequired: !groupsAreOptional)
        }
        if facts.layout == .none {
            return finding(
                .missing, "nothing is mounted at \(ControlGroupFacts.root)", "sudo mount -t cgroup2 none \(ControlGroupFacts.root)")
        }
        guard missing.isEmpty else { return finding(.missing, missingControllers(missing), controllersRemedy) }
        let names = ["memory", "pids", "cpu"].filter(facts.usable.contains).joined(separator: ", ")
        let place = facts.parent.map { $0.isEmpty ? "" : " below \($0)" } ?? ""
        guard facts.usable.contains("cpu") else {
            return finding(.limited, "\(facts.layout.rawValue): \(names)\(place); no `cpu`, so `cpus` is not held", controllersRemedy)
        }
        return finding(.ok, "\(facts.layout.rawValue): \(names)\(place)")
    }

    private func missingControllers(_ names: [String]) -> String {
        let layout = kernel.cgroups.layout.rawValue
        let list = names.joined(separator: " and ")
        return user.isRoot
            ? "\(layout), and \(list) cannot be used"
            : "\(layout), and no group with \(list) is delegated to you (config.toml may call them optional)"
    }

    private var controllersRemedy: String {
        if user.isRoot { return "mount \(ControlGroupFacts.root) writable, with memory and pids enabled" }
        if kernel.cgroups.layout == .v2 {
            return "systemd-run --user --scope -p Delegate=yes forge build …"
        }
        let folder = "\(ControlGroupFacts.root)/$c/\(user.name)"
        return "for c in memory pids cpu cpuacct freezer; do sudo mkdir -p \(folder); sudo chown -R \(user.name) \(folder); "
            + "echo $$ | sudo tee \(folder)/cgroup.procs; done"
    }

    private var disk: HostFinding {
        guard user.isRoot else {
            return HostFinding(
                "disk", "a step's disk", .limited, "a tmpfs of fixed size: what a step writes counts as memory",
                remedy: "as root it is a disk image: sudo forge build …", isRequired: true)
        }
        guard access("/dev/loop-control", R_OK | W_OK) == 0 else {
            return HostFinding(
                "disk", "a step's disk", .missing, "there is no /dev/loop-control", remedy: "sudo modprobe loop", isRequired: true)
        }
        guard StepDisk.program != nil else {
            return HostFinding(
                "disk", "a step's disk", .missing, "`mkfs.ext4` is not installed", remedy: "sudo apt-get install e2fsprogs",
                isRequired: true)
        }
        return HostFinding("disk", "a step's disk", .ok, "ext4 image of fixed size on a loop device", isRequired: true)
    }
}
