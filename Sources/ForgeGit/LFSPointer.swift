package import ForgeModel

/// What stands in a commit for a file that git LFS keeps elsewhere. The object's name is the store's own: SHA-256 and size.
///
/// Source: git-lfs, docs/spec.md, "The Pointer", version 1. Pointers with extensions are left as they are: only the program
/// that the extension names could make the file of them.
package struct LFSPointer: Hashable, Sendable {
    private static let head = "version https://git-lfs.github.com/spec/v1\noid sha256:"
    /// The canonical form, with a size of one digit and of sixteen.
    static let sizes: ClosedRange<Int64> = 126...141

    package let digest: Digest

    /// Nil for everything but a pointer in its one canonical form.
    package init?(_ bytes: some Collection<UInt8>) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard Self.sizes.contains(Int64(bytes.count)), text.hasPrefix(Self.head), text.hasSuffix("\n") else { return nil }
        let lines = text.dropFirst(Self.head.count).dropLast().split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 2, lines[1].hasPrefix("size "), let size = Int64(lines[1].dropFirst(5)), lines[1] == "size \(size)",
            let digest = try? Digest(hex: lines[0], sizeBytes: size)
        else { return nil }
        self.digest = digest
    }

    /// All pointers of a tree, by path. Only files of the right size are read. May block.
    package static func all(in tree: any SourceTree) throws -> [RelativePath: LFSPointer] {
        var pointers: [RelativePath: LFSPointer] = [:]
        var folders = [RelativePath.root]
        while let folder = folders.popLast() {
            for entry in try tree.entries(of: folder) {
                switch entry.node {
                case .directory: folders.append(folder.appending(component: entry.name))
                case .file(_, let size) where sizes.contains(size):
                    let path = folder.appending(component: entry.name)
                    pointers[path] = try tree.read(path, limit: Int(sizes.upperBound) + 1).flatMap { LFSPointer($0) }
                default: break
                }
            }
        }
        return pointers
    }
}

/// An object to be brought, and the file that it is wanted for.
package struct LFSObject: Hashable, Sendable, Codable {
    package let path: RelativePath
    package let digest: Digest

    package init(path: RelativePath, digest: Digest) {
        self.path = path
        self.digest = digest
    }
}
