internal import ForgeEvents
internal import ForgeModel
internal import ForgeStore

extension Pipeline {
    /// The source's tree in the store, told as one span.
    func snapshot(_ request: SourceRequest, into store: Store) async throws -> (SourceRequest.Opened, Digest) {
        try await spanned(events.newSpan(.source, "source")) {
            let source = try await request.open()
            let root = try await store.trees.ingest(source.tree)
            let summary = try await store.trees.summary(root)
            return ((source, root), "\(source.title): \(Count(summary.files, "file")), \(Bytes(summary.bytes))")
        }
    }
}
