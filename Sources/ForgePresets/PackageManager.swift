package import ForgeManifests
package import ForgeModel
internal import ForgePatterns
internal import ForgeTOML

/// A package manager as data: `Presets/package-managers/<id>.toml`.
package struct PackageManager: Hashable, Sendable {
    package let id: String
    package let name: String
    package let ecosystem: Ecosystem
    /// Whether it is taken when nothing in the project speaks for another.
    package let isDefault: Bool
    package let lockfiles: [String]
    /// Lockfiles of others that may lie beside its own.
    package let companions: [String]
    package let manifests: [String]
    package let configuration: [String]
    /// Holds when the project names this manager outright (the `packageManager` field).
    package let pinned: MatchTree?
    /// Holds when the project is written for this manager, lockfile or not.
    package let claimed: MatchTree?
    /// What placeholders of its commands stand for; a preset's key of the same name goes before.
    package let derive: [String: Derivation]
    /// Runs a package script; `{{script}}` is its name.
    package let run: [Template]
    /// As a person would type it.
    package let install: Derivation
    /// As a step runs it once there is a lockfile: nothing but what that says. Empty: like `install`.
    package let frozen: Derivation
    /// The same without what only a build needs. Empty: `frozen` installs nothing else.
    package let production: Derivation
    /// Writes `resolvedLockfile` where the project has none; yields nothing where it has.
    package let resolve: Derivation
    package let resolvedLockfile: String?
    /// Nil: nothing is generated among what it installs.
    package let generated: GeneratedFiles?
    package let registries: RegistryDiscovery
    /// Nil for a manager that knows no workspaces.
    package let workspace: WorkspaceRule?
    /// Holds when an install reads more than manifests, lockfile and configuration.
    package let readsTree: MatchTree?
    package let outputs: [String]
    /// Files of which an install leaves one when it is through.
    package let witnesses: [String]
    package let caches: [String]
    /// What an install leaves that nobody needs.
    package let scratch: [String]
    /// Below the app's root, where installed programs are.
    package let executables: String?
    package let environment: [String: String]
    package let toolchains: [String]
    /// Toolchains that come with one of `toolchains`, and are looked for only where the project asks for a version.
    package let pins: [String]
    package let file: String
    package let digest: Digest
}

extension PackageManager {
    init?(parsing item: DescriptorFile, faults: FaultLog) {
        guard let bytes = item.bytes(faults), let table = PresetCatalog.table(bytes, file: item.file, faults: faults) else { return nil }
        self.init(reading: table, file: item.file, digest: item.digest, faults: faults)
    }

    init?(reading table: TOMLTable, file: String, digest: Digest, faults: FaultLog) {
        let before = faults.faults.count
        let reader = TableReader(table, file: file, name: "", faults: faults)
        let id = reader.requiredString("id")
        let name = reader.requiredString("name")
        let ecosystem = reader.word("ecosystem", as: Ecosystem.self)
        if !reader.has("ecosystem") { faults.add("\(reader.subject) has no `ecosystem`", at: reader.location) }
        isDefault = reader.bool("default")?.value ?? false
        lockfiles = PackageManager.paths(reader, "lockfiles")
        companions = PackageManager.paths(reader, "companions")
        manifests = PackageManager.paths(reader, "manifests")
        configuration = PackageManager.paths(reader, "configuration")
        pinned = reader.tableReader("pinned").flatMap { MatchDecoder().tree($0) }
        claimed = reader.tableReader("claimed").flatMap { MatchDecoder().tree($0) }
        derive = reader.tableReader("derive").map(DerivationDecoder().all) ?? [:]
        run = (reader.strings("run") ?? []).map { word in
            let template = Template(word.value)
            for placeholder in template.placeholders where placeholder != "script" {
                faults.add("placeholder `{{\(placeholder)}}` is not declared", at: word.location, hint: "only `{{script}}` is known here")
            }
            return template
        }
        if !reader.has("install") { faults.add("\(reader.subject) has no `[install]`", at: reader.location) }
        install = reader.tableReader("install").map(DerivationDecoder().derivation) ?? .none
        frozen = PackageManager.optional(reader, "frozen")
        production = PackageManager.optional(reader, "production")
        resolve = PackageManager.optional(reader, "resolve")
        resolvedLockfile = reader.string("resolvedLockfile")?.value
        if !resolve.sources.isEmpty, resolvedLockfile == nil {
            faults.add("`[resolve]` needs `resolvedLockfile`, the file it writes", at: reader.location)
        }
        generated = reader.tableReader("generated").flatMap { GeneratedFiles($0) }
        registries = reader.tableReader("registries").map(RegistryDiscovery.init) ?? RegistryDiscovery()
        workspace = reader.tableReader("workspace").flatMap { WorkspaceRule($0) }
        readsTree = reader.tableReader("readsTree").flatMap { MatchDecoder().tree($0) }
        outputs = PackageManager.paths(reader, "outputs")
        witnesses = PackageManager.paths(reader, "witnesses")
        caches = PackageManager.paths(reader, "caches")
        scratch = PackageManager.paths(reader, "scratch")
        executables = reader.string("executables")?.value
        environment = Dictionary(reader.stringTable("environment").map { ($0.key, $0.value.value) }) { $1 }
        toolchains = (reader.strings("toolchains") ?? []).map(\.value)
        pins = (reader.strings("pins") ?? []).map(\.value)
        reader.finish()
        guard faults.faults.count == before, let id, let name, let ecosystem else { return nil }
        self.id = id.value
        self.name = name.value
        self.ecosystem = ecosystem.value
        self.file = file
        self.digest = digest
    }

    private static func optional(_ reader: TableReader, _ key: String) -> Derivation {
        reader.tableReader(key).map(DerivationDecoder().derivation) ?? .none
    }

    static func paths(_ reader: TableReader, _ key: String) -> [String] {
        (reader.strings(key) ?? []).map { text in
            do throws(GlobError) { _ = try Glob(text.value) } catch { reader.faults.add(error.message, at: text.location) }
            return text.value
        }
    }
}
