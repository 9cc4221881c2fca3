package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// A folder of this machine, looked at name by name: nothing is listed that nobody asks for. Only for a look around; what is built
/// is a `WorkTree`. A link at the end of a path is shown as one, not followed.
package struct LooseFolder: SourceTree {
    let path: String

    /// A relative path is one from the working directory.
    package init(path: String) { self.path = path }

    private func full(_ path: RelativePath) -> String { path.isRoot ? self.path : "\(self.path)/\(path.string)" }

    package func node(at path: RelativePath) throws -> SourceNode? {
        guard let status = try FileStatus.of(full(path)) else { return nil }
        switch status.kind {
        case .file: return .file(executable: status.isExecutable, size: status.size)
        case .directory: return .directory
        case .symlink: return try .symlink(target: target(of: full(path)))
        default: return nil
        }
    }

    package func entries(of path: RelativePath) throws -> [SourceEntry] {
        guard try node(at: path) == .directory else { return [] }
        let names = try Files.list(full(path)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return try names.compactMap { name in
            try node(at: path.appending(component: name)).map { SourceEntry(name: name, node: $0) }
        }
    }

    package func read(_ path: RelativePath, limit: Int) throws -> [UInt8]? {
        guard case .file? = try node(at: path) else { return nil }
        return try Descriptor.open(full(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).readAll(limit: limit)
    }

    private func target(of link: String) throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count)
        guard count >= 0 else { throw SystemError.last("readlink", link) }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
