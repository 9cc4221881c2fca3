package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

extension TreeStore {
    /// The tree `root` with other bytes in some of its files, which `reading` hands out (again when asked again); all else, their
    /// executable bits too, stays. Durable on return. Nil when one of the paths is no file of the tree.
    package func replace(
        _ root: Digest, files: [RelativePath],
        reading: @escaping @Sendable (Int, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) async throws -> (root: Digest, digests: [Digest])? {
        try await BlobBatch.publishing(to: content) { batch in
            let digests = try await Parallel.map(Array(files.indices)) { number in
                try batch.add { body in try reading(number, body) }
            }
            return try await BlockingPool.run {
                let changes = zip(files, digests).map { (path: $0.components[...], digest: $1) }
                return try replaced(root, changes, batch).map { ($0, digests) }
            }
        }
    }

    private func replaced(_ root: Digest, _ changes: [(path: ArraySlice<String>, digest: Digest)], _ batch: BlobBatch) throws -> Digest? {
        var message = try directory(root)
        for (name, group) in Dictionary(grouping: changes, by: { Array(($0.path.first ?? "").utf8) }) {
            let name = String(decoding: name, as: UTF8.self)
            if group.count == 1, group[0].path.count == 1 {
                guard let index = message.files.firstIndex(where: { $0.name.isSame(as: name) }) else { return nil }
                message.files[index].digest = .init(group[0].digest)
                continue
            }
            guard let index = message.directories.firstIndex(where: { $0.name.isSame(as: name) }),
                let child = try replaced(
                    message.directories[index].digest.checked(), group.map { ($0.path.dropFirst(), $0.digest) }, batch)
            else { return nil }
            message.directories[index].digest = .init(child)
        }
        return try batch.add(message.canonicalBytes())
    }
}
