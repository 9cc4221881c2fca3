internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// Which stored tree a commit is, so that one fetched before needs no network. A full id never stands for anything else.
struct FetchMemo {
    private struct Entry: Codable {
        let location: String
        let commit: String
        let root: Digest
    }

    let folder: String

    /// Nil unless the tree is known and wholly there.
    func root(of commit: String, at location: String, in store: Store) async throws -> Digest? {
        guard commit.utf8.count == 40 else { return nil }
        let path = path(commit, location)
        let bytes = try await BlockingPool.run { try Files.read(path, limit: 1 << 16) }
        guard let bytes, let entry = try? JSONDecoder().decode(Entry.self, from: Data(bytes)), entry.location == location,
            entry.commit == commit, (try? await store.trees.acquire(entry.root)) == true
        else { return nil }
        return entry.root
    }

    func remember(_ root: Digest, of commit: String, at location: String) async throws {
        let bytes = Array(try JSONEncoder().encode(Entry(location: location, commit: commit, root: root)))
        let path = path(commit, location)
        try await BlockingPool.run { [folder] in
            try Files.makeDirectory(folder, mode: 0o700)
            try Files.writeAtomically(bytes, to: path, mode: 0o600)
        }
    }

    private func path(_ commit: String, _ location: String) -> String {
        "\(folder)/\(Digest(of: Array("\(location)\n\(commit)".utf8)).hex).json"
    }
}
