internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// Which stored tree a commit is, so that one fetched before costs nothing. A full id never stands for anything else; who may
/// not read the mirror it came from does not find it here.
struct FetchMemo {
    private struct Entry: Codable {
        let mirror: String
        let commit: String
        let root: Digest
    }

    let folder: String

    /// Nil unless the tree is known and wholly there.
    func root(of commit: String, from mirror: String, in store: Store) async throws -> Digest? {
        guard commit.utf8.count == 40 else { return nil }
        let path = path(commit, mirror)
        let bytes = try await BlockingPool.run { try Files.read(path, limit: 1 << 16) }
        guard let bytes, let entry = try? JSONDecoder().decode(Entry.self, from: Data(bytes)), entry.mirror == mirror,
            entry.commit == commit, let missing = try? await store.trees.missingBlobs(entry.root), missing.isEmpty
        else { return nil }
        return entry.root
    }

    func remember(_ root: Digest, of commit: String, from mirror: String) async throws {
        let bytes = Array(try JSONEncoder().encode(Entry(mirror: mirror, commit: commit, root: root)))
        let path = path(commit, mirror)
        try await BlockingPool.run { [folder] in
            try Files.makeDirectory(folder, mode: 0o700)
            try Files.writeAtomically(bytes, to: path, mode: 0o600)
        }
    }

    private func path(_ commit: String, _ mirror: String) -> String {
        "\(folder)/\(Digest(of: Array("\(mirror)\n\(commit)".utf8)).hex).json"
    }
}
