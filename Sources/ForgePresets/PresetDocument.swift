internal import ForgeTOML
package import ForgeModel

/// A preset's file as written: types are right, nothing more. `Preset` is what a validated one becomes.
package struct PresetDocument {
    package let file: String
    package let location: SourceLocation
    let id: Located<String>?
    let name: Located<String>?
    let language: Located<String>?
    let group: Located<Preset.Group>?
    let order: Located<Int>?
    let confidence: Located<Confidence>?
    let supersedes: [Located<String>]
    let ecosystem: Located<Ecosystem>?
    let toolchains: [Located<String>]
    let match: MatchTree?
    let derive: [String: Derivation]
    let steps: [StepDocument]
    let artifact: ArtifactDocument?
    let publicVariables: [Located<String>]
    let cases: [CaseDocument]

    struct StepDocument {
        let location: SourceLocation
        let id: Located<String>?
        let title: String?
        let needs: [Located<String>]
        let run: [Located<String>]?
        let runIsArray: Bool
        let shell: Located<String>?
        let when: MatchTree?
        let inputs: [Located<String>]
        let outputs: [Located<String>]
        let caches: [Located<String>]
        let network: Step.Network
        let environment: [(key: String, value: Located<String>)]
    }

    struct ArtifactDocument {
        let kind: Located<Artifact.Kind>?
        let port: Located<Int>?
        let healthPath: Located<String>?
        let dockerfile: Located<String>?
        let environment: [(key: String, value: Located<String>)]
    }

    struct CaseDocument {
        let location: SourceLocation
        let when: MatchTree?
        let kind: Artifact.Kind?
        let derive: [String: Derivation]
    }
}

extension PresetDocument {
    /// Reads a parsed file; everything of the wrong type or with an unknown name goes to `faults`.
    init(reading table: TOMLTable, file: String, faults: FaultLog) {
        let reader = TableReader(table, file: file, name: "", faults: faults)
        let decoder = DerivationDecoder()
        self.file = file
        location = SourceLocation(file: file, line: 1, column: 1)
        id = reader.requiredString("id")
        name = reader.requiredString("name")
        language = reader.string("language")
        group = reader.word("group", as: Preset.Group.self)
        if !reader.has("group") { faults.add("\(reader.subject) has no `group`", at: location) }
        order = reader.integer("order")
        confidence = reader.word("confidence", as: Confidence.self)
        supersedes = reader.strings("supersedes") ?? []
        ecosystem = reader.word("ecosystem", as: Ecosystem.self)
        toolchains = reader.strings("toolchains") ?? []
        if !reader.has("match") { faults.add("\(reader.subject) has no `[match]`", at: location) }
        match = reader.tableReader("match").flatMap { MatchDecoder().tree($0) }
        derive = reader.tableReader("derive").map(decoder.all) ?? [:]
        steps = reader.tableReaders("step").map(StepDocument.init(reading:))
        artifact = reader.tableReader("artifact").map(ArtifactDocument.init(reading:))
        if !reader.has("artifact") { faults.add("\(reader.subject) has no `[artifact]`", at: location) }
        publicVariables = reader.strings("publicVariables") ?? []
        cases = reader.tableReaders("case").map(CaseDocument.init(reading:))
        reader.finish()
    }
}

extension PresetDocument.StepDocument {
    init(reading reader: TableReader) {
        location = reader.location
        id = reader.requiredString("id")
        title = reader.string("title")?.value
        needs = reader.strings("needs") ?? []
        if !reader.has("run") { reader.faults.add("`[[step]]` has no `run`", at: reader.location) }
        run = reader.strings("run")
        runIsArray = reader.node("run")?.array != nil
        shell = reader.string("shell")
        when = reader.tableReader("when", name: "when").flatMap { MatchDecoder().tree($0) }
        inputs = reader.strings("inputs") ?? []
        outputs = reader.strings("outputs") ?? []
        caches = reader.strings("caches") ?? []
        network = reader.word("network", as: NetworkWord.self)?.value.network ?? .none
        environment = reader.stringTable("environment")
        reader.finish()
    }
}

/// The words of `network`.
private enum NetworkWord: String, CaseIterable {
    case none, registries
    var network: Step.Network { self == .none ? .none : .registries }
}

extension PresetDocument.ArtifactDocument {
    init(reading reader: TableReader) {
        kind = reader.word("kind", as: Artifact.Kind.self)
        if !reader.has("kind") { reader.faults.add("`[artifact]` has no `kind`", at: reader.location) }
        port = reader.integer("port")
        healthPath = reader.string("healthPath")
        dockerfile = reader.string("dockerfile")
        environment = reader.stringTable("environment")
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
