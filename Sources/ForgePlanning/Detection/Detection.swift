package import ForgeModel
package import ForgePresets

/// The winner, everything it says about the project, and why it won. Pure data: the planner needs nothing else.
package struct Detection: Hashable, Sendable {
    package let preset: Preset
    package let kind: Artifact.Kind
    package let packageManager: PackageManager?
    /// Those of other ecosystems that a step installs for.
    package let companions: [PackageManager]
    package let root: RelativePath
    /// Where the app stands among others; nil when it stands alone.
    package let place: WorkspacePlace?
    /// Every value that came out, by key; `runtime.<toolchain>` are the versions.
    package let values: [String: Derived]
    package let evidence: [Evidence]
    /// Other presets that matched, best first.
    package let candidates: [Candidate]
    /// Steps to make, placeholders filled.
    package let steps: [ResolvedStep]
    /// Steps whose outputs stay out of the artifact.
    package let leavesOut: [String]
    /// Paths or globs among installed packages where generators write what a server needs; relative to the plan's root.
    package let generated: [String]
    package let dockerfile: RelativePath?
    /// What the winner's start command needs and the project does not list.
    package let missing: MissingDependency?
    /// What was taken of files of other platforms, and what was not.
    package let platforms: [PlatformReport]
    /// What of that the planner needs.
    package let movedIn: MovedIn
    package let warnings: [Diagnostic]
    /// Below the app's root. While none of these files changes, and none of the absent appears, detection says the same; what an app of
    /// a workspace reads outside of its own folder is not among them.
    package let filesRead: [RelativePath]
    package let filesAbsent: [RelativePath]

    /// The version asked of a toolchain, as the project wrote it.
    package func version(of toolchain: String) -> String? { values["runtime.\(toolchain)"]?.text }
}

package struct Candidate: Hashable, Sendable, Encodable {
    package let preset: String
    package let name: String
    package let group: Preset.Group
    package let confidence: Confidence
    /// Why it did not win.
    package let reason: String
}

/// Where an app of a workspace stands.
package struct WorkspacePlace: Hashable, Sendable {
    /// Of the workspace, below the source's root.
    package let root: RelativePath
    /// The app's folder below that.
    package let folder: RelativePath
    /// How its step is called that makes its output.
    package let build: String
    /// Folders of members that it does not depend on, below the workspace's root.
    package let strangers: [RelativePath]
    /// Whether programs that its package manager installed lie at the workspace's root as well.
    package let sharesPrograms: Bool
}

/// What files of other platforms say that no preset asks for.
package struct MovedIn: Hashable, Sendable {
    package let environment: [String: String]
    package let port: Int?
    package let healthPath: String?
    /// The page of a site that answers where there is none.
    package let fallback: RelativePath?
    /// What a site answers besides its files.
    package let site: SiteRules
}

/// A server that a start command needs and no manifest lists.
package struct MissingDependency: Hashable, Sendable {
    package let name: String
    package let file: String
    /// The line to add.
    package let line: String
    /// Where in the file it belongs, in words.
    package let section: String?
}

/// A step with its placeholders filled, before limits and environment.
package struct ResolvedStep: Hashable, Sendable {
    package var id: String
    package var title: String
    /// Where it runs, below the plan's root, as all its paths are; nil: there.
    package var directory: RelativePath?
    /// Folders it does not see.
    package var excludes: [RelativePath]?
    /// Whether it is built for several apps, and knows nothing of any one of them.
    package var isShared = false
    package var needs: [String]
    package var command: Command
    package var inputs: [String]
    package var outputs: [String]
    package var caches: [String]
    /// Globs among what it writes that nobody needs.
    package var scratch: [String]
    package var network: Step.Network
    package var environment: [String: String]
    package var registries: Step.Registries?
}

/// The JSON contract of `forge detect`: every key is always there, absent is null.
package struct DetectionReport: Hashable, Sendable, Encodable {
    package enum Kind: String, Sendable, Encodable { case `static`, server, image }

    package struct Provenance: Hashable, Sendable, Encodable {
        package let source: String
        package let rule: String
    }

    package let preset: String?
    package let name: String?
    package let language: String?
    package let packageManager: String?
    package let kind: Kind?
    package let root: String
    package let install: String?
    package let build: String?
    package let output: String?
    package let start: String?
    package let runtimeVersion: String?
    package let derived: [String: Provenance]
    package let evidence: [Evidence]
    package let candidates: [Candidate]
    /// Apps of a workspace, by folder.
    package let apps: [AppReport]
    /// Files of other platforms; the key is there where they are.
    package let platforms: [PlatformReport]?

    private enum CodingKeys: CodingKey {
        case preset, name, language, packageManager, kind, root, install, build, output, start, runtimeVersion, derived, evidence,
            candidates
        case apps, platforms
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(preset, forKey: .preset)
        try container.encode(name, forKey: .name)
        try container.encode(language, forKey: .language)
        try container.encode(packageManager, forKey: .packageManager)
        try container.encode(kind, forKey: .kind)
        try container.encode(root, forKey: .root)
        try container.encode(install, forKey: .install)
        try container.encode(build, forKey: .build)
        try container.encode(output, forKey: .output)
        try container.encode(start, forKey: .start)
        try container.encode(runtimeVersion, forKey: .runtimeVersion)
        try container.encode(derived, forKey: .derived)
        try container.encode(evidence, forKey: .evidence)
        try container.encode(candidates, forKey: .candidates)
        try container.encode(apps, forKey: .apps)
        try container.encodeIfPresent(platforms, forKey: .platforms)
    }
}

extension Detection {
    package var report: DetectionReport { report(apps: []) }

    func report(apps: [AppReport]) -> DetectionReport {
        let runtime = preset.toolchains.first.flatMap { values["runtime.\($0)"] }
        // A server that builds nothing writes nothing.
        let output = kind == .container && values["build"] == nil ? nil : values["output"]
        let silent: Set<String> = kind == .static ? ["start"] : output == nil ? ["output"] : []
        var derived = values.filter { !$0.key.hasPrefix("runtime.") && !silent.contains($0.key) }
        if let runtime { derived["runtimeVersion"] = runtime }
        return DetectionReport(
            preset: preset.id, name: preset.name, language: preset.language, packageManager: packageManager?.id,
            kind: kind == .static ? .static : kind == .image ? .image : .server, root: root.display, install: values["install"]?.text,
            build: values["build"]?.text, output: output?.text, start: kind == .static ? nil : values["start"]?.text,
            runtimeVersion: runtime?.text, derived: derived.mapValues { .init(source: $0.source, rule: $0.rule) }, evidence: evidence,
            candidates: candidates, apps: apps, platforms: platforms.isEmpty ? nil : platforms)
    }
}

extension DetectionReport {
    /// Of a workspace's root that is no app: how everything is installed, and by whom. `remains` is what its own files say.
    init(
        workspace remains: DetectionReport?, install: String?, language: String?, packageManager: String?, root: RelativePath,
        apps: [AppReport], platforms: [PlatformReport]?
    ) {
        let kept = ["install", "build"]
        self.init(
            preset: nil, name: nil, language: language ?? remains?.language, packageManager: packageManager ?? remains?.packageManager,
            kind: nil, root: root.display, install: remains?.install ?? install, build: remains?.build, output: nil, start: nil,
            runtimeVersion: remains?.runtimeVersion,
            derived: (remains?.derived ?? [:]).filter { kept.contains($0.key) || $0.key == "runtimeVersion" },
            evidence: remains?.evidence ?? [], candidates: [], apps: apps, platforms: platforms)
    }
}

/// Every preset asked, for `--explain`.
package struct Explanation: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let preset: String
        package let name: String
        package let group: Preset.Group
        package let outcome: MatchOutcome
    }

    /// In the order of rank: group, order, id.
    package let entries: [Entry]
    /// The `framework` of `crowdforge.toml`, which settles it.
    package let forced: String?
    package let winner: String?
    /// Why the winner won, or why there is none.
    package let reason: String
    /// Of the presets that failed, the one that came closest.
    package let nearestMiss: Entry?
    /// What the winner took of files of other platforms.
    package let platforms: [PlatformReport]
}
