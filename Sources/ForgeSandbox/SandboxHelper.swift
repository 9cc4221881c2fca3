internal import ForgeSystem

/// `forge-sandbox` as started for one run, and the ends of its pipes that stay here.
struct SandboxHelper: Sendable {
    /// The outer process: once it has ended, so has everything in the sandbox, unless it was killed.
    let child: ChildProcess
    let lifeline: Lifeline
    /// Standard output and error of the command; ends with its last writer.
    let output: Descriptor
    let report: Descriptor

    /// Starts `forge-sandbox` in the run directory `home`, where `etc` and `disk.img` are.
    /// - Parameters:
    ///   - arguments: what is particular to this kind of run.
    ///   - configuration: the bundle's `config.json`, to be read from its beginning.
    ///   - locks: held by the helper as long as anything of the run lives, beside the range's own.
    static func launch(
        _ installation: SandboxInstallation, _ arguments: [String], configuration: Descriptor, in home: String, range: IDRange,
        locks: [FileLock] = []
    ) throws -> SandboxHelper {
        let (outputEnd, childOutput) = try Descriptor.pipe()
        let (childLifeline, lifelineEnd) = try Descriptor.pipe()
        let (reportEnd, childReport) = try Descriptor.socketPair()
        let name = ControlGroup(ofRun: home).name
        var descriptors: [Int32: Descriptor] = [0: configuration, 1: childOutput, 2: childOutput, 3: childLifeline, 4: childReport]
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
