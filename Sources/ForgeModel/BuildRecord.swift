/// How an artifact came to be. Names the artifact, is never hashed into it.
package struct BuildRecord: Hashable, Sendable, Codable {
    /// What a step found in one of its tool caches.
    package struct CacheUse: Hashable, Sendable, Codable {
        package let path: RelativePath
        package let root: Digest
        /// Whether it was kept for the same lockfile; else it is the newest for another.
        package let isExact: Bool
        /// Whether an untrusted source was given what trusted ones had left.
        package let isTrusted: Bool

        package init(path: RelativePath, root: Digest, isExact: Bool, isTrusted: Bool) {
            self.path = path
            self.root = root
            self.isExact = isExact
            self.isTrusted = isTrusted
        }
    }

    package struct StepRecord: Hashable, Sendable, Codable {
        package let id: String
        package let action: Digest
        package let outcome: StepOutcome
        package let reason: String?
        package let durationMs: Int
        package let result: ActionResult?
        /// Empty where nothing was there, or the step was not executed; nil in records that were made before they told.
        package let caches: [CacheUse]?

        package init(
            id: String, action: Digest, outcome: StepOutcome, reason: String?, durationMs: Int, result: ActionResult?,
            caches: [CacheUse] = []
        ) {
            self.caches = caches
            self.id = id
            self.action = action
            self.outcome = outcome
            self.reason = reason
            self.durationMs = durationMs
            self.result = result
        }
    }

    package struct Source: Hashable, Sendable, Codable {
        /// As the user gave it, without credentials.
        package let location: String
        package let commit: String?
        package let root: Digest
        /// Which of several apps was built.
        package let app: String?

        package init(location: String, commit: String?, root: Digest, app: String? = nil) {
            self.location = location
            self.commit = commit
            self.root = root
            self.app = app
        }
    }

    /// What a build read of the place it was made for: elsewhere it may have come out differently.
    package struct Binding: Hashable, Sendable, Codable {
        package struct Read: Hashable, Sendable, Codable {
            package let name: String
            /// Of the value, made with this machine's key; nil when the variable was not set.
            package let tag: String?

            package init(name: String, tag: String?) {
                self.name = name
                self.tag = tag
            }
        }

        package let project: String?
        package let environment: DeployEnvironment?
        package let preview: Int?
        package let reads: [Read]
        /// All variables whose names begin so were given to a step; those that were set are among `reads`.
        package let prefixes: [String]

        package init(project: String?, environment: DeployEnvironment?, preview: Int?, reads: [Read], prefixes: [String]) {
            self.project = project
            self.environment = environment
            self.preview = preview
            self.reads = reads
            self.prefixes = prefixes
        }
    }

    /// What the steps ran in, or would have.
    package struct System: Hashable, Sendable, Codable {
        /// `debian 12` for the machine's own /usr, else the image as the project names it.
        package let name: String
        /// Of the image, or of the machine's list of installed packages, where there is one.
        package let digest: String?
        /// What was laid over it; nil for nothing.
        package let packages: [SystemPackage]?

        package init(name: String, digest: String?, packages: [SystemPackage]? = nil) {
            self.name = name
            self.digest = digest
            self.packages = packages
        }
    }

    package let artifact: Digest
    package let source: Source
    package let plan: Digest
    package let preset: PresetReference
    package let steps: [StepRecord]
    /// Toolchain name → what was used (`node 20.20.2 sha256:…`).
    package let toolchains: [String: String]
    package let sandbox: String
    package let warnings: [Diagnostic]
    /// Nil in records that were made before they told.
    package let system: System?
    /// Nil in records that were made before builds had one.
    package let binding: Binding?
    /// Seconds since 1970.
    package let finishedAt: Int64
    package let forgeVersion: String

    package init(
        artifact: Digest, source: Source, plan: Digest, preset: PresetReference, steps: [StepRecord], toolchains: [String: String],
        sandbox: String, warnings: [Diagnostic], binding: Binding? = nil, finishedAt: Int64, forgeVersion: String,
        system: System? = nil
    ) {
        self.system = system
        self.artifact = artifact
        self.source = source
        self.plan = plan
        self.preset = preset
        self.steps = steps
        self.toolchains = toolchains
        self.sandbox = sandbox
        self.warnings = warnings
        self.binding = binding
        self.finishedAt = finishedAt
        self.forgeVersion = forgeVersion
    }
}

extension BuildRecord {
    /// Whether both tell of the same build but for its moment, and for which steps it had to execute.
    package func tellsTheSame(as other: BuildRecord) -> Bool {
        artifact == other.artifact && source == other.source && plan == other.plan && preset == other.preset
            && toolchains == other.toolchains && warnings == other.warnings && binding == other.binding
            && forgeVersion == other.forgeVersion && steps.map(\.id) == other.steps.map(\.id)
            && steps.map(\.action) == other.steps.map(\.action) && steps.map(\.result) == other.steps.map(\.result)
    }
}

package enum StepOutcome: String, Sendable, Codable { case cached, executed, failed }
