/// What an archive that somebody else made may hold, and how much of it.
package struct ArchiveRules: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A package or toolchain: files, folders, and links that stay inside. What else there is, what is there twice, and names that
        /// some file systems take for one, are refused.
        case package
        /// A layer of an OCI image (image-spec 1.1, "Image Layer Filesystem Changeset"): links may lead anywhere, the last of two
        /// entries counts, devices and the like are left out, whiteouts are reported.
        case imageLayer
    }

    package var kind: Kind
    /// Leading names to take off each path; entries that have no more than these are left out.
    package var strippedComponents = 0
    /// Of all files together, unpacked.
    package var maximumBytes: Int64 = 8 << 30
    package var maximumEntries = 500_000
    /// Names in a path.
    package var maximumDepth = 128
    /// Unpacked bytes for each packed one, once there are more than `ratioFloor`; text compresses to a twentieth, zeros to a thousandth.
    package var maximumRatio: Int64 = 200
    package var ratioFloor: Int64 = 64 << 20
    package var timeLimit: Duration = .seconds(600)

    package init(_ kind: Kind) { self.kind = kind }

    package static let package = ArchiveRules(.package)
    package static let imageLayer = ArchiveRules(.imageLayer)
}
