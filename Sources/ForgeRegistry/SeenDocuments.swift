internal import ForgeModel
internal import ForgeStore
internal import ForgeSystem
internal import Foundation

/// The documents that one step was given, read when a file of theirs is asked for that no lockfile knows.
actor SeenDocuments {
    private struct Seen {
        let entry: RegistryEntryKey
        let coding: String?
        var hashes: IndexHashes?
    }

    /// By the last part of their address, which is the package's name.
    private var seen: [String: Seen] = [:]
    private static let most = 5000
    private static let largest: Int64 = 64 << 20

    func note(_ entry: RegistryEntry) {
        guard entry.status == 200, entry.body.sizeBytes <= Self.largest, seen.count < Self.most, let name = Self.name(of: entry.key.url),
            seen[name]?.entry != entry.key
        else { return }
        seen[name] = Seen(entry: entry.key, coding: entry.headers["content-encoding"])
    }

    /// nil where no document tells.
    func hashes(of file: PackageFile, in cache: RegistryCache) async throws -> [ExpectedHash]? {
        guard let name = file.name.map(Self.bare), let document = seen[name] else { return nil }
        if let known = document.hashes { return known.hashes(of: file) }
        guard let found = try await cache.find([document.entry]) else { return nil }
        let read = try await BlockingPool.run {
            IndexHashes(try found.body.bytes(at: 0, count: Int(found.entry.body.sizeBytes)), coding: document.coding)
        }
        if seen[name]?.entry == document.entry { seen[name]?.hashes = read }
        return read.hashes(of: file)
    }

    private static func name(of url: String) -> String? {
        let path = url.prefix { $0 != "?" }
        guard let last = path.split(separator: "/").last.map(String.init) else { return nil }
        let scope = path.split(separator: "/").dropLast().last.flatMap { $0.hasPrefix("@") ? "\($0)/" : nil } ?? ""
        return bare(scope + (last.removingPercentEncoding ?? last))
    }

    /// npm's names and Python's, told apart by nothing: who compares them knows where they come from.
    private static func bare(_ name: String) -> String { name.lowercased().replacing("_", with: "-").replacing(".", with: "-") }
}
