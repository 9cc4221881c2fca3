/// A server to run for one release: all that it takes to start it again, on any day, without the process that deployed it.
package struct AppSpecification: Hashable, Sendable, Codable {
    /// The release it runs for; also its name wherever a running app needs one.
    package let release: String
    /// The project's slug.
    package let project: String
    package let environment: DeployEnvironment
    /// The number of a preview; nil elsewhere.
    package let preview: Int?
    /// Its host name on the gateway.
    package let host: String
    /// The commit it was built from, where one is known.
    package let commit: String?
    package let artifact: Digest
    /// Merkle root of its files.
    package let root: Digest
    package let launch: Launch
    /// The variables its owner gave it, sealed for this release; nil when there are none.
    package let variables: String?
    /// Tells whether two releases got the same variables, and nothing else about them.
    package let variablesTag: String
    /// What its files run in; nil for the machine's own /usr.
    package let system: ArtifactSystem?
    /// Mounted beside its files; nil: none.
    package var toolchains: [MountedToolchain]?

    package init(
        release: String, project: String, environment: DeployEnvironment, preview: Int?, host: String, commit: String?,
        artifact: Digest, root: Digest, launch: Launch, variables: String?, variablesTag: String,
        system: ArtifactSystem? = nil
    ) {
        self.system = system
        self.release = release
        self.project = project
        self.environment = environment
        self.preview = preview
        self.host = host
        self.commit = commit
        self.artifact = artifact
        self.root = root
        self.launch = launch
        self.variables = variables
        self.variablesTag = variablesTag
    }

    /// Whether a process that was started for `other` can answer for this release as well.
    package func isInterchangeable(with other: AppSpecification) -> Bool {
        host == other.host && artifact == other.artifact && launch == other.launch && variablesTag == other.variablesTag
            && commit == other.commit
    }
}
