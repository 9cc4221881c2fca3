package import ForgeModel

/// Why a step is executed instead of being taken from the cache: names the input that changed since this project's last run of it.
package enum CacheMissReason: Hashable, Sendable {
    case firstBuild
    case cacheNotUsed
    case blobMissing
    case commandChanged
    case outputsChanged
    case environmentChanged(name: String)
    /// What the step runs with: a toolchain, the platform, the network class.
    case platformChanged(name: String, from: String?, to: String?)
    /// The file that fixes what an install step installs; whatever else of its inputs changed besides.
    case lockfileChanged(RelativePath)
    /// Files of the input tree that differ, a few of them, and how many there are at least.
    case inputsChanged([RelativePath], more: Bool)
    /// Nothing of the last run differs, but its result is not here.
    case notRecorded
}

extension CacheMissReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .firstBuild: "first build"
        case .cacheNotUsed: "cache not used (--no-cache)"
        case .blobMissing: "blob missing"
        case .commandChanged: "command changed"
        case .outputsChanged: "declared outputs changed"
        case .environmentChanged(let name): "env \(name) changed"
        case .platformChanged(let name, let old?, let new?): "\(name) \(old) → \(new)"
        case .platformChanged(let name, nil, _): "\(name) is new"
        case .platformChanged(let name, _, nil): "\(name) is gone"
        case .lockfileChanged(let path): "lockfile \(path) changed"
        case .inputsChanged(let paths, let more):
            paths.isEmpty ? "inputs changed" : paths.map(\.string).joined(separator: ", ") + (more ? " and more" : "") + " changed"
        case .notRecorded: "no result recorded"
        }
    }
}

extension CacheMissReason {
    /// The first difference a person would look for: command, environment, toolchain, then files.
    /// `lockfile` is the one among the inputs, if any; `differences` lists the paths in which two input roots differ.
    static func between(
        _ last: Action, and now: Action, lockfile: RelativePath? = nil,
        differences: (Digest, Digest) async throws -> (paths: [RelativePath], more: Bool)
    ) async throws -> CacheMissReason {
        if last.command != now.command || last.workingDirectory != now.workingDirectory { return .commandChanged }
        if let name = firstChange(last.environment, now.environment) { return .environmentChanged(name: name) }
        if let name = firstChange(last.platform, now.platform) {
            return .platformChanged(name: name, from: last.platform[name], to: now.platform[name])
        }
        if last.outputPaths != now.outputPaths { return .outputsChanged }
        if last.inputRoot != now.inputRoot {
            let found = try await differences(last.inputRoot, now.inputRoot)
            if let lockfile, found.paths.contains(lockfile) { return .lockfileChanged(lockfile) }
            return .inputsChanged(Array(found.paths.prefix(3)), more: found.more || found.paths.count > 3)
        }
        return .notRecorded
    }

    private static func firstChange(_ old: [String: String], _ new: [String: String]) -> String? {
        Set(old.keys).union(new.keys).sorted().first { old[$0] != new[$0] }
    }
}
