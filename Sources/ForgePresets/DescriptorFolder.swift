package import ForgeModel
internal import Foundation

/// All that a folder of presets holds.
package struct DescriptorFolder: Sendable {
    package let path: String
    /// In the order of `files(in:list:)`.
    package let descriptors: [DescriptorFile]
    /// What commands of descriptors carry in full.
    package let programs: [DescriptorFile]

    /// - Parameter files: those of `files(in:list:)`.
    package init(_ path: String, files: [DescriptorFile]) {
        self.path = path
        descriptors = files.filter { !Self.isProgram($0.file) }
        programs = files.filter { Self.isProgram($0.file) }
    }

    /// Reads every file. Blocks.
    /// - Throws: `ForgeError` `preset.unreadable`
    package init(reading path: String) throws {
        do {
            let files = try Self.files(in: path) { folder in
                guard FileManager.default.fileExists(atPath: folder) else { return [] }
                return try FileManager.default.contentsOfDirectory(atPath: folder)
            }
            self.init(path, files: try files.map { DescriptorFile(file: $0, bytes: Array(try Data(contentsOf: URL(fileURLWithPath: $0)))) })
        } catch { throw Self.unreadable(path, error) }
    }

    /// Where descriptors and programs lie: those of one kind after those of another, each sorted by name.
    /// - Parameter list: the names of what is in a folder, in any order; none where there is no such folder.
    package static func files(in path: String, list: (_ folder: String) throws -> [String]) throws -> [String] {
        let kinds = DescriptorKind.allCases.map { ($0.folder, [".toml"]) } + [(programFolder, programSuffixes)]
        return try kinds.flatMap { name, suffixes in
            let folder = name.isEmpty ? path : "\(path)/\(name)"
            return try list(folder).sorted().filter { name in suffixes.contains(where: name.hasSuffix) }.map { "\(folder)/\($0)" }
        }
    }

    package static func unreadable(_ path: String, _ cause: any Error) -> ForgeError {
        ForgeError(.configuration, "preset.unreadable", "presets in `\(path)` cannot be read", cause: cause)
    }

    private static let programFolder = "programs"
    private static let programSuffixes = [".py", ".sh"]

    private static func isProgram(_ file: String) -> Bool { programSuffixes.contains(where: file.hasSuffix) }
}
