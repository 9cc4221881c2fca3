internal import ForgeEvents
package import ForgeModel

/// How large an artifact may be at most: the operator's word, as on what a step may use.
package struct ArtifactLimits: Hashable, Sendable {
    package var bytes: Int64
    package var files: Int

    package static let standard = ArtifactLimits(bytes: 8 << 30, files: 1_000_000)

    /// - Throws: `ForgeError`, `limit.artifact-size` or `limit.artifact-files`.
    package func check(_ artifact: Artifact) throws {
        let hint = "leave out what the app does not need, or raise `[limits]` in Forge's config.toml"
        if artifact.fileCount > files {
            throw ForgeError(
                .build, "limit.artifact-files", "the artifact holds \(Count(artifact.fileCount, "file")), more than its \(files)",
                hint: hint)
        }
        if artifact.sizeBytes > bytes {
            throw ForgeError(
                .build, "limit.artifact-size", "the artifact takes \(Bytes(artifact.sizeBytes)), more than its \(Bytes(bytes))", hint: hint)
        }
    }
}
