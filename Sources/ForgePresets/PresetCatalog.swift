package import ForgeManifests
internal import ForgeModel
internal import ForgeTOML
internal import Foundation

/// Every preset, package manager and toolchain Forge knows in one run.
package struct PresetCatalog: Sendable {
    /// Sorted by id.
    package let entries: [CatalogEntry]
    let managers: [ManagerEntry]
    let toolchainsByID: [String: OnDemand<Toolchain>]
    /// Small programs of `programs/` by name (without `.py` or `.sh`), which commands of descriptors carry in full as `{{program.<name>}}`.
    package let programs: [String: String]

    /// Sorted by id; all of them are read.
    /// - Throws: as `CatalogEntry.preset()`
    package var presets: [Preset] { get throws { try entries.map { try $0.preset() } } }

    /// - Throws: as `CatalogEntry.preset()`
    package func preset(_ id: String) throws -> Preset? { try entries.first { $0.id == id }?.preset() }
    /// - Throws: as `CatalogEntry.preset()`
    package func packageManager(_ id: String) throws -> PackageManager? { try managers.first { $0.id == id }?.content.value() }
    /// Sorted by id.
    /// - Throws: as `CatalogEntry.preset()`
    package func packageManagers(of ecosystem: Ecosystem) throws -> [PackageManager] {
        try managers.filter { $0.ecosystem == ecosystem }.map { try $0.content.value() }
    }
    /// Those whose file with a list of members is there, as `isThere` says of its path; no other is read.
    /// - Throws: as `CatalogEntry.preset()`, and what `isThere` throws
    package func packageManagers(of ecosystem: Ecosystem, listingIn isThere: (String) throws -> Bool) throws -> [PackageManager] {
        try managers.filter { try $0.ecosystem == ecosystem && $0.workspaceFile.map(isThere) ?? false }.map { try $0.content.value() }
    }
    /// Sorted by id; all of them are read.
    /// - Throws: as `CatalogEntry.preset()`
    package var packageManagers: [PackageManager] { get throws { try managers.map { try $0.content.value() } } }
    /// - Throws: as `CatalogEntry.preset()`
    package func toolchain(_ id: String) throws -> Toolchain? { try toolchainsByID[id]?.value() }
    /// Sorted by id; all of them are read.
    /// - Throws: as `CatalogEntry.preset()`
    package var toolchains: [Toolchain] { get throws { try toolchainsByID.sorted { $0.key < $1.key }.map { try $0.value.value() } } }

    /// Reads `*.toml`, `families/*.toml`, `package-managers/*.toml` and `toolchains/*.toml` of each directory; a later directory's
    /// descriptor replaces an earlier one of the same id. Blocks on files.
    /// - Parameter readsAll: false leaves descriptors that the directory's index knows until somebody asks for them.
    /// - Throws: `ForgeError` `preset.invalid` with every fault of every file that is read, or `preset.unreadable`.
    package static func load(directories: [String], readsAll: Bool = true) throws -> PresetCatalog {
        try load(directories.map { try DescriptorFolder(reading: $0) }, readsAll: readsAll)
    }

    /// The same of folders that were looked through, with what a project or a pack brings: presets and families, no more. A preset that
    /// takes the place of a known one says so with `replaces = true`.
    /// - Parameter layers: the files of one origin each, later ones over earlier ones.
    /// - Throws: as `load(directories:)`
    package static func load(
        _ folders: [DescriptorFolder], adding layers: [[DescriptorFile]] = [], readsAll: Bool = true
    ) throws -> PresetCatalog {
        let faults = FaultLog()
        var loader = CatalogLoader(faults: faults, readsAll: readsAll)
        for folder in folders { loader.read(folder) }
        for layer in layers {
            loader.begin(asGuest: true)
            for kind in DescriptorKind.allCases { for item in layer where item.kind == kind { loader.add(item) } }
        }
        let catalog = loader.catalog()
        guard faults.faults.isEmpty else { throw ForgeError(.configuration, "preset.invalid", findings: faults.sorted) }
        return catalog
    }

    /// Checks one preset's text without a directory; nil and the faults in `faults` when it is not sound.
    package static func preset(parsing bytes: [UInt8], file: String, faults: FaultLog) -> Preset? {
        var none = PresetFamilies()
        return preset(parsing: DescriptorFile(file: file, bytes: bytes), families: &none, faults: faults)
    }

    static func preset(parsing item: DescriptorFile, families: inout PresetFamilies, faults: FaultLog) -> Preset? {
        let (file, before) = (item.file, faults.faults.count)
        guard let bytes = item.bytes(faults), let table = table(bytes, file: file, faults: faults) else { return nil }
        let family = families.family(of: table, file: file, faults: faults)
        let document = PresetDocument(reading: table, file: file, family: family?.document, faults: faults)
        // Both always run, so that faults of form and of meaning come together.
        let preset = Preset(
            validating: document, families: family?.names ?? [], digest: Digest(of: (family?.bytes ?? []) + bytes), faults: faults)
        return faults.faults.count == before ? preset : nil
    }

    static func table(_ bytes: [UInt8], file: String, faults: FaultLog) -> TOMLTable? {
        do throws(TOMLSyntaxError) { return try TOML.parse(bytes) } catch {
            faults.add(error.message, at: error.position.location(in: file))
            return nil
        }
    }
}

/// Gathers descriptors; those that come later take the places of earlier ones.
struct CatalogLoader {
    let faults: FaultLog
    private let readsAll: Bool
    private var presets: [String: CatalogEntry] = [:]
    private var managers: [String: ManagerEntry] = [:]
    private var toolchains: [String: OnDemand<Toolchain>] = [:]
    var programs: [String: String] = [:]
    private(set) var families = PresetFamilies()
    /// Which file of the directory at hand has said an id.
    private var origins: [DescriptorKind: [String: String]] = [:]
    private var seen: Set<String> = []

    init(faults: FaultLog, readsAll: Bool = true) {
        self.faults = faults
        self.readsAll = readsAll
    }

    /// Whether what comes is a stranger's: it brings nothing that names programs of this machine, and takes no preset's place in silence.
    private var isGuest = false
    /// Files that take no preset's place in silence, whatever else may be in their directory.
    var guests: Set<String> = []

    /// Opens another directory, whose ids may be those of earlier ones.
    mutating func begin(asGuest: Bool = false) {
        origins = [:]
        seen = []
        isGuest = asGuest
    }

    mutating func read(_ folder: DescriptorFolder) {
        begin()
        let items = Dictionary(grouping: folder.descriptors, by: \.kind)
        for item in items[.family] ?? [] { add(item, as: .family) }
        let index = readsAll ? nil : PresetIndex.read(in: folder.path, families: families)
        add(presets: items[.preset] ?? [], knownTo: index)
        for item in items[.packageManager] ?? [] {
            if let known = index?.packageManager(in: item) { add(known, item.file) } else { add(item, as: .packageManager) }
        }
        for item in items[.toolchain] ?? [] {
            if let known = index?.toolchain(in: item) { add(known.id, known.content, item.file) } else { add(item, as: .toolchain) }
        }
        for item in folder.programs {
            guard let bytes = item.bytes(faults) else { continue }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                faults.add("the program is not UTF-8", at: SourceLocation(file: item.file))
                continue
            }
            let name = item.file.split(separator: "/").last ?? ""
            programs[String(name.prefix { $0 != "." })] = text
        }
    }

    private mutating func add(presets items: [DescriptorFile], knownTo index: PresetIndex?) {
        var unknown: [DescriptorFile] = []
        for item in items {
            if let entry = index?.preset(in: item, families) { add(entry) } else { unknown.append(item) }
        }
        for parsed in PresetBatch(unknown, families: families, keys: faults.keys).parsed() {
            faults.add(parsed.faults)
            if let preset = parsed.preset { add(CatalogEntry(preset)) }
        }
    }

    mutating func add(_ item: DescriptorFile) { add(item, as: item.kind) }

    private mutating func add(_ item: DescriptorFile, as kind: DescriptorKind) {
        let file = item.file
        if isGuest, kind == .packageManager || kind == .toolchain {
            return faults.add(
                "a project and a pack bring presets and families only: a \(kind == .toolchain ? "toolchain" : "package manager") names programs "
                    + "of the machine that builds", at: SourceLocation(file: file, line: 1, column: 1),
                hint: "whoever runs the machine may put it into the folder `presets` beside Forge's `config.toml`")
        }
        switch kind {
        case .family: families.add(String(file.split(separator: "/").last?.dropLast(".toml".count) ?? ""), item)
        case .preset:
            guard let preset = PresetCatalog.preset(parsing: item, families: &families, faults: faults) else { return }
            add(CatalogEntry(preset))
        case .packageManager:
            guard let manager = PackageManager(parsing: item, faults: faults) else { return }
            add(ManagerEntry(manager), file)
        case .toolchain:
            guard let toolchain = Toolchain(parsing: item, faults: faults) else { return }
            add(toolchain.id, OnDemand(toolchain), file)
        }
    }

    private mutating func add(_ manager: ManagerEntry, _ file: String) {
        note(.packageManager, manager.id, file)
        managers[manager.id] = manager
    }

    private mutating func add(_ id: String, _ toolchain: OnDemand<Toolchain>, _ file: String) {
        note(.toolchain, id, file)
        toolchains[id] = toolchain
    }

    private mutating func add(_ entry: CatalogEntry) {
        let (id, file) = (entry.id, entry.file)
        note(.preset, id, file)
        if isGuest || guests.contains(file), presets[id].map({ !isNew($0, file) }) ?? false, let preset = entry.read, !preset.replaces {
            faults.add(
                "there is a preset `\(id)` already", at: preset.written.id,
                hint: "choose another id, or write `replaces = true` if this one is to take its place")
        }
        presets[id] = entry
    }

    /// Whether it came with the directory at hand, which is told of in other words.
    private func isNew(_ entry: CatalogEntry, _ file: String) -> Bool { entry.file == file || seen.contains(entry.file) }

    private mutating func note(_ kind: DescriptorKind, _ id: String, _ file: String) {
        if let other = origins[kind]?[id] { faults.add("`\(id)` is already the id of `\(other)`", at: SourceLocation(file: file)) }
        origins[kind, default: [:]][id] = file
        seen.insert(file)
    }

    /// Checks what one descriptor says of another.
    func catalog() -> PresetCatalog {
        // A name that is missing may stand in a file with faults of its own.
        if faults.faults.isEmpty {
            // Names in those that are not read were checked when the index was made.
            for preset in presets.values.compactMap(\.read).sorted(by: { $0.id < $1.id }) { checkNames(of: preset) }
        }
        for manager in managers.values.compactMap(\.content.atHand).sorted(by: { $0.id < $1.id }) { checkPrograms(of: manager) }
        return PresetCatalog(
            entries: presets.values.sorted { $0.id < $1.id }, managers: managers.values.sorted { $0.id < $1.id },
            toolchainsByID: toolchains, programs: programs)
    }

    private func checkNames(of preset: Preset) {
        for name in preset.written.toolchains where toolchains[name.value] == nil {
            faults.add(
                "no toolchain named `\(name.value)`", at: name.location,
                hint: NearestName.hint(for: name.value, in: Array(toolchains.keys)))
        }
        for name in preset.written.supersedes where presets[name.value] == nil {
            faults.add(
                "no preset named `\(name.value)` to supersede", at: name.location,
                hint: NearestName.hint(for: name.value, in: Array(presets.keys)))
        }
    }

    private func checkPrograms(of manager: PackageManager) {
        let words = manager.derive.sorted { $0.key < $1.key }.map(\.value)
        let own = (words + [manager.install, manager.frozen, manager.production, manager.resolve]).flatMap(\.sources)
        let members = (manager.workspace.map { [$0.production, $0.build, $0.output] } ?? []).flatMap(\.sources)
        for source in own + members {
            for name in source.rule.templates.flatMap(\.placeholders)
            where ![WorkspaceRule.member, WorkspaceRule.name].contains(name) && manager.derive[name] == nil {
                let program = name.hasPrefix("program.") ? String(name.dropFirst("program.".count)) : ""
                guard programs[program] == nil else { continue }
                faults.add(
                    "placeholder `{{\(name)}}` is not declared", at: source.location,
                    hint: NearestName.of(name, in: manager.derive.keys.sorted()).map { "did you mean `{{\($0)}}`?" }
                        ?? NearestName.of(program, in: programs.keys.sorted()).map { "did you mean `{{program.\($0)}}`?" })
            }
        }
    }
}
