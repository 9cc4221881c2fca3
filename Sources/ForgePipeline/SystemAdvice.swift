internal import ForgeModel
internal import ForgePresets
internal import ForgeSystem

/// Tells somebody whose native module did not build which package of the system it wants.
struct SystemAdvice: Sendable {
    /// Folder of the presets.
    let presets: String
    /// Packages that the project names already.
    let present: [String]

    func text(for log: String) async -> String? {
        let parts = MissingPart.all(in: log)
        guard !parts.isEmpty else { return nil }
        let file = "\(presets)/system/debian.toml"
        let bytes = try? await BlockingPool.run { try Files.read(file, limit: 1 << 20) }
        // A table that cannot be read is no reason to hide why the step failed.
        let packages = (try? bytes.flatMap { try SystemPackages(parsing: $0, file: file) }) ?? SystemPackages()
        for part in parts {
            let installed = part.package(in: packages) == nil ? await owner(of: part) : nil
            if let advice = part.advice(packages, installed: installed, present: present) { return advice }
        }
        return nil
    }

    /// Which package of this machine has a header of that name, should it be one of Debian's.
    private func owner(of part: MissingPart) async -> String? {
        guard part.kind == .header, Files.exists("/usr/bin/dpkg-query") else { return nil }
        let request = ChildProcess.Request(
            "/usr/bin/dpkg-query", ["--search", "/usr/include/\(part.name)", "/usr/include/*-linux-gnu/\(part.name)"])
        guard let answer = try? await ChildProcess.output(request) else { return nil }
        return String(decoding: answer.output, as: UTF8.self).split(separator: "\n").first.map {
            String($0.prefix { $0 != ":" && $0 != "," })
        }
    }
}
