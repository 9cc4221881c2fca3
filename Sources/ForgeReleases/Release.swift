package import ForgeModel

/// One attempt to bring an artifact to a place, and what became of it.
package struct Release: Hashable, Sendable {
    package enum Status: String, Sendable, Codable, CaseIterable {
        /// Its deploy has not ended.
        case pending
        /// It answers; at most one a place.
        case active
        /// A later deploy took its place.
        case superseded
        case failed
        /// A rollback took its place.
        case rolledBack
    }

    /// Sorts by time of creation.
    package let id: String
    package let place: ReleasePlace
    package let artifact: Digest
    /// The target's name.
    package let target: String
    package let status: Status
    /// Where a target outside this machine said it answers; nil when this machine's gateway does.
    package let externalURL: String?
    /// Milliseconds since 1970.
    package let createdAt: Int64
    /// The release it replaced.
    package let previous: String?
    /// The older release it brought back; nil unless a rollback made it.
    package let origin: String?
    /// Why it failed.
    package let failure: String?
    /// The commit it was built from; nil when that is not known.
    package let commit: String?
    /// The variables its server runs with, sealed for this release; nil when there are none.
    package let variables: String?
    /// Equal for releases with equal variables.
    package let variablesTag: String
}

/// What a command prints about a release.
package struct ReleaseReport: Hashable, Sendable {
    package let release: String
    package let artifact: Digest
    /// Where it answers, or answered while it was active; nil when it never did.
    package let url: String?
    package let status: Release.Status
    package let project: ProjectSlug
    package let environment: DeployEnvironment
    package let preview: Int?
    package let target: String
    /// Milliseconds since 1970.
    package let createdAt: Int64
    package let previous: String?
    /// Why it failed.
    package let failure: String?
    package let commit: String?
    /// What its coming online was like for the requests; nil until it did, and where no gateway ran then.
    package let swap: SwapRecord?
    /// The deploy found the artifact in place and did nothing.
    package let alreadyActive: Bool

    init(_ release: Release, gatewayPort: Int, swap: SwapRecord? = nil, alreadyActive: Bool = false) {
        self.release = release.id
        artifact = release.artifact
        let answered = release.status != .pending && release.status != .failed
        url = answered ? release.externalURL ?? GatewayURL.text(host: release.place.host, port: gatewayPort) : nil
        status = release.status
        project = release.place.project
        environment = release.place.environment
        preview = release.place.preview
        target = release.target
        createdAt = release.createdAt
        previous = release.previous
        failure = release.failure
        commit = release.commit
        self.swap = swap
        self.alreadyActive = alreadyActive
    }
}

/// Keys of the command-line contract; absent values are null.
extension ReleaseReport: Encodable {
    private enum Keys: String, CodingKey {
        case release, artifact, url, status, project, environment, preview, target, createdAt, previous, failure, commit, swap,
            alreadyActive
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(release, forKey: .release)
        try container.encode(artifact.description, forKey: .artifact)
        try container.encode(url, forKey: .url)
        try container.encode(status, forKey: .status)
        try container.encode(project, forKey: .project)
        try container.encode(environment, forKey: .environment)
        try container.encode(preview, forKey: .preview)
        try container.encode(target, forKey: .target)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(previous, forKey: .previous)
        try container.encode(failure, forKey: .failure)
        try container.encode(commit, forKey: .commit)
        try container.encode(swap, forKey: .swap)
        try container.encode(alreadyActive, forKey: .alreadyActive)
    }
}

/// Addresses on this machine's gateway.
enum GatewayURL {
    static func text(host: String, port: Int) -> String { port == 80 ? "http://\(host)/" : "http://\(host):\(port)/" }
}

/// Names of releases: 16 characters that sort by time and are easy to read out.
enum ReleaseID {
    /// Crockford's alphabet, lower case: no i, l, o, u.
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz")

    static func make(now: Int64) -> String {
        var text = ""
        var time = now
        for _ in 0..<9 {
            text = String(digits[Int(time & 31)]) + text
            time >>= 5
        }
        for _ in 0..<7 { text.append(digits[Int.random(in: 0..<32)]) }
        return text
    }
}
