package import ForgeModel
internal import ForgeSystem
internal import Glibc

extension TreeStore {
    /// Lays the tree out as plain files at `directory`, sharing nothing with the store; every byte is verified on its way.
    ///
    /// All appears at once: a folder beside it is filled and then takes the name. `directory` may be absent or empty; one
    /// with content is refused, or exchanged and removed when `replace` says so. Files have the time of their making: web
    /// servers derive a file's tag from time and size, and a fixed time would make two versions look equal.
    /// - Throws: `out.not-empty`, `out.not-a-directory`, `out.failed`, `out.no-space`, `store.missing-blob`
    package func export(_ root: Digest, to directory: String, replace: Bool = false) async throws {
        let place = try await BlockingPool.run { try ExportPlace(directory, suffix: "out", mustBe: .directory, replace: replace) }
        let listing = try await BlockingPool.run { try TreeListing(of: root, in: self) }
        try await place.filled { work in
            let made = work + "/root"
            try await BlockingPool.run {
                try Files.makeDirectory(made)
                for directory in listing.directories { try Files.makeDirectory("\(made)/\(directory)") }
                for link in listing.symlinks { try Files.symlink(link.target, at: "\(made)/\(link.path)") }
            }
            _ = try await Parallel.map(listing.files) { try copy($0, below: made) }
            try await BlockingPool.run { try place.publishDirectory(made, replace: replace) }
        }
    }

    private func copy(_ file: TreeListing.File, below directory: String) throws {
        let path = "\(directory)/\(file.path)"
        let copy = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: file.isExecutable ? 0o755 : 0o644)
        guard try content.forEachChunk(of: file.digest, { try copy.write($0, to: path) }) else { throw StoreFailure.missing(file.digest) }
    }
}

/// Somewhere outside the store that gets a new file or folder: all of it or nothing.
struct ExportPlace: Sendable {
    let path: String
    private let parent: String
    private let prefix: String

    /// - Throws: when what stands at `path` must not be replaced.
    init(_ path: String, suffix: String, mustBe kind: FileStatus.Kind, replace: Bool) throws {
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        do {
            // Through a link at the end to what it names; the link itself stays.
            path = try Files.resolved(path) ?? path
            self.path = path
            parent = Files.parent(of: path)
            prefix = ".\(path.split(separator: "/").last ?? "").forge-\(suffix)"
            if let status = try FileStatus.of(path) {
                guard status.kind == kind else {
                    throw ForgeError(
                        .usage, "out.not-\(kind == .file ? "a-file" : "a-directory")", "`\(path)` is \(status.kind.description)")
                }
                if kind == .directory && !replace { try ExportPlace.refuseContent(path) }
            }
            try Files.makeDirectory(parent)
            // What an export that was killed left here. Only names of our own making: others keep `.lock` files too.
            try TemporaryDirectory.sweep(parent, prefix: prefix + "-")
        } catch let error as SystemError { throw ExportPlace.failure(path, error) }
    }

    private static func refuseContent(_ path: String) throws {
        guard try Files.list(path).isEmpty else {
            throw ForgeError(
                .usage, "out.not-empty", "`\(path)` is not empty", hint: "name a folder that does not exist yet, or empty this one")
        }
    }

    /// Runs `body` with a working folder beside the place, which is gone afterwards.
    func filled<Value: Sendable>(_ body: (String) async throws -> Value) async throws -> Value {
        do {
            let work = try await BlockingPool.run { try TemporaryDirectory(in: parent, prefix: prefix) }
            do {
                let value = try await body(work.path)
                try await BlockingPool.run { try work.remove() }
                return value
            } catch {
                try? await BlockingPool.run { try work.remove() }
                throw error
            }
        } catch let error as SystemError { throw ExportPlace.failure(path, error) }
    }

    /// Gives the folder at `made` the place's name. What stood there moves to `made` and goes with the working folder.
    func publishDirectory(_ made: String, replace: Bool) throws {
        do { try Files.renameNew(made, to: path) } catch let error as SystemError where error.errno == EEXIST {
            if replace { return try Files.exchange(made, path) }
            // Takes the place of an empty folder only.
            do { try Files.move(made, over: path) } catch let error as SystemError where error.errno == ENOTEMPTY || error.errno == EEXIST {
                try ExportPlace.refuseContent(path)
                throw error
            }
        }
        try Files.syncDirectory(parent)
    }

    static func failure(_ path: String, _ error: SystemError) -> ForgeError {
        if error.isNoSpace {
            return ForgeError(
                .store, "out.no-space", "no space is left for `\(path)`", hint: "free some space, or name another place", cause: error)
        }
        return ForgeError(.store, "out.failed", "cannot write `\(path)`", cause: error)
    }
}
