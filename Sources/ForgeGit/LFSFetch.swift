internal import ForgeModel
internal import Glibc

extension RemoteLocation {
    /// Where the objects of this repository are asked for; what `.lfsconfig` says does not count. Nil when there is no such place.
    /// Source: git-lfs, docs/api/server-discovery.md.
    package var lfsEndpoint: RemoteLocation? {
        var path = path
        while path.hasSuffix("/") { path.removeLast() }
        path += (path.hasSuffix(".git") ? "" : ".git") + "/info/lfs"
        let isHTTP = transport == .http || transport == .https
        let server = isHTTP ? "\(transport.rawValue)://\(authority)" : "https://\(host.contains(":") ? "[\(host)]" : host)"
        guard transport != .git else { return nil }
        return (try? RemoteLocation(parsing: server + (path.hasPrefix("/") ? "" : "/") + path)) ?? nil
    }
}

extension RemoteFetch {
    /// The most objects that are asked for at once.
    package static let objectsAtOnce = 100

    /// Downloads LFS objects from the endpoint that is this fetch's location, each to a file of its hash's name in `folder`. Who
    /// asks still has to compare them with what they should be.
    /// - Throws: `ForgeError` (`source.lfs…`, `source.…`); `CancellationError`
    package func run(_ objects: [LFSObject], into folder: String) async throws -> FetchedCommit.Transfer {
        precondition(objects.count <= Self.objectsAtOnce)
        let request = FetchRequest(
            parent: getpid(), location: location, revision: nil, folder: folder, limits: limits, objects: objects)
        guard case .stored(let transfer) = try await ask(request, lock: nil, progress: { _ in }) else { throw endedFromOutside }
        return transfer
    }
}
