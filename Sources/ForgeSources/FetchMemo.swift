internal import ForgeGit
package import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// Which stored tree a commit is, so that one fetched before costs nothing. A full id never stands for anything else; who may
/// not read the mirror it came from does not find it here.
package struct FetchMemo: Sendable {
    enum Kind: String, Codable {
        /// The files of the commit itself.
        case own
        /// With all that its configuration declares.
        case whole
    }

    /// A stored tree.
    package struct Entry: Codable, Sendable {
        package var root: Digest
        var submodules: [Submodule] = []
        var warnings: [Diagnostic] = []
    }

    private struct File: Codable {
        let kind: Kind
        let mirror: String
        let commit: String
        let entry: Entry
    }

    let folder: String

    /// Nil unless the tree is known and wholly there.
    func entry(_ kind: Kind, of commit: String, from mirror: String, in store: Store) async throws -> Entry? {
        let path = path(kind, commit, mirror)
        let bytes = try await BlockingPool.run { try Files.read(path, limit: 1 << 22) }
        guard let bytes, let file = try? JSONDecoder().decode(File.self, from: Data(bytes)), file.kind == kind, file.mirror == mirror,
            file.commit == commit, (try? await store.trees.acquire(file.entry.root)) == true
        else { return nil }
        return file.entry
    }

    func remember(_ entry: Entry, _ kind: Kind, of commit: String, from mirror: String) async throws {
        let bytes = Array(try JSONEncoder().encode(File(kind: kind, mirror: mirror, commit: commit, entry: entry)))
        let path = path(kind, commit, mirror)
        try await BlockingPool.run { [folder] in
            try Files.makeDirectory(folder, mode: 0o700)
            try Files.writeAtomically(bytes, to: path, mode: 0o600)
        }
    }

    private func path(_ kind: Kind, _ commit: String, _ mirror: String) -> String {
        "\(folder)/\(Digest(of: "\(kind.rawValue)\n\(mirror)\n\(commit)").hex).json"
    }
}
