internal import ForgeManifests

/// A preset's place in the catalogue.
package struct CatalogEntry: Sendable {
    package let id: String
    /// As given to the catalog.
    package let file: String
    /// Nil when the preset has to be asked itself.
    package let sieve: PresetSieve?
    private let content: OnDemand<Preset>

    init(_ preset: Preset) { (id, file, sieve, content) = (preset.id, preset.file, nil, OnDemand(preset)) }

    /// One that the index knows.
    init(id: String, _ item: DescriptorFile, _ families: PresetFamilies, sieve: PresetSieve?) {
        (self.id, file, self.sieve) = (id, item.file, sieve)
        content = OnDemand { faults in
            var families = families
            return PresetCatalog.preset(parsing: item, families: &families, faults: faults)
        }
    }

    /// Nil for one that the index knows.
    var read: Preset? { content.atHand }

    /// Reads it the first time.
    /// - Throws: `ForgeError` `preset.invalid` when the file is not what the index took it for: another version's.
    package func preset() throws -> Preset { try content.value() }
}

/// A package manager's place in the catalogue.
struct ManagerEntry: Sendable {
    let id: String
    let ecosystem: Ecosystem
    /// The file in which it lists the members of a workspace; nil where it knows none.
    let workspaceFile: String?
    let content: OnDemand<PackageManager>

    init(_ manager: PackageManager) {
        self.init(id: manager.id, manager.ecosystem, workspaceFile: manager.workspace?.file, OnDemand(manager))
    }

    /// One that the index knows.
    init(id: String, _ ecosystem: Ecosystem, workspaceFile: String?, _ content: OnDemand<PackageManager>) {
        (self.id, self.ecosystem, self.workspaceFile, self.content) = (id, ecosystem, workspaceFile, content)
    }
}
