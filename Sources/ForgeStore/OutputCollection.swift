package import ForgeModel
package import ForgeSystem
internal import Glibc

/// What a step left in its overlay.
package struct CollectedTree: Hashable, Sendable {
    /// Holds the declared outputs at their paths below the working directory, and nothing else.
    package let root: Digest
    /// Files and symbolic links.
    package let files: Int
    package let bytes: Int64
    /// What else was written, as paths below the overlay's root, at most 20: a new folder once (`path/`), a deletion of
    /// something given as `path (deleted)`.
    package let undeclared: [String]
    /// Declared outputs that are not there.
    package let missing: [RelativePath]
}

extension TreeStore {
    /// Stores the declared outputs out of an overlay's upper directory; `paths` are relative to `below`, the step's working
    /// directory. Links are never followed, set-id bits and deletions not carried. Durable on return. The overlay must be
    /// mounted without `redirect_dir` and `metacopy`, and no longer be written to.
    /// - Throws: `output.special-file`, `output.name` (not UTF-8), `store.no-space` …
    package func collect(from directory: Descriptor, paths: [RelativePath], below: RelativePath) async throws -> CollectedTree {
        let walk = try await BlockingPool.run {
            try StoreFailure.reported("the step's files") {
                var walk = OutputWalk(outputs: paths.map { below.appending($0) }, below: below)
                try walk.start(directory)
                return walk
            }
        }
        let root = try await ingest(walk.skeleton) { path, body in
            let file = try directory.openBeneath(path.string, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
            guard try file.status().kind == .file else { throw OutputWalk.specialFile(path, try file.status().kind) }
            try file.forEachChunk(body)
        }
        let summary = try await summary(root)
        return CollectedTree(
            root: root, files: summary.files, bytes: summary.bytes, undeclared: walk.undeclared.sorted { $0.precedes($1) },
            missing: paths.filter { !walk.seen.contains(below.appending($0)) })
    }
}

/// One pass over an overlay's upper directory.
private struct OutputWalk: Sendable {
    static let maximumReported = 20
    /// A step can nest folders deeper than any path can say.
    static let maximumDepth = 256

    private(set) var skeleton = TreeSkeleton()
    private(set) var undeclared: [String] = []
    private(set) var seen: Set<RelativePath> = []
    private let outputs: [RelativePath]
    private let below: RelativePath

    init(outputs: [RelativePath], below: RelativePath) {
        self.outputs = outputs
        self.below = below
    }

    mutating func start(_ directory: Descriptor) throws { _ = try walk(directory, at: .root) }

    static func specialFile(_ path: RelativePath, _ kind: FileStatus.Kind) -> ForgeError {
        ForgeError(
            .build, "output.special-file", "the output `\(path)` is \(kind.description); files, folders and symbolic links can be kept",
            hint: "remove it at the end of the step, or declare a folder without it as the output")
    }

    private static func tooDeep(_ path: RelativePath) -> ForgeError {
        ForgeError(
            .build, "output.too-deep", "folders below `\(path.components.first ?? "")` are nested more than \(maximumDepth) deep",
            hint: "does a build script or a link put a folder into itself?")
    }

    /// Number of the directory in the skeleton; nil when nothing of it is kept.
    private mutating func walk(_ directory: Descriptor, at path: RelativePath) throws -> Int? {
        guard path.components.count <= OutputWalk.maximumDepth else { throw OutputWalk.tooDeep(path) }
        var kept = TreeSkeleton.Directory()
        let isInside = isInside(path)
        for bytes in try directory.names().sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                try refuseName(bytes, in: path, isInside: isInside)
                continue
            }
            try visit(name, in: directory, at: path.appending(component: name), into: &kept)
        }
        if path != below && below.isWithin(path) { return nil }
        if kept.isEmpty && !isInside && path != below { return nil }
        return skeleton.append(kept)
    }

    private mutating func visit(
        _ name: String, in parent: Descriptor, at path: RelativePath, into kept: inout TreeSkeleton.Directory
    ) throws {
        let status = try parent.status(of: name)
        let isInside = isInside(path)
        switch status.kind {
        case .characterDevice(number: 0):
            // How an overlay notes that something of its lower layers was deleted.
            if !isInside { report("\(path) (deleted)") }
        case .directory:
            let directory = try parent.openBeneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            if isInside { note(path) } else if !isOnTheWay(path) { return try reportAll(of: directory, at: path) }
            if let number = try walk(directory, at: path) { kept.directories.append((name, number)) }
        case _ where !isInside: report(path.string)
        case .file:
            note(path)
            kept.files.append((name, status.isExecutable, skeleton.append(file: path)))
        case .symlink:
            note(path)
            let target = try parent.linkTarget(of: name)
            guard let text = String(validating: target, as: UTF8.self) else { throw notUTF8(escaped(target), "the target of `\(path)`") }
            kept.symlinks.append((name, text))
        case .fifo, .socket, .blockDevice, .characterDevice: throw OutputWalk.specialFile(path, status.kind)
        }
    }

    private func isInside(_ path: RelativePath) -> Bool { outputs.contains { path.isWithin($0) } }
    private func isOnTheWay(_ path: RelativePath) -> Bool { below.isWithin(path) || outputs.contains { $0.isWithin(path) } }

    private mutating func note(_ path: RelativePath) {
        if outputs.contains(path) { seen.insert(path) }
    }

    private mutating func report(_ text: String) {
        if undeclared.count < OutputWalk.maximumReported { undeclared.append(text) }
    }

    /// A folder the step made is named once; of one that was there before, what changed in it.
    private mutating func reportAll(of directory: Descriptor, at path: RelativePath) throws {
        if isNew(directory) { return report("\(path)/") }
        guard path.components.count <= OutputWalk.maximumDepth else { throw OutputWalk.tooDeep(path) }
        for bytes in try directory.names().sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard undeclared.count < OutputWalk.maximumReported else { return }
            guard let name = String(validating: bytes, as: UTF8.self) else {
                report("\(path)/\(escaped(bytes))")
                continue
            }
            let child = path.appending(component: name)
            switch try directory.status(of: name).kind {
            case .directory: try reportAll(of: directory.openBeneath(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), at: child)
            case .characterDevice(number: 0): report("\(child) (deleted)")
            default: report(child.string)
            }
        }
    }

    /// An overlay marks a folder that replaced another one as opaque, and notes the origin (which may be empty) of one that it
    /// copied up because something in it changed. One without either was made by the step.
    private func isNew(_ directory: Descriptor) -> Bool {
        let marks = ["trusted.overlay.", "user.overlay."]
        if marks.contains(where: { directory.attribute($0 + "opaque") == [UInt8(ascii: "y")] }) { return true }
        return marks.allSatisfy { directory.attribute($0 + "origin") == nil }
    }

    private mutating func refuseName(_ bytes: [UInt8], in path: RelativePath, isInside: Bool) throws {
        let shown = path.isRoot ? escaped(bytes) : "\(path)/\(escaped(bytes))"
        guard isInside else { return report(shown) }
        throw notUTF8(shown, "the name of an output")
    }

    private func notUTF8(_ shown: String, _ what: String) -> ForgeError {
        ForgeError(.build, "output.name", "\(what) is not UTF-8: `\(shown)`", hint: "give it a UTF-8 name")
    }

    /// Bytes for people: what is not printable ASCII as `\xNN`.
    private func escaped(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return (32..<127).contains(byte) ? String(UnicodeScalar(byte)) : "\\x" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
