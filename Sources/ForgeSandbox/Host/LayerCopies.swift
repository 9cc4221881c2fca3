internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// Layers for one range of ids, where no mount can be id-mapped: copies whose files belong to the range's `build`. A layer's name is its
/// content, so a copy is good as long as it lies there; each range keeps those it used last.
struct LayerCopies: Sendable {
    /// How many a range keeps.
    private static let most = 32

    private let folder: String
    private let owner: UInt32

    /// Call while the range is held: nobody else looks at its copies then.
    init(_ directory: String, _ range: IDRange) {
        folder = "\(directory)/copies/\(range.base)"
        owner = range.base + SandboxWorld.userID
    }

    /// The ranges that have copies below `directory`.
    static func ranges(in directory: String) -> [UInt32] {
        ((try? Files.list("\(directory)/copies")) ?? []).compactMap(UInt32.init).sorted()
    }

    /// Where the copies are, in the order of `layers`. The host's own users cannot get there, and the step only by its mounts.
    func copies(of layers: [String]) async throws -> [String] {
        try await BlockingPool.run {
            try Files.makeDirectory(folder, mode: 0o700)
            let copies = try layers.map(copy)
            try forget(keeping: Set(copies))
            return copies
        }
    }

    private func copy(of layer: String) throws -> String {
        // A layer that was damaged is made anew, as another folder.
        let name = "\(layer)\n\(FileSignature.of(layer)?.inode ?? 0)"
        let path = "\(folder)/\(Digest(of: Array(name.utf8)).hex.prefix(32))"
        if Files.isDirectory(path) {
            // Used now.
            _ = utimensat(AT_FDCWD, path, nil, 0)
            return path
        }
        let unfinished = path + ".new"
        try Files.removeTree(unfinished)
        try TreeCopy.lay(layer, over: unfinished, owner: owner)
        guard rename(unfinished, path) == 0 else { throw SystemError.last("rename", path) }
        _ = utimensat(AT_FDCWD, path, nil, 0)
        return path
    }

    private func forget(keeping used: Set<String>) throws {
        let all = try Files.list(folder).map { "\(folder)/\($0)" }
        guard all.count > Self.most else { return }
        let oldest = all.filter { !used.contains($0) }.sorted {
            (FileSignature.of($0)?.modified ?? 0) < (FileSignature.of($1)?.modified ?? 0)
        }
        for path in oldest.prefix(all.count - Self.most) { try Files.removeTree(path) }
    }
}
