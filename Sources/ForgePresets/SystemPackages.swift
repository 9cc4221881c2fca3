internal import ForgeModel
internal import ForgeTOML

/// Which package of a distribution has what a native build may miss: `system/debian.toml`.
package struct SystemPackages: Hashable, Sendable {
    package private(set) var headers: [String: String] = [:]
    package private(set) var libraries: [String: String] = [:]
    /// As pkg-config names them.
    package private(set) var modules: [String: String] = [:]
    package private(set) var programs: [String: String] = [:]

    package init() {}

    /// - Throws: `ForgeError` `preset.invalid`
    package init(parsing bytes: [UInt8], file: String) throws {
        let table: TOMLTable
        do throws(TOMLSyntaxError) { table = try TOML.parse(bytes) } catch {
            throw ForgeError(.configuration, "preset.invalid", error.message, at: error.position.location(in: file))
        }
        let faults = FaultLog()
        let reader = TableReader(table, file: file, name: "", faults: faults)
        headers = Self.words("headers", reader)
        libraries = Self.words("libraries", reader)
        modules = Self.words("modules", reader)
        programs = Self.words("programs", reader)
        reader.finish()
        guard faults.faults.isEmpty else { throw ForgeError(.configuration, "preset.invalid", findings: faults.sorted) }
    }

    private static func words(_ section: String, _ reader: TableReader) -> [String: String] {
        guard let part = reader.tableReader(section) else { return [:] }
        var words: [String: String] = [:]
        for entry in part.table.entries { words[entry.key] = part.string(entry.key)?.value }
        part.finish()
        return words
    }
}
