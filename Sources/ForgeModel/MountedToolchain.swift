/// A toolchain of the store that steps and servers see at a place of its own.
package struct MountedToolchain: Hashable, Sendable, Codable {
    /// Merkle root of its files.
    package let tree: Digest
    /// Where it is mounted, absolute: `/opt/forge/node`.
    package let path: String
    /// Folders of programs that come before the machine's own.
    package let searchPath: [String]

    package init(tree: Digest, path: String, searchPath: [String]) {
        self.tree = tree
        self.path = path
        self.searchPath = searchPath
    }
}

extension [MountedToolchain] {
    /// `usual` with all their programs before it.
    package func searchPath(before usual: String) -> String {
        (flatMap(\.searchPath) + usual.split(separator: ":").map(String.init)).joined(separator: ":")
    }
}
