package import ForgeModel
internal import ForgeSystem
internal import Glibc
internal import Synchronization

/// A local copy of what was fetched of one remote repository, held against every other process for as long as the value lives.
///
/// `repository/` is bare and shallow; each commit that was fetched is named by a ref of its own, which is what a later fetch offers
/// the server as being here. `digests` tells what its blobs are to the content store. Nothing in it is needed: a mirror that
/// turns out to be damaged is thrown away and made anew.
package struct RemoteMirror: Sendable {
    /// Past so many packs a look-up in them costs more than a fetch from nothing.
    static let maximumPacks = 50

    /// Names the remote and who reads it.
    package let name: String
    let folder: String
    /// Handed to the fetching process too: should this one be killed, nobody else gets at the mirror before both are gone.
    let lock: FileLock

    static func reference(to commit: String) -> String { "refs/forge/commits/\(commit)" }

    var repository: String { folder + "/repository" }
    private var digestsPath: String { folder + "/digests" }
    private var packs: String { repository + "/objects/pack" }

    /// Whether the commit of this full id was fetched before. Blocks.
    package func holds(_ commit: String) -> Bool {
        let text = (try? Files.read("\(repository)/\(Self.reference(to: commit))", limit: 64)) ?? nil
        return text.map { $0.elementsEqual(Array("\(commit)\n".utf8)) } ?? false
    }

    /// Whether there is something to add to. Blocks.
    var isUsable: Bool {
        guard let names = try? Files.list(packs) else { return false }
        return !names.isEmpty && names.count { $0.hasSuffix(".pack") } < Self.maximumPacks
    }

    /// The tree of a commit that was fetched. Blocks.
    /// - Throws: `source.damaged` when the mirror is; `source.name` …
    package func tree(of commit: String) throws -> CommitTree {
        try CommitTree(commit: commit, inRepository: repository, digests: BlobDigests(at: digestsPath))
    }

    /// Keeps what was learned of a tree's files for the commits to come. Blocks.
    package func remember(_ learned: LearnedDigests, of tree: CommitTree) throws {
        guard let digests = learned.newDigests(of: tree) else { return }
        try BlobDigests(at: digestsPath).adding(digests, size: tree.blobCount).save(to: digestsPath)
    }

    /// Throws the copy away. Blocks.
    package func discard() throws { try Files.removeTree(folder) }

    /// Puts a freshly fetched repository in the place of what was here. Blocks.
    func adopt(_ fresh: String) throws {
        try discard()
        try Files.makeDirectory(folder, mode: 0o700)
        try Files.renameNew(fresh, to: repository)
    }

    /// Removes what a fetch that was killed left behind: packs without a name, locks. Blocks.
    func sweep() throws {
        let names = Set(try Files.list(packs))
        for name in names where !Self.isWhole(name, among: names) { try Files.removeTree("\(packs)/\(name)") }
        for folder in [repository, repository + "/refs/forge", repository + "/refs/forge/commits"] {
            for name in try Files.list(folder) where name.hasSuffix(".lock") { try Files.removeTree("\(folder)/\(name)") }
        }
    }

    private static func isWhole(_ name: String, among names: Set<String>) -> Bool {
        guard name.hasPrefix("pack-"), let dot = name.lastIndex(of: ".") else { return false }
        let stem = name[..<dot]
        return names.contains("\(stem).pack") && names.contains("\(stem).idx")
    }

    /// What it takes on disk. Blocks.
    static func size(of folder: String) -> Int64 {
        let packs = folder + "/repository/objects/pack"
        let files = ((try? Files.list(packs)) ?? []).map { "\(packs)/\($0)" } + [folder + "/digests"]
        return files.reduce(0) { $0 + ((try? FileStatus.of($1))?.size ?? 0) }
    }
}

/// What storing a commit's tree tells about its files.
package final class LearnedDigests: Sendable {
    private let digests = Mutex<[RelativePath: Digest]>([:])

    package init() {}

    package func add(_ path: RelativePath, _ digest: Digest) { digests.withLock { $0[path] = digest } }

    package func digest(of path: RelativePath) -> Digest? { digests.withLock { $0[path] } }

    /// Blob → content, for the whole tree; nil when all of it was known before.
    func newDigests(of tree: CommitTree) -> [ObjectID: Digest]? {
        let learned = digests.withLock { $0 }
        var isNew = false
        var digests: [ObjectID: Digest] = [:]
        for (path, digest) in learned {
            guard let blob = tree.blob(at: path) else { continue }
            digests[blob] = digest
            if !isNew { isNew = (try? tree.knownDigest(of: path)) != digest }
        }
        return isNew ? digests : nil
    }
}
