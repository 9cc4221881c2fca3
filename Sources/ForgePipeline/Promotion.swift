internal import ForgeModel
internal import ForgeReleases
internal import ForgeSources
internal import ForgeStore

extension Pipeline {
    /// `artifact` for another place: itself where its build read nothing that is different there; else, with `rebuild`, what the
    /// same source gives there.
    /// - Throws: `ForgeError` `artifact.bound` with the variables and both environments, `artifact.source-gone`
    func promoted(
        _ artifact: Artifact, to destination: Destination, rebuild: Bool, planned: (BuildPlan) throws -> Void
    ) async throws -> (artifact: Artifact, commit: String?) {
        let store = try await openStore()
        let records = try await store.artifacts.records(of: artifact.digest)
        let (port, vault) = (try await gatewayPort(), try await vault())
        func differences(_ record: BuildRecord) -> [String] {
            guard let binding = record.binding else { return [] }
            return BuildVariables(destination, commit: record.source.commit, gatewayPort: port, vault: vault).differences(from: binding)
        }
        guard let newest = records.first else { return (artifact, nil) }
        // One build of it that would have come out the same there is enough.
        if let record = records.first(where: { differences($0).isEmpty }) { return (artifact, record.source.commit) }
        guard rebuild else { throw bound(artifact, newest, differences(newest), destination) }
        guard try await store.trees.acquire(newest.source.root) else {
            throw ForgeError(
                .store, "artifact.source-gone", "the source of artifact `\(artifact.digest.short)` is not in the store any more",
                hint: "deploy it from where it is: `forge deploy DIR`")
        }
        let request = BuildRequest(source: SourceRequest(location: newest.source.location, commit: nil, app: newest.source.app))
        let title = "\(newest.source.location) for \(destination.display)"
        let built = try await buildArtifact(request, from: newest.source, titled: title, for: destination, planned: planned)
        return (built.artifact, newest.source.commit)
    }

    private func bound(_ artifact: Artifact, _ record: BuildRecord, _ names: [String], _ destination: Destination) -> ForgeError {
        let origin = Destination(
            project: record.binding?.project.flatMap { try? ProjectSlug(parsing: $0) }, environment: record.binding?.environment,
            preview: record.binding?.preview)
        let list = names.map { "`\($0)`" }.joined(separator: ", ")
        return ForgeError(
            .deploy, "artifact.bound",
            "artifact `\(artifact.digest.short)` was built for \(origin.display): its build read \(list), which "
                + (names.count == 1 ? "is" : "are") + " different in \(destination.display)",
            hint: "add `--rebuild` to build the same source for \(destination.display)")
    }
}
