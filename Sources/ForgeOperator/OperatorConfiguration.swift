package import ForgeImages
package import ForgeModel
internal import ForgePresets
internal import ForgeSystem
internal import ForgeTOML

/// The word of whoever runs this machine: `config.toml` of Forge's own folder and a few variables. Never a project's files.
package struct OperatorConfiguration: Sendable, Hashable {
    package private(set) var limits = OperatorLimits()
    package private(set) var apps = OperatorApps()
    package private(set) var sandbox = OperatorSandbox()
    package private(set) var toolchains = OperatorToolchains()
    /// Servers that install steps may reach besides their registries, wherever they lie.
    package private(set) var egress: Set<EgressOrigin> = []
    /// Where registries of images are really asked.
    package private(set) var images = RegistryEndpoints()
    /// CA certificates that steps with a network are to trust besides the system's.
    package private(set) var caBundle: String?
    /// What registries are told, and steps never see.
    package private(set) var credentials: [OperatorCredential] = []
    /// Bytes that the blobs of the store may take before what was used least recently goes.
    package private(set) var storeLimit: Int64 = 20 << 30

    /// Reads `config.toml` in `directory`, `FORGE_EGRESS_ALLOW`, `FORGE_OCI_RUNTIME`, `FORGE_TOOLCHAIN_SOURCES` and `SSL_CERT_FILE`; no
    /// file, no word. Blocks.
    /// - Throws: `ForgeError` with every fault and its place.
    package static func load(_ directory: String, environment: [String: String]) throws -> OperatorConfiguration {
        var configuration = OperatorConfiguration()
        let path = "\(directory)/config.toml"
        if let content = try Files.read(path, limit: 1 << 20) { try configuration.read(content, file: path) }
        try configuration.sandbox.read(environment)
        try configuration.toolchains.read(environment)
        for entry in (environment["FORGE_EGRESS_ALLOW"] ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            configuration.egress.insert(try EgressOrigin(parsing: String(entry)))
        }
        // Whether it is there matters to the step that needs it, which says so.
        if configuration.caBundle == nil, let bundle = environment["SSL_CERT_FILE"], !bundle.isEmpty { configuration.caBundle = bundle }
        return configuration
    }

    private mutating func read(_ content: [UInt8], file: String) throws {
        let table: TOMLTable
        do throws(TOMLSyntaxError) { table = try TOML.parse(content) } catch {
            let place = SourceLocation(file: file, line: error.position.line, column: error.position.column)
            throw ForgeError(.configuration, "config.syntax", "the operator's configuration is not valid TOML: \(error.message)", at: place)
        }
        let faults = FaultLog()
        let reader = TableReader(table, file: file, name: "", faults: faults)
        if let section = reader.tableReader("limits") { limits = OperatorLimits(reading: section) }
        if let section = reader.tableReader("apps") { apps = OperatorApps(reading: section) }
        if let section = reader.tableReader("sandbox") { sandbox = OperatorSandbox(reading: section) }
        if let section = reader.tableReader("toolchains") { toolchains = OperatorToolchains(reading: section) }
        if let section = reader.tableReader("network") { readNetwork(section) }
        if let section = reader.tableReader("images") { readImages(section) }
        if let section = reader.tableReader("store") {
            storeLimit = OperatorLimits.bytes("limit", section) ?? storeLimit
            section.finish()
        }
        reader.finish()
        guard faults.faults.isEmpty else { throw ForgeError(.configuration, "config.invalid", findings: faults.sorted) }
    }

    private mutating func readNetwork(_ section: TableReader) {
        for entry in section.strings("allow") ?? [] {
            do { egress.insert(try EgressOrigin(parsing: entry.value)) } catch {
                let hint = (error as? ForgeError)?.hint
                section.faults.add("`\(entry.value)` is not a server's exact address", at: entry.location, hint: hint)
            }
        }
        credentials = section.tableReaders("credential").compactMap { OperatorCredential(reading: $0) }
        if let bundle = section.string("ca") {
            caBundle = bundle.value
            if !bundle.value.hasPrefix("/") || !Files.exists(bundle.value) {
                section.faults.add("there is no file `\(bundle.value)`", at: bundle.location, hint: "name a PEM file by its absolute path")
            }
        }
        section.finish()
    }

    /// `"registry.example" = ["https://mirror.example:5000"]`
    private mutating func readImages(_ section: TableReader) {
        for entry in section.table.entries {
            images.entries[entry.key] = (section.strings(entry.key) ?? []).compactMap { text in
                do { return try RegistryEndpoint(parsing: text.value) } catch {
                    section.faults.add(
                        "\((error as? ForgeError)?.message ?? "\(error)")", at: text.location, hint: (error as? ForgeError)?.hint)
                    return nil
                }
            }
        }
        section.finish()
    }
}
