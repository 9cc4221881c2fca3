internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// The proof that the layers hold: a container that came up and said so, once for each boot, runtime and way of using it. Remembered
/// where a boot empties it for root, else beside the run directories.
struct SandboxVerification {
    private let installation: SandboxInstallation
    private let options: SandboxInstallation.Options

    init(_ installation: SandboxInstallation, _ options: SandboxInstallation.Options) {
        self.installation = installation
        self.options = options
    }

    /// The installation as it works here.
    /// - Throws: `ForgeError` with what the container proved to lack.
    func verified() async throws -> SandboxInstallation {
        let path = try await BlockingPool.run { try memo() }
        if !options.verifiesAnew, let known = try Files.read(path, limit: 64) { return installation.copyingLayers(known == Self.copied) }
        let working = installation.copyingLayers(try await needsCopies())
        try await RuntimeProbe(sandbox: OCISandbox(installation: working)).run(in: working.directory)
        try await BlockingPool.run {
            try Files.makeDirectory(Files.parent(of: path), mode: 0o700)
            try Files.writeAtomically(working.copiesLayers ? Self.copied : Self.mapped, to: path, mode: 0o600)
        }
        return working
    }

    private static let mapped = Array("mapped\n".utf8)
    private static let copied = Array("copied\n".utf8)

    private func needsCopies() async throws -> Bool {
        if installation.isRootless { return false }
        if let told = options.copiesLayers { return told }
        return !(try await IDMapping.isAvailable(helper: installation.helper, for: installation.directory, installation.examination))
    }

    /// The file that stands for this proof; everything it rests on is in its name.
    private func memo() throws -> String {
        try Files.makeDirectory(installation.directory, mode: 0o700)
        func stamp(_ path: String) -> String {
            FileSignature.of(path).map { "\(path):\($0.inode):\($0.size):\($0.modified):\($0.changed)" } ?? path
        }
        let boot = String(decoding: try Files.read("/proc/sys/kernel/random/boot_id", limit: 64) ?? [], as: UTF8.self)
        var status = stat()
        guard stat(installation.directory, &status) == 0 else { throw SystemError.last("stat", installation.directory) }
        let words = [
            boot, stamp(installation.runtime.path), stamp(installation.helper), "\(status.st_dev)", installation.identity,
            "\(installation.user.id)", "\(options.copiesLayers.map(String.init) ?? "-")",
        ]
        let name = Digest(of: Array(words.joined(separator: "\n").utf8)).hex.prefix(32)
        return (installation.isRootless ? "\(installation.directory)/verified" : "/run/forge-verified") + "/\(name)"
    }
}
