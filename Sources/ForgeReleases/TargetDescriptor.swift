package import ForgeModel
internal import ForgeSystem
internal import ForgeTOML
internal import ForgeTargetProtocol

/// A plugin's `plugin.toml`, checked.
package struct TargetDescriptor: Hashable, Sendable {
    package let name: String
    package let version: String
    /// Artifact kinds it takes.
    package let kinds: [Artifact.Kind]
    /// One line for people; nil when the plugin has none.
    package let summary: String?
    /// The absolute path of its program.
    package let executable: String
    /// The file all this was read from.
    package let file: String

    /// Reads `folder/plugin.toml`; nil when there is none. The program is looked for beside it, then in `programs`. Blocks.
    /// - Throws: `ForgeError` `target.invalid-descriptor` with all that is wrong.
    package static func read(folder: String, programs: [String]) throws -> TargetDescriptor? {
        let file = folder + "/plugin.toml"
        guard let bytes = try Files.read(file, limit: 1 << 16) else { return nil }
        let table: TOMLTable
        do { table = try TOML.parse(bytes) } catch {
            throw ForgeError(.configuration, code, error.message, at: location(error.position, file))
        }
        return try TargetDescriptor(table, file: file, folders: [folder] + programs)
    }

    static let code = "target.invalid-descriptor"

    static func location(_ position: TOMLPosition, _ file: String) -> SourceLocation {
        SourceLocation(file: file, line: position.line, column: position.column)
    }

    private init(_ table: TOMLTable, file: String, folders: [String]) throws {
        var reader = DescriptorReader(table: table, file: file)
        let name = reader.text("name") { $0.utf8.allSatisfy(DescriptorReader.isNameByte) ? nil : "only a–z, 0–9 and `-` may occur in it" }
        let version = reader.text("version")
        let kinds = reader.kinds()
        reader.checkProtocol()
        let executable = reader.executable(in: folders)
        let summary = reader.optionalText("summary")
        reader.refuseUnknownKeys()
        guard reader.faults.isEmpty, let name, let version, let executable else {
            throw ForgeError(.configuration, Self.code, findings: reader.faults)
        }
        self.init(name: name, version: version, kinds: kinds, summary: summary, executable: executable, file: file)
    }

    init(name: String, version: String, kinds: [Artifact.Kind], summary: String?, executable: String, file: String) {
        self.name = name
        self.version = version
        self.kinds = kinds
        self.summary = summary
        self.executable = executable
        self.file = file
    }
}

/// Reads the keys of a `plugin.toml` and collects what is wrong with them.
private struct DescriptorReader {
    static let keys = ["name", "version", "protocol", "executable", "kinds", "summary"]

    let table: TOMLTable
    let file: String
    var faults: [Diagnostic] = []

    static func isNameByte(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "-") }

    mutating func fault(_ message: String, _ position: TOMLPosition, hint: String? = nil) {
        faults.append(Diagnostic(message, at: TargetDescriptor.location(position, file), hint: hint))
    }

    mutating func text(_ key: String, check: (String) -> String? = { _ in nil }) -> String? {
        guard let node = table[key] else {
            fault("`\(key)` is missing", table.position, hint: "add `\(key) = \"…\"`")
            return nil
        }
        guard let text = node.string, !text.isEmpty else {
            fault("`\(key)` must be a string that is not empty, found \(node.typeName)", node.position)
            return nil
        }
        if let wrong = check(text) {
            fault("`\(key)` cannot be `\(text)`: \(wrong)", node.position)
            return nil
        }
        return text
    }

    mutating func optionalText(_ key: String) -> String? { table[key] == nil ? nil : text(key) }

    mutating func kinds() -> [Artifact.Kind] {
        guard let node = table["kinds"] else {
            fault("`kinds` is missing", table.position, hint: "add `kinds = [\"static\"]`")
            return []
        }
        guard let elements = node.array, !elements.isEmpty else {
            fault("`kinds` must be an array of artifact kinds, found \(node.typeName)", node.position)
            return []
        }
        return elements.compactMap { element in
            if let kind = element.string.flatMap(Artifact.Kind.init) { return kind }
            let known = Artifact.Kind.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            fault("`\(element.string ?? element.typeName)` is not an artifact kind: expected \(known)", element.position)
            return nil
        }
    }

    mutating func checkProtocol() {
        guard let node = table["protocol"] else {
            return fault("`protocol` is missing", table.position, hint: "add `protocol = \(TargetProtocol.version)`")
        }
        guard node.integer == Int64(TargetProtocol.version) else {
            let found = node.integer.map(String.init) ?? node.typeName
            return fault(
                "`protocol` is \(found): this forge speaks \(TargetProtocol.version)", node.position,
                hint: "install the plugin's version for this forge")
        }
    }

    mutating func executable(in folders: [String]) -> String? {
        guard let text = text("executable"), let node = table["executable"] else { return nil }
        guard let path = try? RelativePath(parsing: text), !path.isRoot else {
            fault("`executable` cannot be `\(text)`: expected a path below the plugin's folder", node.position)
            return nil
        }
        if let found = folders.lazy.map({ "\($0)/\(path.string)" }).first(where: Files.isExecutable) { return found }
        fault(
            "no program `\(text)` in \(folders.map { "`\($0)`" }.joined(separator: ", "))", node.position,
            hint: "build it, or make it executable")
        return nil
    }

    mutating func refuseUnknownKeys() {
        for entry in table.entries where !Self.keys.contains(entry.key) {
            fault(
                "unknown key `\(entry.key)`", entry.keyPosition,
                hint: "known keys: " + Self.keys.map { "`\($0)`" }.joined(separator: ", "))
        }
    }
}
