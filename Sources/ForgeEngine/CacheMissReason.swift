package import ForgeModel

/// Why a step is executed instead of being taken from the cache: names the input that changed since this project's last run of it.
package enum CacheMissReason: Hashable, Sendable {
    case firstBuild
    case cacheNotUsed
    case blobMissing
    /// `preset` is the one whose words changed, where it was that.
    case commandChanged(from: [String], to: [String], preset: String?)
    case outputsChanged
    case environmentChanged(name: String, from: EnvironmentValue?, to: EnvironmentValue?)
    /// What the step runs with: a toolchain, the platform, the network class.
    case platformChanged(name: String, from: String?, to: String?)
    /// The file that fixes what an install step installs, and the first few packages that it fixes otherwise now.
    case lockfileChanged(RelativePath, packages: [String], more: Int)
    /// Files of the input tree that differ, a few of them, and whether there are more.
    case inputsChanged([RelativePath], more: Bool)
    /// Nothing of the last run differs, but its result is not here.
    case notRecorded

    /// What a variable is as far as it may be told.
    package enum EnvironmentValue: Hashable, Sendable {
        case literal(String)
        /// Only a keyed tag of it is known here.
        case sealed

        init(_ text: String) { self = text.hasPrefix("sealed:") ? .sealed : .literal(text) }
    }
}

extension CacheMissReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .firstBuild: "first build"
        case .cacheNotUsed: "cache not used (--no-cache)"
        case .blobMissing: "blob missing"
        case .commandChanged(_, _, let preset?): "command changed by preset \(preset)"
        case .commandChanged(let old, let new, nil): "command changed (\(Self.shown(old)) → \(Self.shown(new)))"
        case .outputsChanged: "declared outputs changed"
        case .environmentChanged(let name, let old, let new): Self.environment(name, old, new)
        case .platformChanged(let name, let old?, let new?): Self.platform(name, old, new)
        case .platformChanged(let name, nil, _): "\(name) is new"
        case .platformChanged(let name, _, nil): "\(name) is gone"
        case .lockfileChanged(let path, let packages, let more):
            "lockfile \(path) changed"
                + (packages.isEmpty ? "" : " (\(packages.joined(separator: ", "))\(more > 0 ? " and \(more) more" : ""))")
        case .inputsChanged(let paths, let more):
            paths.isEmpty ? "inputs changed" : paths.map(\.string).joined(separator: ", ") + (more ? " and more" : "") + " changed"
        case .notRecorded: "no result recorded"
        }
    }

    private static func shown(_ command: [String]) -> String { cut(CommandText.typed(command)) }

    private static func cut(_ text: String) -> String { text.count > 60 ? text.prefix(59) + "…" : text }

    private static func environment(_ name: String, _ old: EnvironmentValue?, _ new: EnvironmentValue?) -> String {
        switch (old, new) {
        case (.literal(let old)?, .literal(let new)?): "env \(name) \(cut(old)) → \(cut(new))"
        case (nil, .literal(let new)?): "env \(name) is new (\(cut(new)))"
        case (nil, .sealed?): "env \(name) is new"
        case (_?, nil), (nil, nil): "env \(name) is gone"
        case (_?, _?): "env \(name) changed"
        }
    }

    /// Toolchains are told apart by their digests; people know them by their versions.
    private static func platform(_ name: String, _ old: String, _ new: String) -> String {
        let (before, after) = (version(old), version(new))
        if before == after, old != new { return "\(name) \(after) is another build of that version" }
        return "\(name) \(before) → \(after)"
    }

    private static func version(_ identity: String) -> Substring {
        identity.contains(" sha256:") ? identity.prefix { $0 != " " } : identity[...]
    }
}

extension CacheMissReason {
    /// Everything in which two actions differ but their input trees: command, environment, toolchains, outputs.
    /// - Parameter preset: the one the step comes from, when its words are not the same as the last time.
    static func between(_ last: Action, and now: Action, preset: String?) -> [CacheMissReason] {
        var reasons: [CacheMissReason] = []
        if last.command != now.command || last.workingDirectory != now.workingDirectory {
            reasons.append(.commandChanged(from: last.command, to: now.command, preset: preset))
        }
        for name in changes(last.environment, now.environment) {
            let (old, new) = (last.environment[name], now.environment[name])
            reasons.append(.environmentChanged(name: name, from: old.map(EnvironmentValue.init), to: new.map(EnvironmentValue.init)))
        }
        for name in changes(last.platform, now.platform) {
            reasons.append(.platformChanged(name: name, from: last.platform[name], to: now.platform[name]))
        }
        if last.outputPaths != now.outputPaths || last.amends != now.amends { reasons.append(.outputsChanged) }
        return reasons
    }

    private static func changes(_ old: [String: String], _ new: [String: String]) -> [String] {
        Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }
    }
}
