internal import ForgeManifests
internal import ForgeModel
internal import ForgePatterns
internal import ForgePresets

/// Decides which package manager a project uses: the one it names, the one whose lockfile lies there, the one it is
/// written for, the ecosystem's default.
struct PackageManagerResolver {
    let facts: ProjectFacts
    let ecosystem: Ecosystem

    func resolve() throws -> PackageManager? {
        let managers = try facts.catalog.packageManagers(of: ecosystem)
        let evaluator = ClauseEvaluator(facts: facts) { false }
        if let pinned = try managers.first(where: { try $0.pinned != nil && evaluator.holds($0.pinned) }) { return pinned }
        let locked = try managers.compactMap { manager in try lockfile(of: manager).map { (manager: manager, file: $0) } }
        let standing = locked.filter { item in
            !locked.contains { $0.manager.id != item.manager.id && $0.manager.companions.contains(item.file) }
        }
        if standing.count > 1 { throw several(standing) }
        if let only = standing.first { return only.manager }
        if let claimed = try managers.first(where: { try $0.claimed != nil && evaluator.holds($0.claimed) }) { return claimed }
        return try managers.first { try $0.isDefault && hasManifest($0) }
    }

    private func lockfile(of manager: PackageManager) throws -> String? {
        try manager.lockfiles.first { try facts.files.isFile(Manifests.path($0)) }
    }

    private func hasManifest(_ manager: PackageManager) throws -> Bool {
        try manager.manifests.contains { try !facts.files.expand(Glob($0)).isEmpty }
    }

    private func several(_ standing: [(manager: PackageManager, file: String)]) -> ForgeError {
        let files = standing.map { "`\(facts.files.display(Manifests.path($0.file)))` (\($0.manager.name))" }.joined(separator: " and ")
        let remove = standing.dropFirst().map { "`\($0.file)`" }.joined(separator: " and ")
        let field = "`\"packageManager\": \"\(standing[0].manager.id)@…\"` to `package.json`"
        return ForgeError(
            .detection, "detect.several-lockfiles", "lockfiles of several package managers: \(files)",
            at: SourceLocation(file: facts.files.display(Manifests.path(standing[1].file))),
            hint: ecosystem == .npm
                ? "keep one and remove the other, or add \(field)"
                : "keep `\(standing[0].file)` and remove \(remove), or the other way round")
    }
}
