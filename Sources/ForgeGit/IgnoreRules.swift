internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The ignore files that apply to some folder.
struct IgnoreRules: Sendable {
    private struct File: Sendable {
        /// Length of the path of its folder, with the slash after it.
        let prefix: Int
        let patterns: [IgnorePattern]
    }

    /// More than git's largest sensible file, less than a trap.
    private static let maximumSize = 4 << 20

    /// Weakest first: `info/exclude`, then from the root down.
    private var files: [File] = []

    /// Adds what a file says; `folder` is the one it stands in, as a path below the work tree's root.
    mutating func add(_ bytes: [UInt8], in folder: RelativePath) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        let patterns = text.split(separator: UInt8(ascii: "\n")).compactMap { IgnorePattern(line: $0) }
        guard !patterns.isEmpty else { return }
        files.append(File(prefix: folder.isRoot ? 0 : folder.string.utf8.count + 1, patterns: patterns))
    }

    /// Adds the `.gitignore` of a folder, when it has one. A link in its place says nothing, as with git.
    /// - Throws: `SystemError` when it cannot be read.
    mutating func addFile(in directory: Descriptor, at folder: RelativePath) throws {
        do {
            let file = try directory.openBeneath(".gitignore", O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            guard try file.status().kind == .file else { return }
            add(try file.readAll(limit: IgnoreRules.maximumSize), in: folder)
        } catch let error as SystemError where error.isNotFound || error.errno == ELOOP {}
    }

    /// Whether the last word on `name` in `folder` is to leave it out. That a folder above is left out is the caller's to know.
    func ignores(_ name: [UInt8], in folder: RelativePath, isDirectory: Bool) -> Bool {
        guard !files.isEmpty else { return false }
        let path = (folder.isRoot ? [] : Array(folder.string.utf8) + [UInt8(ascii: "/")]) + name
        for file in files.reversed() {
            let last = file.patterns.last { $0.matches(path: path[file.prefix...], name: name[...], isDirectory: isDirectory) }
            if let last { return !last.isNegative }
        }
        return false
    }
}
