internal import ForgeModel
internal import ForgeSystem

/// What a step stands on, made ready for `forge-sandbox`: its bundle, its disk, its layers, and without root its control group.
struct StepGround: Sendable {
    let configuration: Descriptor
    /// Arguments that name what bounds its writes and, rootless, its groups.
    let disk: [String]
    let layers: [String]

    static func prepare(
        _ request: SandboxRequest, in home: String, range: IDRange, _ installation: SandboxInstallation,
        alteration: @escaping @Sendable (inout RuntimeSpecification) -> Void
    ) async throws -> StepGround {
        let group = installation.group(ofRun: home)
        var bundle = OCIBundle(step: request, ids: installation.ids(range), cgroup: installation.isRootless ? nil : group.path)
        bundle.alteration = alteration
        let whole = bundle
        guard installation.isRootless else {
            let configuration = try await BlockingPool.run { try whole.write(to: home) }
            try await StepDisk.create(
                at: "\(home)/disk.img", bytes: request.limits.diskBytes, inodes: request.limits.inodes ?? Step.Limits.standardInodes)
            var layers = request.layers
            if installation.copiesLayers { layers = try await LayerCopies(installation.directory, range).copies(of: layers) }
            return StepGround(configuration: configuration, disk: ["--image", "disk.img"], layers: layers)
        }
        return try await rootless(whole, request, in: home, group, installation)
    }

    private static func rootless(
        _ bundle: OCIBundle, _ request: SandboxRequest, in home: String, _ group: ControlGroup, _ installation: SandboxInstallation
    ) async throws -> StepGround {
        let bytes = MemoryDisk.bytes(for: request.limits)
        let inodes = request.limits.inodes ?? Step.Limits.standardInodes
        let facts = installation.examination.kernel.cgroups
        let hasGroups = installation.groupParent != nil
        return try await BlockingPool.run {
            var bundle = bundle
            bundle.isWithoutGroups = !hasGroups
            // Its disk counts as memory, so it is given both together.
            let folders =
                hasGroups
                ? try DelegatedGroup.make(group, facts: facts, memoryBytes: request.limits.memoryBytes + bytes, limits: request.limits)
                    .folders
                : []
            return StepGround(
                configuration: try bundle.write(to: home),
                disk: ["--tmpfs", "\(bytes)", "--inodes", "\(inodes)"] + folders.flatMap { ["--group", $0] },
                layers: request.layers)
        }
    }
}
