#if DEBUG
    /// One thing that holds a step in, taken away by tests to see that the probe notices. Compiled into debug builds only.
    package enum SandboxLayer: String, CaseIterable, Sendable {
        // Namespaces
        case userNamespace, pidNamespace, networkNamespace, ipcNamespace, nameNamespace, groupNamespace
        // Privileges
        case noCapabilities, noNewPrivileges
        // System calls: the filter, and its finer parts
        case callFilter, cloneFlags, cloneThree, terminalCommands, socketFamilies, nativeArchitecture
        // Files
        case emptyRoot, readOnlyRoot, ownDevices, maskedFiles, readOnlySettings, sharedMemorySize
        // The rest of the world inside
        case cleanEnvironment, fixedUmask, fixedUser, noCoreDumps, descriptorLimit
        // Limits
        case memoryLimit, processLimit
        // Of `forge-sandbox`, or of it too: raw values are its words
        case readOnlySystem = "read-only-system"
        case visibleLimits = "visible-limits"
        case nosuid
        case fixedDevices = "fixed-devices"
        case boundedDisk = "bounded-disk"

        func remove(from specification: inout RuntimeSpecification) { Self.removals[self]?(&specification) }

        private typealias Removal = @Sendable (inout RuntimeSpecification) -> Void

        private static let removals: [SandboxLayer: Removal] = namespaces.merging(calls) { $1 }.merging(files) { $1 }.merging(others) { $1 }

        private static func namespace(_ type: String) -> Removal { { $0.linux.namespaces.removeAll { $0.type == type } } }

        private static let namespaces: [SandboxLayer: Removal] = [
            .userNamespace: {
                namespace("user")(&$0)
                ($0.linux.uidMappings, $0.linux.gidMappings) = ([], [])
            },
            .pidNamespace: namespace("pid"), .networkNamespace: namespace("network"), .ipcNamespace: namespace("ipc"),
            .nameNamespace: {
                namespace("uts")(&$0)
                $0.hostname = nil
            },
            .groupNamespace: namespace("cgroup"),
        ]

        private static func pass(_ names: String...) -> Removal {
            {
                $0.linux.seccomp?.syscalls.removeAll { !names.filter($0.names.contains).isEmpty }
                $0.linux.seccomp?.syscalls.append(.init(names: names, action: "SCMP_ACT_ALLOW", errnoRet: nil, args: nil))
            }
        }

        private static let calls: [SandboxLayer: Removal] = [
            .noCapabilities: {
                let all = ["CAP_SYS_ADMIN", "CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_SYS_PTRACE"]
                $0.process.capabilities = .init(bounding: all, effective: all, permitted: all, inheritable: all, ambient: all)
            },
            .noNewPrivileges: { $0.process.noNewPrivileges = false },
            .callFilter: { $0.linux.seccomp = nil },
            .cloneFlags: pass("clone"), .cloneThree: pass("clone3"), .terminalCommands: pass("ioctl"),
            .socketFamilies: pass("socket", "socketpair"),
            .nativeArchitecture: { $0.linux.seccomp?.architectures += ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] },
        ]

        private static let files: [SandboxLayer: Removal] = [
            .emptyRoot: {
                for path in ["/tmp", "/root", "/home", "/var/lib", "/etc"] {
                    $0.mounts.removeAll { $0.destination == path || $0.destination.hasPrefix(path + "/") }
                    $0.mounts.append(.init(destination: path, type: "bind", source: path, options: ["bind", "ro", "nosuid", "nodev"]))
                }
            },
            .readOnlyRoot: { $0.root.readonly = false },
            .readOnlySystem: { specification in
                for index in specification.mounts.indices where specification.mounts[index].destination == "/usr" {
                    specification.mounts[index].options.removeAll { $0 == "ro" }
                }
            },
            .ownDevices: { specification in
                for index in specification.mounts.indices where specification.mounts[index].destination == "/dev" {
                    specification.mounts[index] = .init(destination: "/dev", type: "bind", source: "/dev", options: ["bind", "nosuid"])
                }
            },
            .maskedFiles: { $0.linux.maskedPaths = [] },
            .readOnlySettings: { $0.linux.readonlyPaths = [] },
            .sharedMemorySize: { specification in
                for index in specification.mounts.indices where specification.mounts[index].destination == "/dev/shm" {
                    specification.mounts[index].options.removeAll { $0.hasPrefix("size=") || $0.hasPrefix("nr_inodes=") }
                    specification.mounts[index].options.append("size=1t")
                }
            },
        ]

        private static let others: [SandboxLayer: Removal] = [
            .cleanEnvironment: { $0.process.env += ["SSH_AUTH_SOCK=/run/agent", "TZ=Pacific/Apia"] },
            .fixedUmask: { $0.process.user.umask = 0 },
            .fixedUser: {
                $0.process.user.uid = 1001
                $0.process.user.gid = 1001
            },
            .noCoreDumps: { $0.process.rlimits.removeAll { $0.type == "RLIMIT_CORE" } },
            .descriptorLimit: { $0.process.rlimits.removeAll { $0.type == "RLIMIT_NOFILE" } },
            .memoryLimit: { $0.linux.resources?.memory = nil },
            .processLimit: { $0.linux.resources?.pids = nil },
        ]
    }
#endif
