/// What a build yields: a tree and how to launch it. Its identity is the digest of this manifest's canonical JSON
/// (sorted keys, no white space); preset, commit and steps live in the `BuildRecord`, which is never hashed into it.
package struct ArtifactManifest: Hashable, Sendable, Codable {
    package let kind: Artifact.Kind
    /// Nil when the files run anywhere (static).
    package let platform: Platform?
    /// Merkle root of the files.
    package let root: Digest
    package let launch: Launch?
    /// Interpreters that must be there to launch it, by name; empty for what runs by itself.
    package let runtimes: [Runtime]
    package let routes: [Route]
    /// What its files run in; nil for the machine's own /usr.
    package let system: ArtifactSystem?
    /// Of a site: the file that answers every path without one. Nil: none.
    package var fallback: RelativePath?
    /// Of a site: what it answers besides its files. Nil: nothing.
    package var site: SiteRules?

    package init(
        kind: Artifact.Kind, platform: Platform?, root: Digest, launch: Launch?, runtimes: [Runtime] = [], routes: [Route],
        system: ArtifactSystem? = nil
    ) {
        self.system = system
        self.kind = kind
        self.platform = platform
        self.root = root
        self.launch = launch
        self.runtimes = runtimes
        self.routes = routes
    }
}

/// A stored artifact: its manifest and the digest that names it.
package struct Artifact: Hashable, Sendable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable { case `static`, container, function, image }

    package let digest: Digest
    package let manifest: ArtifactManifest
    /// Sum of the sizes of its files.
    package let sizeBytes: Int64
    package let fileCount: Int

    package init(digest: Digest, manifest: ArtifactManifest, sizeBytes: Int64, fileCount: Int) {
        self.digest = digest
        self.manifest = manifest
        self.sizeBytes = sizeBytes
        self.fileCount = fileCount
    }
}

/// An interpreter that an artifact does not carry with it.
package struct Runtime: Hashable, Sendable, Codable {
    /// Toolchain id: `node`, `python`.
    package let name: String
    /// What the artifact was built with (`3.11.2`); extension modules bind it to this minor version.
    package let version: String
    /// Where the artifact expects it.
    package let executable: String
    /// Where it lies in the store; nil for one of the machine's own /usr.
    package let toolchain: MountedToolchain?

    package init(name: String, version: String, executable: String, toolchain: MountedToolchain? = nil) {
        self.toolchain = toolchain
        self.name = name
        self.version = version
        self.executable = executable
    }
}

/// How a server artifact is started.
package struct Launch: Hashable, Sendable, Codable {
    package let command: [String]
    /// Default of `PORT` when the platform sets none.
    package let port: Int
    package let healthPath: String?
    /// What the project and its preset set for the running server, literally: `$CROWDFORGE_…` is filled in at each start, so that
    /// the artifact is bound to no place.
    package let environment: [String: String]
    /// Where it is started, below the artifact's root; nil: at the root itself.
    package let directory: RelativePath?
    /// Folders below the artifact's root that it may write to; each start finds them as they were built, or empty. The root is everything, nil nothing.
    package var writable: [RelativePath]?

    package init(
        command: [String], port: Int, healthPath: String?, environment: [String: String] = [:], directory: RelativePath? = nil
    ) {
        self.command = command
        self.port = port
        self.healthPath = healthPath
        self.environment = environment
        self.directory = directory
    }

    /// Artifacts that were made before servers had an environment have none.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            command: try container.decode([String].self, forKey: .command), port: try container.decode(Int.self, forKey: .port),
            healthPath: try container.decodeIfPresent(String.self, forKey: .healthPath),
            environment: try container.decodeIfPresent([String: String].self, forKey: .environment) ?? [:],
            directory: try container.decodeIfPresent(RelativePath.self, forKey: .directory))
        writable = try container.decodeIfPresent([RelativePath].self, forKey: .writable)
    }
}

/// A routing rule of `crowdforge.toml` `[routes]`; the first match in file order wins.
package struct Route: Hashable, Sendable, Codable {
    package let pattern: String
    package let kind: Artifact.Kind

    package init(pattern: String, kind: Artifact.Kind) {
        self.pattern = pattern
        self.kind = kind
    }
}

extension ArtifactManifest {
    /// Merkle roots of all that it takes to run it.
    package var trees: [Digest] { [root] + (system.map { [$0.root] } ?? []) + toolchains.map(\.tree) }
    /// Toolchains of the store that it takes to run it.
    package var toolchains: [MountedToolchain] { runtimes.compactMap(\.toolchain) }
}
