package import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The deploy targets that are installed.
package struct TargetCatalog: Sendable {
    private let directories: [String]
    private let programs: [String]

    /// `directories` hold one folder a plugin, each with its `plugin.toml`; an earlier directory wins over a later one.
    /// A plugin's program is looked for in its folder, then in `programs`.
    package init(directories: [String], programs: [String]) {
        self.directories = directories
        self.programs = programs
    }

    /// What was found, by name, and what is wrong with the rest.
    package func list() async throws -> (targets: [TargetDescriptor], faults: [ForgeError]) {
        try await BlockingPool.run { try scan() }
    }

    /// The target called `name`; without a name the one for `kind`.
    /// - Throws: `ForgeError` `target.unknown`, `target.ambiguous`, `target.wrong-kind`, or the fault that hides it.
    package func target(named name: String?, for kind: Artifact.Kind) async throws -> TargetDescriptor {
        let (targets, faults) = try await list()
        if let name {
            guard let target = targets.first(where: { $0.name == name }) else { throw faults.first ?? unknown(name, targets) }
            guard target.kinds.contains(kind) else {
                let kinds = target.kinds.map { "`\($0.rawValue)`" }.joined(separator: ", ")
                throw ForgeError(
                    .deploy, "target.wrong-kind", "target `\(name)` does not take a `\(kind.rawValue)` artifact: it takes \(kinds)")
            }
            return target
        }
        let fitting = targets.filter { $0.kinds.contains(kind) }
        if let own = fitting.first(where: { $0.name == kind.rawValue }) ?? (fitting.count == 1 ? fitting[0] : nil) { return own }
        guard fitting.isEmpty else {
            throw ForgeError(
                .usage, "target.ambiguous", "several targets take a `\(kind.rawValue)` artifact", hint: "choose one: " + names(fitting))
        }
        throw faults.first
            ?? ForgeError(.deploy, "target.unknown", "no target takes a `\(kind.rawValue)` artifact", hint: known(targets))
    }

    private func scan() throws -> (targets: [TargetDescriptor], faults: [ForgeError]) {
        var targets: [String: TargetDescriptor] = [:]
        var faults: [ForgeError] = []
        for directory in directories {
            for folder in try Files.list(directory).sorted() {
                do {
                    guard let target = try TargetDescriptor.read(folder: "\(directory)/\(folder)", programs: programs) else { continue }
                    if targets[target.name] == nil { targets[target.name] = target }
                } catch let fault as ForgeError {
                    faults.append(fault)
                }
            }
        }
        return (targets.values.sorted { $0.name < $1.name }, faults)
    }

    private func unknown(_ name: String, _ targets: [TargetDescriptor]) -> ForgeError {
        ForgeError(.usage, "target.unknown", "no target named `\(name)`", hint: known(targets))
    }

    private func known(_ targets: [TargetDescriptor]) -> String {
        guard targets.isEmpty else { return "installed: " + names(targets) }
        return "no targets are installed in " + directories.map { "`\($0)`" }.joined(separator: ", ")
    }

    private func names(_ targets: [TargetDescriptor]) -> String { targets.map { "`--target \($0.name)`" }.joined(separator: ", ") }
}

extension Files {
    /// Whether `path` is a file that this process may run.
    static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isDirectory(path) }
}
