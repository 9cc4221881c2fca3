internal import ForgeModel
internal import ForgeSystem
internal import Glibc

extension HostExamination {
    /// What makes a sandbox faster or a server possible, and is looked at by `forge doctor` only.
    /// - Parameter directory: on the store's file system; the nearest folder above that is there is taken.
    package func extras(helper: String, directory: String) async -> [HostFinding] {
        [await idMappedMounts(helper, directory), landlock]
    }

    private func idMappedMounts(_ helper: String, _ directory: String) async -> HostFinding {
        guard user.isRoot else {
            return HostFinding("id-mapped-mounts", "id-mapped mounts", .ok, "not needed: the store is yours, and so are the files inside")
        }
        var folder = directory
        while !Files.isDirectory(folder), folder != "/" { folder = Files.parent(of: folder) }
        if (try? await IDMapping.isAvailable(helper: helper, for: folder, self)) == true {
            return HostFinding("id-mapped-mounts", "id-mapped mounts", .ok, "layers are mounted as they lie in the store")
        }
        return HostFinding(
            "id-mapped-mounts", "id-mapped mounts", .limited, "not on the store's file system: layers are copied once for each id range",
            remedy: "put FORGE_HOME on ext4, xfs or btrfs under Linux 5.15 or newer")
    }

    private var landlock: HostFinding {
        let version = Confinement.landlockVersion
        return version > 0
            ? HostFinding("landlock", "Landlock", .ok, "version \(version), for the process that fetches")
            : HostFinding(
                "landlock", "Landlock", .limited, "the kernel has none: the process that fetches is held by its rights alone",
                remedy: "boot with lsm=landlock,… and CONFIG_SECURITY_LANDLOCK")
    }

    /// What other firewalls than Forge's do with packets of servers. Nothing is said where nobody may look: who is not root runs no servers.
    package func forwarding() async -> [HostFinding] {
        guard user.isRoot, let nft = NetworkTool.nft.path else { return [] }
        func finding(_ state: HostFinding.State, _ detail: String, _ remedy: String? = nil) -> [HostFinding] {
            [HostFinding("forwarding", "forwarding", state, detail, remedy: remedy)]
        }
        let chains: ForwardChains
        do {
            let listing = try await NetworkTool.run(nft, ["-j", "-t", "list", "ruleset"])
            guard listing.succeeded else {
                return finding(
                    .limited, "the rules of nftables cannot be listed: \(listing.failure)",
                    "boot a kernel with CONFIG_NF_TABLES and CONFIG_NFT_NAT; without them servers have a closed network only")
            }
            chains = try ForwardChains(parsing: listing.output, uplinks: ServerFirewall.uplinks())
        } catch {
            return finding(.limited, "the rules of nftables cannot be read: \(error)", "see what `sudo nft -j -t list ruleset` prints")
        }
        let closed = chains.closed(iptablesIsOpened: ForwardFilter.opensNewerKind)
        guard !closed.isEmpty else { return finding(.ok, "no other chain of nftables drops packets of servers") }
        let names = closed.map { "`\($0.name)` of table `\($0.table)`" }.joined(separator: ", ")
        let commands = closed.flatMap(\.remedy).joined(separator: " && ")
        return finding(
            .limited, "chain \(names) drops packets of servers: they reach nobody",
            "\(commands) # and the same rules where that table is kept, such as /etc/nftables.conf")
    }

    /// Programs that servers and sources need.
    package var programs: [HostFinding] {
        [
            program("ip", "ip", "iproute2", "networks of servers", at: NetworkTool.directories),
            program("nft", "nft", "nftables", "the servers' firewall", at: NetworkTool.directories),
            program("git", "git", "git", "your own; Forge reads repositories by itself", at: ["/usr/bin", "/usr/local/bin", "/bin"]),
            program("ssh", "ssh", "openssh-client", "sources at ssh:// addresses", at: ["/usr/bin", "/usr/local/bin", "/bin"]),
            program("curl", "curl", "curl", "Git LFS objects", at: ["/usr/bin", "/usr/local/bin", "/bin"]),
        ]
    }

    private func program(_ id: String, _ name: String, _ package: String, _ purpose: String, at directories: [String]) -> HostFinding {
        if let path = directories.map({ "\($0)/\(name)" }).first(where: { Files.isExecutable($0) }) {
            return HostFinding(id, name, .ok, "\(path): \(purpose)")
        }
        return HostFinding(id, name, .missing, "for \(purpose)", remedy: "sudo apt-get install \(package)")
    }
}

/// Whether a mount can show files under other owners than they have.
enum IDMapping {
    /// - Throws: `sandbox.no-user-namespaces`, for such a mount is made with one.
    static func isAvailable(helper: String, for directory: String, _ examination: HostExamination) async throws -> Bool {
        let request = ChildProcess.Request(helper, ["--can-id-map", directory], environment: ["PATH": "/usr/bin:/bin"])
        switch try await ChildProcess.output(request).status {
        case .exited(0): return true
        // The helper's own failure; any other number is what the kernel said about the mount.
        case .exited(125): throw examination.error(lacking: "user-namespaces", because: "the kernel refuses to make one")
        default: return false
        }
    }
}
