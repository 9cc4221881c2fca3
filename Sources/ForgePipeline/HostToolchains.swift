internal import ForgeModel
internal import ForgeSystem
internal import Foundation
internal import Glibc

/// What the host's own compilers and interpreters are, for the steps' keys: version and SHA-256 of each executable.
///
/// Hashing a large executable takes longer than a cached build, so results are remembered by path, inode, size and times.
struct HostToolchains {
    private struct Memo: Codable {
        var stamp: String
        var identity: String
    }

    /// The sandbox's search path, on the host.
    static let searchPath = ["/usr/local/bin", "/usr/bin", "/bin"]

    /// Debian's packages whose names are not those of their programs.
    private static let packages = [
        "node": "nodejs", "java": "default-jdk", "javac": "default-jdk", "mvn": "maven", "bundle": "bundler", "php": "php-cli",
        "mix": "elixir", "stack": "haskell-stack", "cobc": "gnucobol",
    ]

    /// What makes a toolchain up on the host.
    struct Programs {
        let executables: [String]
        /// Prints the version; none: the first program is asked in the usual ways.
        let versionCommand: [String]
    }

    let memoPath: String

    /// What an artifact that needs these toolchains says about them, and the files behind them. Call after `identify`.
    /// `toolchains` as there; `identities` what that gave.
    static func runtimes(
        _ names: [String], executables: [String: [String]], identities: [String: String]
    ) throws -> (runtimes: [Runtime], files: Set<String>) {
        var runtimes: [Runtime] = []
        var files: Set<String> = []
        for name in names.sorted() {
            guard let program = executables[name]?.first, let version = identities[name]?.split(separator: " ").first,
                let directory = searchPath.first(where: { Files.exists("\($0)/\(program)") })
            else { continue }
            runtimes.append(Runtime(name: name, version: String(version), executable: "\(directory)/\(program)"))
            files.formUnion(["\(directory)/\(program)", try locate(program, of: name)])
        }
        return (runtimes, files)
    }

    /// Name → identity (`20.20.2 sha256:…`) of each toolchain.
    /// - Throws: `ForgeError` naming a toolchain that is not installed.
    func identify(_ toolchains: [String: Programs]) async throws -> [String: String] {
        guard !toolchains.isEmpty else { return [:] }
        let stored = try? JSONDecoder().decode([String: Memo].self, from: Data(Files.read(memoPath) ?? []))
        var memo = stored ?? [:]
        var identities: [String: String] = [:]
        var changed = false
        for (name, programs) in toolchains.sorted(by: { $0.key < $1.key }) {
            let paths = try programs.executables.map { try Self.locate($0, of: name) }
            let stamp = (try paths.map(Self.stamp) + programs.versionCommand).joined(separator: " ")
            if memo[name]?.stamp != stamp {
                let version = await Self.version(programs.versionCommand, orOf: paths[0])
                memo[name] = Memo(stamp: stamp, identity: "\(version) \(try await Self.measure(paths))")
                changed = true
            }
            identities[name] = memo[name]?.identity
        }
        if changed {
            try Files.makeDirectory(Files.parent(of: memoPath), mode: 0o700)
            try Files.writeAtomically(Array(JSONEncoder().encode(memo)), to: memoPath)
        }
        return identities
    }

    private static func locate(_ executable: String, of toolchain: String) throws -> String {
        for directory in searchPath {
            guard let path = realpath("\(directory)/\(executable)", nil) else { continue }
            defer { free(path) }
            return String(cString: path)
        }
        throw ForgeError(
            .build, "toolchain.missing", "`\(executable)` is not installed, and the project needs \(toolchain)",
            hint: "install it below /usr, where steps see it: `apt-get install \(Self.packages[executable] ?? executable)`")
    }

    private static func stamp(_ path: String) throws -> String {
        // An open file's: the path may be a link.
        let signature = try Descriptor.open(path, O_RDONLY).signature()
        return "\(path):\(signature.inode):\(signature.size):\(signature.modified):\(signature.changed)"
    }

    private static func measure(_ paths: [String]) async throws -> Digest {
        try await BlockingPool.run {
            var hasher = DigestHasher()
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
            defer { buffer.deallocate() }
            for path in paths {
                let file = try Descriptor.open(path, O_RDONLY)
                while true {
                    let count = try file.read(into: buffer)
                    if count == 0 { break }
                    hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
            }
            return hasher.finish()
        }
    }

    /// The first dotted number a program prints about itself; `?` when it tells none.
    private static func version(_ command: [String], orOf path: String) async -> String {
        let own = command.first.flatMap { program in searchPath.map { "\($0)/\(program)" }.first(where: Files.exists) }
        for words in own.map({ [[$0] + command.dropFirst()] }) ?? [[path, "--version"], [path, "version"]] {
            let request = ChildProcess.Request(
                words[0], Array(words.dropFirst()), environment: ["PATH": searchPath.joined(separator: ":"), "LANG": "C.UTF-8"])
            guard let result = try? await ChildProcess.output(request), result.status.isSuccess else { continue }
            let text = String(decoding: result.output, as: UTF8.self)
            if let match = text.firstMatch(of: /[0-9]+\.[0-9]+(\.[0-9]+)?/) { return String(match.output.0) }
        }
        return "?"
    }
}
