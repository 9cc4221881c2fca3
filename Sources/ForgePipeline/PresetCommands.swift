internal import ForgeGit
package import ForgeModel
package import ForgePlanning
internal import ForgePresets
internal import ForgeSources
internal import ForgeSystem

/// `forge preset list`: what is known, by id.
package struct PresetListing: Sendable, Encodable {
    package struct Entry: Sendable, Encodable {
        package let id: String
        package let name: String
        package let group: String
        package let kind: Artifact.Kind
        package let language: String?
        /// `built-in`, `yours`, `this project`, or the folder it lies in.
        package let from: String
        package let file: String
        package let digest: String
    }

    package let presets: [Entry]
}

/// `forge preset check`: what is wrong with descriptors, and what stands in whose way.
package struct PresetCheckReport: Sendable, Encodable {
    package struct Remark: Sendable, Encodable {
        package let message: String
        package let file: String?
        package let line: Int?
        package let column: Int?
        package let hint: String?

        init(_ diagnostic: Diagnostic) {
            message = diagnostic.message
            file = diagnostic.location?.file
            line = diagnostic.location?.line
            column = diagnostic.location?.column
            hint = diagnostic.hint
        }
    }

    package struct Overlap: Sendable, Encodable {
        package let kind: PresetLinter.Kind
        package let presets: [String]
        package let example: String?
    }

    /// What was looked at.
    package let files: [String]
    package let presets: [String]
    package let faults: [Remark]
    package let findings: [Overlap]
    package let diagnostics: [Diagnostic]

    private enum CodingKeys: CodingKey { case files, presets, faults, findings }

    package var isSound: Bool { diagnostics.isEmpty }
}

extension Pipeline {
    /// - Throws: `usage.group`
    package func presetListing(group: String?) async throws -> PresetListing {
        let wanted = try group.map { name in
            guard let group = Preset.Group(rawValue: name) else {
                throw ForgeError(
                    .usage, "usage.group", "there is no group `\(name)` of presets",
                    hint: "write one of " + Preset.Group.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))
            }
            return group
        }
        return try await BlockingPool.run { [presets] in
            PresetListing(
                presets: try presets.catalog(for: LooseFolder(path: ".")).presets.filter { wanted == nil || $0.group == wanted }.map {
                    preset in
                    .init(
                        id: preset.id, name: preset.name, group: preset.group.rawValue, kind: preset.artifact.kind,
                        language: preset.language,
                        from: origin(of: preset.file), file: preset.file, digest: preset.digest.description)
                })
        }
    }

    /// - Throws: `preset.unknown`
    package func presetDescription(_ id: String) async throws -> PresetDescription {
        try await BlockingPool.run { [presets] in
            let catalog = try presets.catalog(for: LooseFolder(path: "."))
            guard let preset = try catalog.preset(id) else {
                throw ForgeError(
                    .configuration, "preset.unknown", "no preset named `\(id)`",
                    hint: NearestName.of(id, in: catalog.entries.map(\.id)).map { "did you mean `\($0)`?" } ?? "see `forge preset list`")
            }
            return PresetDescription(preset, from: origin(of: preset.file)) { file in
                file.hasPrefix(installation.presets + "/") ? String(file.dropFirst(installation.presets.count + 1)) : file
            }
        }
    }

    func origin(of file: String) -> String {
        if file.hasPrefix(installation.presets + "/") { return "built-in" }
        if file.hasPrefix(directories.presets + "/") { return "yours" }
        return file.hasPrefix(ProjectPresets.folder + "/") ? "this project" : Files.parent(of: file)
    }

    /// Holds descriptors, folders of them, and `crowdforge.toml` files against what is installed; runs nothing.
    /// - Parameter paths: empty: all that is installed.
    /// - Throws: `preset.no-file`
    package func checkPresets(_ paths: [String]) async throws -> PresetCheckReport {
        try await BlockingPool.run {
            let shelves = presets.directories.filter(Files.isDirectory)
            let found = try PresetFolder.descriptors(at: paths.isEmpty ? shelves : paths)
            var faults = found.configurations.flatMap(Self.faults)
            let check = try DescriptorCheck(found.descriptors + found.families, besides: shelves)
            let asked = Set(found.descriptors.map(\.file))
            faults += check.faults.filter { $0.location.map { asked.contains($0.file) } ?? true }
            // What matches what is only told of presets that say what they mean.
            let subjects = check.presets.filter { asked.contains($0.file) }
            let findings =
                check.faults.isEmpty ? try PresetLinter(catalog: check.catalog).findings(about: subjects, cases: found.cases) : []
            return PresetCheckReport(
                files: found.descriptors.map(\.file) + found.configurations.map(\.file), presets: subjects.map(\.id),
                faults: faults.map(PresetCheckReport.Remark.init),
                findings: findings.map { .init(kind: $0.kind, presets: $0.presets, example: $0.example) },
                diagnostics: faults + findings.map(\.diagnostic))
        }
    }

    private static func faults(_ item: DescriptorFile) -> [Diagnostic] {
        do {
            _ = try ProjectConfiguration(parsing: item.bytes(), file: item.file)
            return []
        } catch let error as ForgeError {
            return [Diagnostic(error.message, at: error.location, hint: error.hint)] + error.others
        } catch {
            return [Diagnostic("\(error)", at: SourceLocation(file: item.file))]
        }
    }
}

/// A folder of presets as its author keeps it: descriptors, and in `cases/` the projects that prove them.
struct PresetFolder {
    var descriptors: [DescriptorFile] = []
    /// Families that lie beside single files that are asked for.
    var families: [DescriptorFile] = []
    var configurations: [DescriptorFile] = []
    var cases: [PresetLinter.Case] = []

    static let casesName = "cases"

    /// - Throws: `preset.no-file`
    static func descriptors(at paths: [String]) throws -> PresetFolder {
        var folder = PresetFolder()
        for path in paths {
            let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
            if Files.isDirectory(path) {
                for kind in DescriptorKind.allCases {
                    folder.descriptors += try read(kind.folder.isEmpty ? path : "\(path)/\(kind.folder)")
                }
                folder.cases += try cases(in: path).map { .init(name: $0.name, tree: $0.tree) }
            } else if let bytes = try Files.read(path, limit: 4 << 20) {
                let item = DescriptorFile(file: path, bytes: bytes)
                if path.split(separator: "/").last == Substring(ProjectConfiguration.fileName) {
                    folder.configurations.append(item)
                } else {
                    folder.descriptors.append(item)
                    let beside = Files.parent(of: path) + (item.kind == .family ? "" : "/\(DescriptorKind.family.folder)")
                    if item.kind == .family || item.kind == .preset { folder.families += try read(beside) }
                }
            } else {
                throw ForgeError(
                    .configuration, "preset.no-file", "there is no file or folder `\(path)`",
                    hint: "name a descriptor, a folder of them, or a `\(ProjectConfiguration.fileName)`")
            }
        }
        let asked = Set(folder.descriptors.map(\.file))
        folder.families = folder.families.filter { !asked.contains($0.file) }
        return folder
    }

    static func cases(in folder: String) throws -> [(name: String, tree: LooseFolder)] {
        let path = "\(folder)/\(casesName)"
        guard Files.isDirectory(path) else { return [] }
        return try Files.list(path).sorted().filter { Files.isDirectory("\(path)/\($0)") }.map { ($0, LooseFolder(path: "\(path)/\($0)")) }
    }

    private static func read(_ folder: String) throws -> [DescriptorFile] {
        guard Files.isDirectory(folder) else { return [] }
        return try Files.list(folder).sorted().filter { $0.hasSuffix(".toml") && $0 != ProjectConfiguration.fileName }.compactMap { name in
            let file = "\(folder)/\(name)"
            return try Files.read(file, limit: 4 << 20).map { DescriptorFile(file: file, bytes: $0) }
        }
    }
}
