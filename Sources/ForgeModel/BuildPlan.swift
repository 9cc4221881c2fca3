/// What a build will do, before anything runs: pure, saved as JSON, with a digest of its own.
package struct BuildPlan: Hashable, Sendable, Codable {
    package static let formatVersion = 1

    package let version: Int
    /// Preset that won detection.
    package let preset: PresetReference
    /// The app's folder below the source root, or that of the workspace it belongs to; steps run in it unless they say where.
    package let root: RelativePath
    package let steps: [Step]
    package let artifact: ArtifactSpec
    /// Names of the toolchains any step uses, with the version asked for (a requirement as written in the project).
    package let toolchains: [String: String]
    package let warnings: [Diagnostic]
    /// What the steps run in; nil: the machine's own /usr.
    package let system: SystemSpec?
    /// Of the versions that the project asks for: where it does; nil: nowhere.
    package var toolchainOrigins: [String: ToolchainOrigin]?

    package init(
        preset: PresetReference, root: RelativePath, steps: [Step], artifact: ArtifactSpec, toolchains: [String: String],
        warnings: [Diagnostic], system: SystemSpec? = nil
    ) {
        self.system = system
        self.version = BuildPlan.formatVersion
        self.preset = preset
        self.root = root
        self.steps = steps
        self.artifact = artifact
        self.toolchains = toolchains
        self.warnings = warnings
    }
}

extension BuildPlan {
    /// Paths or globs below the plan's root as they are below the source's.
    package func belowSource(_ patterns: [String]) -> [String] { patterns.map { root.isRoot ? $0 : "\(root.string)/\($0)" } }
}

/// Where the version of a toolchain is asked for.
package struct ToolchainOrigin: Hashable, Sendable, Codable {
    /// Below the source's root.
    package let file: String
    /// What was read there: `version file`, `pointer /engines/node`.
    package let rule: String

    package init(file: String, rule: String) {
        self.file = file
        self.rule = rule
    }
}

package struct PresetReference: Hashable, Sendable, Codable {
    package let id: String
    package let name: String
    /// Of the preset's file as read.
    package let digest: Digest

    package init(id: String, name: String, digest: Digest) {
        self.id = id
        self.name = name
        self.digest = digest
    }
}

/// One node of the build's DAG. What changes the result stands here; what only changes the screen stands in `title`.
package struct Step: Hashable, Sendable, Codable {
    package enum Network: String, Sendable, Codable { case none, registries }

    /// What an install step has to do with: whose registries it reaches, and which file fixes what it installs.
    package struct Registries: Hashable, Sendable, Codable {
        /// Id of the package manager; its configuration on the building machine names the registries.
        package let manager: String
        /// What the project's own configuration of the manager names besides.
        package let origins: [EgressOrigin]
        /// Variables of the machine's configuration that the project's own takes the place of.
        package let replaces: [String]
        /// Below the app's root; when it changes, that is why the step runs again.
        package let lockfile: RelativePath?
        /// Files below the app's root of which the manager leaves one when it is through: its exit status alone is not believed.
        /// Empty: it leaves none.
        package let witnesses: [RelativePath]
        /// Programs among the source that the manager links, and makes executable while it does: no surprise. Nil: none.
        package var programs: [RelativePath]?

        package init(
            manager: String, origins: [EgressOrigin], replaces: [String] = [], lockfile: RelativePath?, witnesses: [RelativePath] = []
        ) {
            self.manager = manager
            self.origins = origins
            self.replaces = replaces
            self.lockfile = lockfile
            self.witnesses = witnesses
        }
    }

    package let id: String
    package let title: String
    /// Where the command runs, below the plan's root; nil: at the root itself. Outputs and caches lie within.
    package let directory: RelativePath?
    package let needs: [String]
    /// argv; a shell line is `["/bin/sh", "-euc", line]`, made by the planner only where a preset or the project asks for a shell.
    package let command: [String]
    package var environment: [String: String]
    /// Paths or globs (`*`, `**`, `?`) below the plan's root that the step sees of the source; empty: the whole source tree.
    /// Declared outputs of any step are never part of the source a step sees.
    package let inputs: [String]
    /// What of that the step does not see: folders below the plan's root, those of apps it has nothing to do with. Nil: none.
    package let excludes: [RelativePath]?
    /// Paths below the plan's root; disjoint between steps.
    package let outputs: [RelativePath]
    /// Paths or globs below the plan's root, among the outputs of steps it needs: what it writes there is kept besides. Nil: nothing.
    package var amends: [String]?
    /// Tool caches kept between builds; never part of the key.
    package let caches: [RelativePath]
    /// Globs below the plan's root of what it leaves and nobody needs: dropped without a word, unlike other writes that are not
    /// declared. Never part of the key. Nil: nothing.
    package var scratch: [String]?
    package let network: Network
    /// For a step that reaches registries through a package manager Forge knows.
    package let registries: Registries?
    /// Variables of the place whose names begin so are given to the step besides: the framework makes them public.
    package let publicVariables: [String]
    /// Confidential variables whose values may stand in the outputs: the project says that everybody may know them. Nil: none.
    package var publishes: [String]?
    package var limits: Limits

    package init(
        id: String, title: String, directory: RelativePath? = nil, needs: [String], command: [String], environment: [String: String],
        inputs: [String], excludes: [RelativePath]? = nil, outputs: [RelativePath], caches: [RelativePath], network: Network,
        registries: Registries? = nil, publicVariables: [String] = [], limits: Limits
    ) {
        self.id = id
        self.title = title
        self.directory = directory
        self.needs = needs
        self.command = command
        self.environment = environment
        self.inputs = inputs
        self.excludes = excludes
        self.outputs = outputs
        self.caches = caches
        self.network = network
        self.registries = registries
        self.publicVariables = publicVariables
        self.limits = limits
    }

    /// A path of this step as its command sees it: below the folder it runs in.
    package func local(_ path: RelativePath) -> RelativePath { directory.flatMap { path.relative(to: $0) } ?? path }

    /// What one execution may use at most. Never part of a key.
    package struct Limits: Hashable, Sendable, Codable {
        package var timeoutSeconds: Int
        package var memoryBytes: Int64
        package var processes: Int
        /// Cores; 0 = all of them.
        package var cpus: Double
        package var diskBytes: Int64
        package var logBytes: Int64
        /// Files and folders on the step's disk; nil: `standardInodes`.
        package var inodes: Int?
        /// Open at once in one process; nil: `standardOpenFiles`.
        package var openFiles: Int?
        /// Of one line of the log; the rest of it is cut off. Nil: `standardLogLineBytes`.
        package var logLineBytes: Int?

        package static let standardInodes = 1 << 20
        package static let standardOpenFiles = 65536
        package static let standardLogLineBytes = 64 << 10

        package static let standard = Limits(
            timeoutSeconds: 300, memoryBytes: 4 << 30, processes: 2048, cpus: 0, diskBytes: 8 << 30, logBytes: 64 << 20)

        package init(timeoutSeconds: Int, memoryBytes: Int64, processes: Int, cpus: Double, diskBytes: Int64, logBytes: Int64) {
            self.timeoutSeconds = timeoutSeconds
            self.memoryBytes = memoryBytes
            self.processes = processes
            self.cpus = cpus
            self.diskBytes = diskBytes
            self.logBytes = logBytes
        }
    }
}

/// How the artifact is made once the steps are done.
package struct ArtifactSpec: Hashable, Sendable, Codable {
    package let kind: Artifact.Kind
    /// Static: the folder whose content is served, below the plan's root (`.`: the source itself). Container: paths that go in besides the source.
    package let output: RelativePath
    /// For a container of a workspace: folders below the plan's root that have nothing to do with the app and stay out. Nil: none.
    package let excludes: [RelativePath]?
    package let launch: Launch?
    package let routes: [Route]
    /// For `image`: the Dockerfile.
    package let dockerfile: RelativePath?
    /// Steps whose outputs serve the build alone and stay out of the artifact: another step makes what takes their place.
    package let leavesOut: [String]
    /// Paths or globs below the plan's root: what steps write there that stay out of the artifact, or amend what others made, goes into it
    /// all the same and over everything else. Nil: nothing.
    package var keeps: [String]?
    /// Toolchains the artifact needs where it runs; empty for static files.
    package let runtimes: [String]
    /// Of a site: the page below `output` that answers where there is none. Nil: none.
    package var fallback: RelativePath?
    /// Of a site: what the project says of redirects and headers. Nil: nothing.
    package var site: SiteRules?
    /// The same of another platform's file: goes after what the build writes to `_redirects` and `_headers`. Nil: nothing.
    package var movedInSite: SiteRules?

    package init(
        kind: Artifact.Kind, output: RelativePath, excludes: [RelativePath]? = nil, launch: Launch?, routes: [Route],
        dockerfile: RelativePath? = nil, leavesOut: [String] = [], runtimes: [String] = []
    ) {
        self.kind = kind
        self.output = output
        self.excludes = excludes
        self.launch = launch
        self.routes = routes
        self.dockerfile = dockerfile
        self.leavesOut = leavesOut
        self.runtimes = runtimes
    }
}
