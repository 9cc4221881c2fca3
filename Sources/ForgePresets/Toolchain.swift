internal import ForgeTOML
package import ForgeModel

/// A language's tools as data: `Presets/toolchains/<id>.toml`.
package struct Toolchain: Hashable, Sendable {
    package let id: String
    package let name: String
    /// Where the version is written, in order.
    package let version: Derivation
    /// The requirement when nothing in the project says one; `*`: any.
    package let defaultVersion: String
    /// Programs that must be found.
    package let executables: [String]
    /// Prints the version; its first group of digits and dots is taken.
    package let versionCommand: [String]
    package let sources: [Source]
    package let file: String
    package let digest: Digest

    package enum Source: String, Sendable, CaseIterable {
        /// The programs of the machine that builds.
        case host
    }
}

extension Toolchain {
    init?(reading table: TOMLTable, file: String, digest: Digest, faults: FaultLog) {
        let before = faults.faults.count
        let reader = TableReader(table, file: file, name: "", faults: faults)
        let id = reader.requiredString("id")
        let name = reader.requiredString("name")
        version = reader.tableReader("version").map(DerivationDecoder().derivation) ?? Derivation(sources: [])
        defaultVersion = reader.string("default")?.value ?? "*"
        executables = (reader.strings("executables") ?? []).map(\.value)
        if executables.isEmpty { faults.add("\(reader.subject) has no `executables`", at: reader.location) }
        versionCommand = (reader.strings("versionCommand") ?? []).map(\.value)
        sources = reader.tableReaders("source").compactMap { item in
            let kind = item.word("kind", as: Source.self)
            item.finish()
            return kind?.value
        }
        reader.finish()
        guard faults.faults.count == before, let id, let name else { return nil }
        self.id = id.value
        self.name = name.value
        self.file = file
        self.digest = digest
    }
}
