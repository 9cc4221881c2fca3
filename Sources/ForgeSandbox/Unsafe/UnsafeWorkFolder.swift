internal import ForgeSystem
internal import Glibc

/// A step's private copy of its layers, and afterwards what it changed in it: what an overlay would have kept apart by itself.
struct UnsafeWorkFolder: Sendable {
    /// The run directory.
    let home: String
    /// The id that the step runs with; nil for Forge's own.
    let owner: UInt32?

    /// All that the step may write to.
    var own: String { "\(home)/own" }
    var workspace: String { "\(own)/workspace" }
    var userHome: String { "\(own)/home" }
    var temporary: String { "\(own)/tmp" }
    private var upper: String { "\(home)/upper" }

    typealias Snapshot = [String: FileSignature]

    /// Lays the layers over each other, the first on top. Returns what then stands in the workspace.
    func prepare(_ layers: [String]) throws -> Snapshot {
        try Files.makeDirectory(upper, mode: 0o700)
        for path in [own, workspace, userHome, temporary] {
            try Files.makeDirectory(path, mode: 0o755)
            if let owner, chown(path, owner, owner) != 0 { throw SystemError.last("chown", path) }
        }
        for layer in layers.reversed() { try TreeCopy.lay(layer, over: workspace, owner: owner) }
        var snapshot: Snapshot = [:]
        try note("", into: &snapshot)
        return snapshot
    }

    private func note(_ folder: String, into snapshot: inout Snapshot) throws {
        for name in try Files.list(workspace + folder) {
            let path = "\(folder)/\(name)"
            guard let signature = FileSignature.of(workspace + path) else { continue }
            snapshot[path] = signature
            if signature.isFolder { try note(path, into: &snapshot) }
        }
    }

    /// Moves what is new or changed into a folder of its own. Call once every process of the step is dead.
    func separate(from before: Snapshot) throws -> Descriptor {
        try separate("", before)
        return try Descriptor.open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    private func separate(_ folder: String, _ before: Snapshot) throws {
        // A folder that the step closed to its owner.
        if geteuid() != 0 { _ = chmod(workspace + folder, 0o700) }
        for name in try Files.list(workspace + folder) {
            let path = "\(folder)/\(name)"
            guard let now = FileSignature.of(workspace + path) else { continue }
            if now.isFolder, before[path]?.isFolder == true {
                // Its own times tell nothing of what lies deeper.
                try separate(path, before)
            } else if before[path] != now {
                try Files.makeDirectory(upper + folder, mode: 0o755)
                guard rename(workspace + path, upper + path) == 0 else { throw SystemError.last("rename", workspace + path) }
            }
        }
    }
}
