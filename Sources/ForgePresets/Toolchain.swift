internal import ForgeTOML
package import ForgeModel

/// A language's tools as data: `Presets/toolchains/<id>.toml`.
package struct Toolchain: Hashable, Sendable {
    /// How the files of a language write down which versions will do.
    package enum Grammar: String, Sendable, CaseIterable {
        /// npm's ranges: `^20 || 22.x`.
        case npm
        /// PEP 440's specifiers: `>=3.11,<4`; npm's `^` and `~` besides, which Poetry has.
        case python
        /// RubyGems' and Hex's: `~> 3.1`, `>= 1.14 and < 2.0`.
        case gem
        /// Composer's: `^8.2 | ~8.1.3`.
        case composer
    }

    package let id: String
    package let name: String
    /// Where the version is written, in order.
    package let version: Derivation
    /// Which versions read the project's lockfile; holds besides `version` where that is a range.
    package let lockfile: Derivation
    /// The requirement when nothing in the project says one; `*`: any.
    package let defaultVersion: String
    package let grammar: Grammar
    /// Names of versions, and the requirements that they stand for: `lts/iron` → `20`.
    package let aliases: [String: String]
    /// Files in which a bare version is the oldest that will do.
    package let minimumIn: [String]
    /// Programs that must be found.
    package let executables: [String]
    /// Prints the version; its first group of digits and dots is taken.
    package let versionCommand: [String]
    /// In the order in which they are tried, unless the operator says another.
    package let sources: [ToolchainSource]
    package let file: String
    package let digest: Digest
}

extension Toolchain {
    init?(parsing item: DescriptorFile, faults: FaultLog) {
        guard let bytes = item.bytes(faults), let table = PresetCatalog.table(bytes, file: item.file, faults: faults) else { return nil }
        self.init(reading: table, file: item.file, digest: item.digest, faults: faults)
    }

    init?(reading table: TOMLTable, file: String, digest: Digest, faults: FaultLog) {
        let before = faults.faults.count
        let reader = TableReader(table, file: file, name: "", faults: faults)
        let id = reader.requiredString("id")
        let name = reader.requiredString("name")
        version = reader.tableReader("version").map(DerivationDecoder().derivation) ?? Derivation(sources: [])
        lockfile = reader.tableReader("lockfile").map(DerivationDecoder().derivation) ?? Derivation(sources: [])
        defaultVersion = reader.string("default")?.value ?? "*"
        grammar = reader.word("grammar", as: Grammar.self)?.value ?? .npm
        aliases = Dictionary(reader.stringTable("aliases").map { ($0.key, $0.value.value) }) { $1 }
        minimumIn = (reader.strings("minimumIn") ?? []).map(\.value)
        executables = (reader.strings("executables") ?? []).map(\.value)
        if executables.isEmpty { faults.add("\(reader.subject) has no `executables`", at: reader.location) }
        versionCommand = (reader.strings("versionCommand") ?? []).map(\.value)
        sources = reader.tableReaders("source").compactMap { ToolchainSource(reading: $0) }
        reader.finish()
        guard faults.faults.count == before, let id, let name else { return nil }
        self.id = id.value
        self.name = name.value
        self.file = file
        self.digest = digest
    }
}
