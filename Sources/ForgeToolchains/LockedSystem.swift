package import ForgeModel
internal import ForgePresets

/// The packages of a distribution that are laid over a system, as `forge.lock` names them.
package struct LockedSystem: Hashable, Sendable {
    /// What it is, as in keys: `debian 12`, or `sha256:…` of an image.
    package let system: String
    /// Those that the project asks for, sorted.
    package let packages: [String]
    /// All that they brought, by name.
    package let files: [SystemPackage]

    package init(system: String, packages: [String], files: [SystemPackage]) {
        self.system = system
        self.packages = packages
        self.files = files.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
    }

    /// Of `used`, the ones that are not as they are locked here.
    package func changed(in used: [SystemPackage]) -> [SystemPackage] { files.filter { !used.contains($0) } }

    func drift(from lock: LockFile) -> Diagnostic? {
        guard let locked = lock.system(system, packages) else {
            let other = lock.systems.first { $0.packages == packages }
            let names = packages.map { "`\($0)`" }.joined(separator: ", ")
            return LockFile.remark(
                "the system packages \(names) are not locked for `\(system)`" + (other.map { ", but for `\($0.system)`" } ?? ""))
        }
        guard locked.files != files else { return nil }
        if let extra = files.first(where: { file in !locked.files.contains { $0.name == file.name } }) {
            return LockFile.remark("the system package `\(extra.name)` came too, and is not locked")
        }
        let names = locked.changed(in: files).map { "`\($0.name)`" }.joined(separator: ", ")
        return LockFile.remark("not as locked: the system packages \(names)")
    }

    var lines: [String] {
        ["", "[[system]]", "on = \(LockFile.quoted(system))"]
            + ["packages = [\(packages.map(LockFile.quoted).joined(separator: ", "))]", "files = ["]
            + files.map { "  \(LockFile.quoted("\($0.name)=\($0.version) \($0.architecture) \($0.file)/\($0.file.sizeBytes)"))," } + ["]"]
    }
}

extension LockFile {
    package func system(_ system: String, _ packages: [String]) -> LockedSystem? {
        systems.first { $0.system == system && $0.packages == packages }
    }
}

extension LockedSystem {
    init?(reading reader: TableReader) {
        let (system, packages) = (reader.requiredString("on"), reader.strings("packages") ?? [])
        let files = (reader.strings("files") ?? []).compactMap { line -> SystemPackage? in
            let words = line.value.wholeMatch(of: /([a-z0-9][a-z0-9+.-]+)=([A-Za-z0-9.+~:-]+) ([a-z0-9-]+) sha256:([0-9a-f]{64})\/([0-9]+)/)
            if let words = words?.output, let size = Int64(words.5), let file = try? Digest(hex: words.4, sizeBytes: size) {
                return SystemPackage(name: String(words.1), version: String(words.2), architecture: String(words.3), file: file)
            }
            reader.faults.add("`\(line.value)` names no system package by its SHA-256", at: line.location, hint: "run `forge lock`")
            return nil
        }
        reader.finish()
        guard let system else { return nil }
        self.init(system: system.value, packages: packages.map(\.value).sorted(), files: files)
    }
}
