package import ForgeModel
internal import GRDB

/// Trees that builds began with, sources and toolchains: kept as long as they are used, so that the next build finds what has not changed.
package struct SourceIndex: Sendable {
    private let index: StoreIndex

    init(index: StoreIndex) {
        self.index = index
    }

    /// Notes that the tree was used now. A power cut may undo it.
    package func note(_ root: Digest) async throws {
        let text = DigestText.of(root)
        let isKnown = try await index.read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM source WHERE root = ?)", arguments: [text])
        }
        if isKnown == true { return try await index.use("source", "root", [text]) }
        try await index.writeLoosely {
            try $0.execute(sql: "INSERT OR IGNORE INTO source VALUES (?, unixepoch())", arguments: [text])
        }
    }
}
