/// Which ids the inside of a sandbox has, and which of them the layers' files belong to: always 1000, `build`.
enum SandboxIDs: Hashable, Sendable {
    /// Root's: a range of its own for each running step.
    case range(base: UInt32)
    /// An ordinary user's, to whom /etc/subuid lends a range: that user is `build`. See rootless.c.
    case lent
    /// An ordinary user's own and no other.
    case single

    /// From ids inside to ids where the runtime stands: the host for root, else the user namespace of rootless.c.
    var mappings: [RuntimeSpecification.IDMapping] {
        let (build, count) = (SandboxWorld.userID, IDRange.count)
        let own = RuntimeSpecification.IDMapping(containerID: build, hostID: 0, size: 1)
        switch self {
        case .range(let base): return [.init(containerID: 0, hostID: base, size: count)]
        case .lent:
            return [
                .init(containerID: 0, hostID: 1, size: build), own,
                .init(containerID: build + 1, hostID: build + 1, size: count - build - 1),
            ]
        case .single: return [own]
        }
    }
}

extension SandboxInstallation {
    func ids(_ range: IDRange) -> SandboxIDs { isRootless ? (user.lent == nil ? .single : .lent) : .range(base: range.base) }

    /// What tells `forge-sandbox` about ids.
    func idArguments(_ range: IDRange) -> [String] {
        let count = ["--count", "\(IDRange.count)", "--user", "\(SandboxWorld.userID)"]
        guard isRootless else { return ["--base", "\(range.base)"] + count + (copiesLayers ? ["--plain-layers", "1"] : []) }
        let lent = user.lent.map { ["--lent-users", "\($0.users)", "--lent-groups", "\($0.groups)"] } ?? []
        return ["--rootless", "1"] + count + lent
    }
}
