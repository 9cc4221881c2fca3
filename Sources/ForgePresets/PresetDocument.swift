internal import ForgeManifests
package import ForgeModel
internal import ForgeTOML

/// A preset's file as written: types are right, nothing more. `Preset` is what a validated one becomes.
package struct PresetDocument: Sendable {
    package let file: String
    package let location: SourceLocation
    let id: Located<String>?
    let name: Located<String>?
    var language: Located<String>?
    var group: Located<Preset.Group>?
    let order: Located<Int>?
    let confidence: Located<Confidence>?
    let supersedes: [Located<String>]
    let replaces: Bool
    var ecosystem: Located<Ecosystem>?
    var toolchains: [Located<String>]
    let match: MatchTree?
    let versions: VersionsDocument?
    var derive: [String: Derivation]
    var steps: [StepDocument]
    var artifact: ArtifactDocument?
    var publicVariables: [Located<String>]
    var cases: [CaseDocument]

    struct StepDocument: Sendable {
        let location: SourceLocation
        let id: Located<String>?
        var title: String?
        var ecosystem: Located<Ecosystem>?
        var folder: Located<String>?
        var needs: [Located<String>]
        var run: [Located<String>]?
        var runIsArray: Bool
        var shell: Located<String>?
        var when: MatchTree?
        var inputs: [Located<String>]
        var outputs: [Located<String>]
        var caches: [Located<String>]
        var scratch: [Located<String>]
        var network: Step.Network
        var environment: [(key: String, value: Located<String>)]
        /// The keys that stand there.
        let written: Set<String>
    }

    struct ArtifactDocument: Sendable {
        var kind: Located<Artifact.Kind>?
        var port: Located<Int>?
        var healthPath: Located<String>?
        var dockerfile: Located<String>?
        var environment: [(key: String, value: Located<String>)]
        var leavesOut: [Located<String>]
        var writable: [Located<String>]
    }

    struct VersionsDocument: Sendable {
        let dependency: Located<String>?
        let min: Located<String>?
        let maxKnown: Located<String>?
    }

    struct CaseDocument: Sendable {
        let location: SourceLocation
        let when: MatchTree?
        let kind: Artifact.Kind?
        let derive: [String: Derivation]
    }
}

extension PresetDocument {
    /// Reads a parsed file; everything of the wrong type or with an unknown name goes to `faults`.
    /// - Parameters:
    ///   - family: what the file builds on: it says only what differs.
    ///   - isFamily: whether others build on this file: it needs to recognize nothing.
    init(reading table: TOMLTable, file: String, family: PresetDocument? = nil, isFamily: Bool = false, faults: FaultLog) {
        let reader = TableReader(table, file: file, name: "", faults: faults)
        let decoder = DerivationDecoder()
        self.file = file
        location = SourceLocation(file: file, line: 1, column: 1)
        id = reader.requiredString("id")
        name = isFamily ? reader.string("name") : reader.requiredString("name")
        _ = reader.string("extends")
        language = reader.string("language")
        group = reader.word("group", as: Preset.Group.self)
        if !reader.has("group"), family?.group == nil, !isFamily { faults.add("\(reader.subject) has no `group`", at: location) }
        order = reader.integer("order")
        confidence = reader.word("confidence", as: Confidence.self)
        supersedes = reader.strings("supersedes") ?? []
        replaces = reader.bool("replaces")?.value ?? false
        ecosystem = reader.word("ecosystem", as: Ecosystem.self)
        toolchains = reader.strings("toolchains") ?? []
        if !reader.has("match"), !isFamily { faults.add("\(reader.subject) has no `[match]`", at: location) }
        if isFamily, reader.has("match") { faults.add("a family recognizes nothing", at: reader.place(ofKey: "match")) }
        match = reader.tableReader("match").flatMap { MatchDecoder().tree($0) }
        versions = reader.tableReader("versions").map(VersionsDocument.init(reading:))
        derive = reader.tableReader("derive").map(decoder.all) ?? [:]
        let inherited = family?.steps ?? []
        steps = reader.tableReaders("step").map { StepDocument(reading: $0, inherited: inherited) }
        artifact = reader.tableReader("artifact").map { ArtifactDocument(reading: $0, family: family?.artifact) }
        if !reader.has("artifact"), family?.artifact == nil, !isFamily {
            faults.add("\(reader.subject) has no `[artifact]`", at: location)
        }
        publicVariables = reader.strings("publicVariables") ?? []
        cases = reader.tableReaders("case").map(CaseDocument.init(reading:))
        reader.finish()
        if let family { inherit(family, writesToolchains: reader.has("toolchains")) }
    }
}

extension PresetDocument.StepDocument {
    init(reading reader: TableReader, inherited: [PresetDocument.StepDocument]) {
        location = reader.location
        id = reader.requiredString("id")
        title = reader.string("title")?.value
        ecosystem = reader.word("ecosystem", as: Ecosystem.self)
        folder = reader.string("folder")
        needs = reader.strings("needs") ?? []
        let isKnown = inherited.contains { $0.id?.value == reader.table["id"]?.string }
        if !reader.has("run"), !isKnown { reader.faults.add("`[[step]]` has no `run`", at: reader.location) }
        run = reader.strings("run")
        runIsArray = reader.node("run")?.array != nil
        shell = reader.string("shell")
        when = reader.tableReader("when", name: "when").flatMap { MatchDecoder().tree($0) }
        inputs = reader.strings("inputs") ?? []
        outputs = reader.strings("outputs") ?? []
        caches = reader.strings("caches") ?? []
        scratch = reader.strings("scratch") ?? []
        network = reader.word("network", as: NetworkWord.self)?.value.network ?? .none
        environment = reader.stringTable("environment")
        written = Set(reader.table.entries.map(\.key))
        reader.finish()
    }
}

/// The words of `network`.
private enum NetworkWord: String, CaseIterable {
    case none, registries
    var network: Step.Network { self == .none ? .none : .registries }
}

extension PresetDocument.ArtifactDocument {
    init(reading reader: TableReader, family: PresetDocument.ArtifactDocument?) {
        kind = reader.word("kind", as: Artifact.Kind.self)
        if !reader.has("kind"), family?.kind == nil { reader.faults.add("`[artifact]` has no `kind`", at: reader.location) }
        port = reader.integer("port")
        healthPath = reader.string("healthPath")
        dockerfile = reader.string("dockerfile")
        environment = reader.stringTable("environment")
        leavesOut = reader.strings("leavesOut") ?? family?.leavesOut ?? []
        writable = reader.strings("writable") ?? family?.writable ?? []
        reader.finish()
    }
}

extension PresetDocument.VersionsDocument {
    init(reading reader: TableReader) {
        dependency = reader.requiredString("dependency")
        min = reader.string("min")
        maxKnown = reader.string("maxKnown")
        if min == nil, maxKnown == nil { reader.faults.add("`[versions]` has neither `min` nor `maxKnown`", at: reader.location) }
        for bound in [min, maxKnown].compactMap(\.self) where VersionRange.numbers(bound.value) == nil {
            reader.faults.add("`\(bound.value)` is not a version", at: bound.location, hint: "write it like `13` or `13.2`")
        }
        reader.finish()
    }
}

extension PresetDocument.CaseDocument {
    init(reading reader: TableReader) {
        location = reader.location
        if !reader.has("when") { reader.faults.add("`[[case]]` has no `when`", at: reader.location) }
        when = reader.tableReader("when", name: "when").flatMap { MatchDecoder().tree($0) }
        kind = reader.word("kind", as: Artifact.Kind.self)?.value
        derive = reader.tableReader("derive").map(DerivationDecoder().all) ?? [:]
        reader.finish()
    }
}
