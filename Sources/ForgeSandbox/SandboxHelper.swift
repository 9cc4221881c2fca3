internal import ForgeModel
internal import ForgeSystem
internal import Glibc

/// `forge-sandbox` as started for one run, and the ends of its pipes that stay here.
struct SandboxHelper: Sendable {
    /// The outer process: once it has ended, so has everything in the sandbox, unless it was killed.
    let child: ChildProcess
    let lifeline: Lifeline
    /// Standard output and error of the command; ends with its last writer.
    let output: Descriptor
    let report: Descriptor

    /// Starts `forge-sandbox` in the run directory `home`, where the bundle and `disk.img` are.
    /// - Parameters:
    ///   - arguments: what is particular to this kind of run.
    ///   - locks: held by the helper as long as anything of the run lives, beside the range's own.
    static func launch(
        _ installation: SandboxInstallation, _ arguments: [String], in home: String, range: IDRange, locks: [FileLock] = []
    ) throws -> SandboxHelper {
        let (outputEnd, childOutput) = try Descriptor.pipe()
        let (childLifeline, lifelineEnd) = try Descriptor.pipe()
        let (reportEnd, childReport) = try Descriptor.socketPair()
        let name = ControlGroup(ofRun: home).name
        var descriptors: [Int32: Descriptor] = [1: childOutput, 2: childOutput, 3: childLifeline, 4: childReport]
        for (index, lock) in ([range.lock] + locks).enumerated() { descriptors[Int32(5 + index)] = lock.descriptor }
        let common = [
            "--base", "\(range.base)", "--count", "\(IDRange.count)", "--user", "\(SandboxWorld.userID)", "--image", "disk.img",
            "--runtime", installation.runtime.path, "--id", name, "--cgroup", name,
        ]
        let child = try ChildProcess.spawn(
            .init(
                installation.helper, common + arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], workingDirectory: home,
                descriptors: descriptors, newSession: true))
        return SandboxHelper(child: child, lifeline: Lifeline(lifelineEnd), output: outputEnd, report: reportEnd)
    }

    /// Hands the command's output on until its last writer is gone. Blocks.
    func pump(to output: (UnsafeRawBufferPointer) -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try self.output.read(into: buffer)
            if count == 0 { return }
            output(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}

/// What every sandbox of this machine needs: root, the helper, an OCI runtime and a folder for run directories.
struct SandboxInstallation: Sendable {
    let runtime: OCIRuntime
    let helper: String
    let directory: String

    /// Checks that this machine can isolate at all, and removes what a killed Forge left below `directory`.
    /// - Throws: `ForgeError` naming the missing layer, `needsRoot` for the first of them; there is no silent fallback.
    static func open(
        helper: String, directory: String, runtime preferred: String?, needsRoot: ForgeError
    ) async throws -> SandboxInstallation {
        guard geteuid() == 0 else { throw needsRoot }
        guard Files.exists(helper) else {
            throw ForgeError(.build, "sandbox.no-helper", "`\(helper)` is missing", hint: "build Forge whole: `make build`")
        }
        let runtime = try await OCIRuntime.find(preferred: preferred)
        try await sweep(directory)
        return SandboxInstallation(runtime: runtime, helper: helper, directory: directory)
    }

    /// Removes run directories, disks and cgroups of makers that no longer live.
    static func sweep(_ directory: String) async throws {
        for name in try await BlockingPool.run({ try TemporaryDirectory.sweep(directory) }) { await ControlGroup(ofRun: name).remove() }
    }

    /// Why a run could not be set up, or its command not be started.
    func reason(_ report: SandboxReport, in home: String) async throws -> String {
        if let failure = report.failure { return failure }
        let said = try await BlockingPool.run {
            let log = try Files.read("\(home)/runtime.log", limit: 1 << 16) ?? []
            return String(decoding: log, as: UTF8.self).split(separator: "\n").last.map(String.init)
        }
        return said ?? "`forge-sandbox` died"
    }
}
