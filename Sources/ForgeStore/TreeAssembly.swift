package import ForgeModel
internal import ForgeREAPI
internal import ForgeSystem

/// A piece of a tree that is put together.
package enum TreePart: Sendable {
    /// What another tree holds, below `at`.
    case tree(Digest, at: RelativePath)
    /// A small file.
    case file([UInt8], isExecutable: Bool, at: RelativePath)
}

extension TreeStore {
    /// One tree of these parts. Folders of the same path are united; otherwise what comes later wins.
    package func assemble(_ parts: [TreePart]) async throws -> Digest {
        let roots = try await BlockingPool.run {
            try BlobBatch.publishing(to: content) { batch in try parts.map { try root(of: $0, in: batch) } }
        }
        return try await merge(roots)
    }

    private func root(of part: TreePart, in batch: BlobBatch) throws -> Digest {
        switch part {
        case .tree(let digest, let place): return try nest(digest, in: place.components[...], batch)
        case .file(let bytes, let isExecutable, let place):
            let file = try batch.add(bytes)
            var message = DirectoryMessage()
            message.files.append(.init(name: place.name, digest: file, isExecutable: isExecutable))
            return try nest(batch.add(message.canonicalBytes()), in: place.parent.components[...], batch)
        }
    }

    private func nest(_ digest: Digest, in folders: ArraySlice<String>, _ batch: BlobBatch) throws -> Digest {
        var digest = digest
        for name in folders.reversed() {
            var message = DirectoryMessage()
            message.directories.append(.init(name: name, digest: digest))
            digest = try batch.add(message.canonicalBytes())
        }
        return digest
    }
}
