package import ForgeModel
package import ForgePresets
internal import ForgeTOML

/// A toolchain as `forge.lock` names it.
package struct LockedToolchain: Hashable, Sendable {
    package let name: String
    /// What the project asked for when it was chosen.
    package let requirement: String
    package let version: String
    package let kind: ToolchainSource.Kind
    /// The package or address; empty for the host's.
    package let origin: String
    /// Of the file; empty for the host's.
    package let sha256: String
    /// What it unpacks to.
    package let tree: Digest?
    /// What it needs beside its own file.
    package let dependencies: [PackageFile]

    package init(
        name: String, requirement: String, version: String, kind: ToolchainSource.Kind, origin: String, sha256: String, tree: Digest?,
        dependencies: [PackageFile] = []
    ) {
        self.dependencies = dependencies
        self.name = name
        self.requirement = requirement
        self.version = version
        self.kind = kind
        self.origin = origin
        self.sha256 = sha256
        self.tree = tree
    }
}

/// A pack of presets as `forge.lock` names it.
package struct LockedPack: Hashable, Sendable {
    /// Address and version, as `crowdforge.toml` has them.
    package let text: String
    package let commit: String
    package let tree: Digest

    package init(text: String, commit: String, tree: Digest) {
        self.text = text
        self.commit = commit
        self.tree = tree
    }
}

/// `forge.lock`: what of Forge itself a project is built with. Only `forge lock` writes it.
package struct LockFile: Hashable, Sendable {
    package static let fileName = "forge.lock"

    /// Preset → digest of its file.
    package var presets: [String: String]
    /// Package manager → digest of its descriptor.
    package var packageManagers: [String: String]
    package var toolchains: [LockedToolchain]
    package var packs: [LockedPack] = []
    package var systems: [LockedSystem] = []

    package init(presets: [String: String] = [:], packageManagers: [String: String] = [:], toolchains: [LockedToolchain] = []) {
        self.presets = presets
        self.packageManagers = packageManagers
        var seen: Set<LockedToolchain> = []
        self.toolchains = toolchains.filter { seen.insert($0).inserted }.sorted { ($0.name, $0.requirement) < ($1.name, $1.requirement) }
    }

    package func toolchain(_ name: String, _ requirement: String) -> LockedToolchain? {
        toolchains.first { $0.name == name && $0.requirement == requirement }
    }

    /// In what `used` differs from this, each with what to know about it.
    package func drift(to used: LockFile) -> [Diagnostic] {
        Self.drift("preset", presets, used.presets) + Self.drift("package manager", packageManagers, used.packageManagers)
            + used.toolchains.compactMap(drift) + used.packs.compactMap(drift) + used.systems.compactMap { $0.drift(from: self) }
    }

    package func pack(_ text: String) -> LockedPack? { packs.first { $0.text == text } }

    private func drift(_ used: LockedPack) -> Diagnostic? {
        guard let locked = pack(used.text) else { return Self.remark("the pack `\(used.text)` is not locked") }
        return locked == used
            ? nil : Self.remark("the pack `\(used.text)` is at \(used.commit.prefix(12)) and not at the locked \(locked.commit.prefix(12))")
    }

    private static func drift(_ what: String, _ locked: [String: String], _ used: [String: String]) -> [Diagnostic] {
        used.sorted { $0.key < $1.key }.compactMap { name, digest in
            guard let known = locked[name] else { return remark("\(what) `\(name)` is not locked") }
            return known == digest
                ? nil : remark("\(what) `\(name)` is another than the locked one (\(short(known)), now \(short(digest)))")
        }
    }

    private func drift(_ used: LockedToolchain) -> Diagnostic? {
        guard let locked = toolchain(used.name, used.requirement) else {
            let other = toolchains.first { $0.name == used.name }
            return Self.remark(
                "toolchain `\(used.name)` is not locked for `\(used.requirement)`"
                    + (other.map { ", but for `\($0.requirement)`" } ?? ""))
        }
        guard locked != used else { return nil }
        let files =
            locked.version == used.version ? " (\(locked.tree?.short ?? "the machine's"), now \(used.tree?.short ?? "the machine's"))" : ""
        return Self.remark("toolchain `\(used.name)` is \(used.version) and not the locked \(locked.version)\(files)")
    }

    private static func short(_ digest: String) -> String { String(digest.dropFirst("sha256:".count).prefix(12)) }

    static func remark(_ text: String) -> Diagnostic {
        Diagnostic(text, at: SourceLocation(file: fileName), hint: "`forge lock` writes what is used now")
    }
}

extension LockFile {
    /// - Throws: `lock.syntax`, `lock.invalid`, each with its place
    package init(parsing content: [UInt8]) throws {
        let file = Self.fileName
        let table: TOMLTable
        do throws(TOMLSyntaxError) { table = try TOML.parse(content) } catch {
            let isConflict = String(decoding: content, as: UTF8.self).contains("<<<<<<<")
            throw ForgeError(
                .configuration, "lock.syntax",
                isConflict ? "`\(file)` holds a merge conflict" : "`\(file)` is not valid TOML: \(error.message)",
                at: SourceLocation(file: file, line: error.position.line, column: error.position.column),
                hint: isConflict ? "take either side, then run `forge lock`" : "only `forge lock` writes it: remove it and run that")
        }
        let faults = FaultLog()
        let reader = TableReader(table, file: file, name: "", faults: faults)
        if let version = reader.integer("version"), version.value != 1 {
            faults.add("`\(file)` is of version \(version.value), and this Forge knows 1", at: version.location, hint: "upgrade Forge")
        }
        let presets = Dictionary(reader.stringTable("presets").map { ($0.key, $0.value.value) }) { $1 }
        let managers = Dictionary(reader.stringTable("package-managers").map { ($0.key, $0.value.value) }) { $1 }
        let toolchains = reader.tableReaders("toolchain").compactMap { LockedToolchain(reading: $0) }
        let packs = reader.tableReaders("pack").compactMap { LockedPack(reading: $0) }
        let systems = reader.tableReaders("system").compactMap { LockedSystem(reading: $0) }
        reader.finish()
        guard faults.faults.isEmpty else { throw ForgeError(.configuration, "lock.invalid", findings: faults.sorted) }
        self.init(presets: presets, packageManagers: managers, toolchains: toolchains)
        self.packs = packs
        self.systems = systems
    }

    /// The file's text.
    package var text: String {
        var lines = ["# Written by `forge lock`: commit it, do not edit it.", "version = 1", "", "[presets]"]
        lines += Self.lines(presets)
        lines += ["", "[package-managers]"] + Self.lines(packageManagers)
        for item in toolchains {
            lines += ["", "[[toolchain]]", "name = \(Self.quoted(item.name))", "requirement = \(Self.quoted(item.requirement))"]
            lines += ["version = \(Self.quoted(item.version))", "source = \(Self.quoted(item.kind.rawValue))"]
            if let tree = item.tree {
                lines += ["origin = \(Self.quoted(item.origin))", "sha256 = \(Self.quoted(item.sha256))"]
                lines.append("tree = \(Self.quoted("\(tree)/\(tree.sizeBytes)"))")
            } else if !item.origin.isEmpty {
                lines.append("origin = \(Self.quoted(item.origin))")
            }
            if !item.dependencies.isEmpty {
                lines.append("dependencies = [")
                lines += item.dependencies.map { "  \(Self.quoted("\($0.package)==\($0.version) sha256:\($0.sha256)"))," }
                lines.append("]")
            }
        }
        for pack in packs.sorted(by: { $0.text < $1.text }) {
            lines += ["", "[[pack]]", "pack = \(Self.quoted(pack.text))", "commit = \(Self.quoted(pack.commit))"]
            lines.append("tree = \(Self.quoted("\(pack.tree)/\(pack.tree.sizeBytes)"))")
        }
        lines += systems.flatMap(\.lines)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ table: [String: String]) -> [String] {
        table.sorted { $0.key < $1.key }.map { "\(quoted($0.key)) = \(quoted($0.value))" }
    }

    static func quoted(_ text: String) -> String {
        "\""
            + text.unicodeScalars.map { scalar in
                switch scalar {
                case "\"": "\\\""
                case "\\": "\\\\"
                default:
                    scalar.value < 32 || scalar.value == 127 ? "\\u" + String(scalar.value + 0x10000, radix: 16).suffix(4) : String(scalar)
                }
            }.joined() + "\""
    }
}

extension LockedToolchain {
    fileprivate init?(reading reader: TableReader) {
        let name = reader.requiredString("name")
        let requirement = reader.requiredString("requirement")
        let version = reader.requiredString("version")
        let kind = reader.word("source", as: ToolchainSource.Kind.self)
        let (origin, sha256, tree) = (reader.string("origin"), reader.string("sha256"), reader.string("tree"))
        let dependencies = (reader.strings("dependencies") ?? []).compactMap { line -> PackageFile? in
            if let match = line.value.wholeMatch(of: /([A-Za-z0-9._-]+)==(\S+) sha256:([0-9a-f]{64})/) {
                return PackageFile(package: String(match.output.1), version: String(match.output.2), sha256: String(match.output.3))
            }
            reader.faults.add("`\(line.value)` names no package by its SHA-256", at: line.location, hint: "run `forge lock`")
            return nil
        }
        reader.finish()
        guard let name, let requirement, let version, let kind else { return nil }
        let digest = tree.flatMap { LockFile.digest($0, reader) }
        self.init(
            name: name.value, requirement: requirement.value, version: version.value, kind: kind.value, origin: origin?.value ?? "",
            sha256: sha256?.value ?? "", tree: digest, dependencies: dependencies)
    }
}

extension LockedPack {
    fileprivate init?(reading reader: TableReader) {
        let (text, commit, tree) = (reader.requiredString("pack"), reader.requiredString("commit"), reader.requiredString("tree"))
        reader.finish()
        if let commit, commit.value.wholeMatch(of: /[0-9a-f]{40}/) == nil {
            reader.faults.add("`\(commit.value)` is no commit's full id", at: commit.location, hint: "run `forge lock`")
        }
        guard let text, let commit, let tree, let digest = LockFile.digest(tree, reader) else { return nil }
        self.init(text: text.value, commit: commit.value, tree: digest)
    }
}

extension LockFile {
    /// `sha256:<hex>/<size>`
    fileprivate static func digest(_ text: Located<String>, _ reader: TableReader) -> Digest? {
        let parts = text.value.split(separator: "/")
        let digest =
            parts.count == 2 ? Int64(parts[1]).flatMap { try? Digest(hex: parts[0].dropFirst("sha256:".count), sizeBytes: $0) } : nil
        if digest == nil { reader.faults.add("`\(text.value)` is no tree's digest", at: text.location, hint: "run `forge lock`") }
        return digest
    }
}
