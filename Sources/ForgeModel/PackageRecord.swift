/// One file of a package that a step was given by a registry. Belongs to the build record, never to an artifact.
package struct PackageRecord: Hashable, Sendable, Codable {
    package enum Origin: String, Sendable, Codable {
        /// Downloaded while the step ran.
        case registry
        /// Stored when an earlier step downloaded it.
        case store
    }

    package let registry: EgressOrigin
    /// What the step asked the registry for.
    package let path: String
    /// As the file's place tells them.
    package let name: String?
    package let version: String?
    /// SHA-256 and size of the bytes as the step got them.
    package let digest: Digest
    package let from: Origin
    /// Whether a lockfile, or the registry's own document, named a hash that the bytes were found to have.
    package let isVerified: Bool

    package init(
        registry: EgressOrigin, path: String, name: String?, version: String?, digest: Digest, from: Origin, isVerified: Bool
    ) {
        self.registry = registry
        self.path = path
        self.name = name
        self.version = version
        self.digest = digest
        self.from = from
        self.isVerified = isVerified
    }
}

extension PackageRecord: Comparable {
    package static func < (left: PackageRecord, right: PackageRecord) -> Bool {
        (left.name ?? "", left.version ?? "", left.registry, left.path) < (
            right.name ?? "", right.version ?? "", right.registry, right.path
        )
    }
}
