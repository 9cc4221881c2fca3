internal import ForgeModel
internal import ForgeTOML

/// What presets of one kind have in common: files of `families/`. A preset that `extends` one says only what differs.
struct PresetFamilies: Sendable {
    private var texts: [String: DescriptorFile] = [:]
    private var known: [String: Family] = [:]
    private static let depthLimit = 4

    struct Family: Sendable {
        let document: PresetDocument
        /// Its own first, then what it builds on.
        let names: [String]
        /// Of the files it is made of, in the order in which one builds on the next.
        let bytes: [UInt8]
    }

    /// Of all of them by name.
    var digest: Digest {
        Digest(of: texts.sorted { $0.key < $1.key }.flatMap { Array($0.key.utf8) + [0] + $0.value.digest.hex.utf8 + [0] })
    }

    mutating func add(_ name: String, _ item: DescriptorFile) { texts[name] = item }

    /// The family that a descriptor says it extends; nil when it names none, or none that is there.
    mutating func family(of table: TOMLTable, file: String, faults: FaultLog, depth: Int = 0) -> Family? {
        guard let node = table["extends"], let name = node.string else { return nil }
        if let family = known[name] { return family }
        let place = node.position.location(in: file)
        guard let text = texts[name] else {
            faults.add("no family named `\(name)`", at: place, hint: NearestName.hint(for: name, in: Array(texts.keys)))
            return nil
        }
        guard depth < Self.depthLimit else {
            faults.add("families build on each other more than \(Self.depthLimit) deep", at: place)
            return nil
        }
        guard let bytes = text.bytes(faults), let inner = PresetCatalog.table(bytes, file: text.file, faults: faults) else { return nil }
        let base = family(of: inner, file: text.file, faults: faults, depth: depth + 1)
        let document = PresetDocument(reading: inner, file: text.file, family: base?.document, isFamily: true, faults: faults)
        let family = Family(document: document, names: [name] + (base?.names ?? []), bytes: (base?.bytes ?? []) + bytes)
        known[name] = family
        return family
    }
}

extension PresetDocument {
    /// Takes from the family what this file does not say: values one by one, steps by their ids and in them key by key; its own cases
    /// are asked first.
    mutating func inherit(_ family: PresetDocument, writesToolchains: Bool) {
        language = language ?? family.language
        group = group ?? family.group
        ecosystem = ecosystem ?? family.ecosystem
        if !writesToolchains { toolchains = family.toolchains }
        derive = family.derive.merging(derive) { $1 }
        publicVariables = family.publicVariables + publicVariables
        cases += family.cases
        artifact = artifact.map { $0.inheriting(family.artifact) } ?? family.artifact
        let own = Dictionary(steps.map { ($0.id?.value ?? "", $0) }) { first, _ in first }
        let names = Set(family.steps.compactMap { $0.id?.value })
        var merged = family.steps.map { step in own[step.id?.value ?? ""].map { $0.inheriting(step) } ?? step }
        for step in steps where !names.contains(step.id?.value ?? "") {
            // Before those of the family's that wait for it.
            let waiting = merged.firstIndex { $0.needs.contains { $0.value == step.id?.value } }
            merged.insert(step, at: waiting ?? merged.endIndex)
        }
        steps = merged
    }
}

extension PresetDocument.StepDocument {
    func inheriting(_ family: PresetDocument.StepDocument) -> PresetDocument.StepDocument {
        var step = self
        if !written.contains("title") { step.title = family.title }
        if !written.contains("ecosystem") { step.ecosystem = family.ecosystem }
        if !written.contains("folder") { step.folder = family.folder }
        if !written.contains("needs") { step.needs = family.needs }
        if !written.contains("run") { (step.run, step.runIsArray, step.shell) = (family.run, family.runIsArray, family.shell) }
        if !written.contains("when") { step.when = family.when }
        if !written.contains("inputs") { step.inputs = family.inputs }
        if !written.contains("outputs") { step.outputs = family.outputs }
        if !written.contains("caches") { step.caches = family.caches }
        if !written.contains("scratch") { step.scratch = family.scratch }
        if !written.contains("network") { step.network = family.network }
        step.environment = family.environment + environment
        return step
    }
}

extension PresetDocument.ArtifactDocument {
    func inheriting(_ family: PresetDocument.ArtifactDocument?) -> PresetDocument.ArtifactDocument {
        guard let family else { return self }
        return PresetDocument.ArtifactDocument(
            kind: kind ?? family.kind, port: port ?? family.port, healthPath: healthPath ?? family.healthPath,
            dockerfile: dockerfile ?? family.dockerfile, environment: family.environment + environment,
            leavesOut: leavesOut, writable: writable)
    }
}
