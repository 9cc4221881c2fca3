/// All that decides what a step's execution yields. Equal actions are executed once.
///
/// Encoded as the Remote Execution API's `Command` and `Action` messages, whose digest is the cache key.
package struct Action: Hashable, Sendable, Codable {
    /// Raised when equal inputs may now give other outputs (part of every key).
    package static let keyVersion = 1

    /// argv; the first element is looked up in `PATH` of `environment`.
    package let command: [String]
    package let environment: [String: String]
    /// Where the command runs, below the input root.
    package let workingDirectory: RelativePath
    /// Merkle root of everything the step sees.
    package let inputRoot: Digest
    /// What is collected, relative to `workingDirectory`.
    package let outputPaths: [RelativePath]
    /// Paths or globs below the input root that are collected besides, where something was written there. Nil: none.
    package var amends: [String]?
    /// Toolchain identities, platform, network class: `toolchain.node` → `sha256:…`.
    package let platform: [String: String]

    /// Where the tree of its outputs begins, below the input root: with what it amends, at that root itself.
    package var outputFolder: RelativePath { amends == nil ? workingDirectory : .root }

    package init(
        command: [String], environment: [String: String], workingDirectory: RelativePath, inputRoot: Digest,
        outputPaths: [RelativePath], platform: [String: String]
    ) {
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.inputRoot = inputRoot
        self.outputPaths = outputPaths
        self.platform = platform
    }
}

/// What a successful execution of an action left behind. Failed executions are never recorded.
package struct ActionResult: Hashable, Sendable, Codable {
    /// Merkle root of a tree that holds the declared outputs at their paths (below the action's `outputFolder`), and nothing else.
    package let outputs: Digest
    /// Standard output and error, interleaved as written.
    package let log: Digest
    /// Wall-clock milliseconds of the execution.
    package let durationMs: Int
    /// Writes outside the declared outputs; they were dropped.
    package let undeclaredWrites: [String]
    /// What the execution reached through the egress proxy, or tried to.
    package let egress: [EgressRecord]
    /// The files of packages it got from registries, in order; nil in results that were recorded before they told.
    package let packages: [PackageRecord]?

    package init(
        outputs: Digest, log: Digest, durationMs: Int, undeclaredWrites: [String], egress: [EgressRecord] = [],
        packages: [PackageRecord]? = nil
    ) {
        self.outputs = outputs
        self.log = log
        self.durationMs = durationMs
        self.undeclaredWrites = undeclaredWrites
        self.egress = egress
        self.packages = packages
    }
}
