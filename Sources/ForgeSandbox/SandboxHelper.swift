internal import ForgeSystem

/// `forge-sandbox` as started for one run, and the ends of its pipes that stay here.
struct SandboxHelper: Sendable {
    /// The outer process: once it has ended, so has everything in the sandbox, unless it was killed.
    let child: ChildProcess
    let lifeline: Lifeline
    /// Standard output and error of the command; ends with its last writer.
    let output: Descriptor
    let report: Descriptor

    /// Starts `forge-sandbox` in the run directory `home`, where `etc` is.
    /// - Parameters:
    ///   - arguments: what is particular to this kind of run.
    ///   - disk: what bounds its writes.
    ///   - configuration: the bundle's `config.json`, to be read from its beginning.
    ///   - locks: held by the helper as long as anything of the run lives, beside the range's own.
    static func launch(
        _ installation: SandboxInstallation, _ arguments: [String], disk: [String] = ["--image", "disk.img"], configuration: Descriptor,
        in home: String, range: IDRange, locks: [FileLock] = []
    ) throws -> SandboxHelper {
        let group = installation.group(ofRun: home)
        let common = disk + ["--runtime", installation.runtime.path, "--id", group.name, "--cgroup", group.path]
        return try launch(
            installation.helper, installation.idArguments(range) + common + arguments, input: configuration, in: home,
            locks: [range.lock] + locks)
    }

    /// Starts the program `helper` with its pipes; `input` is its standard input.
    static func launch(
        _ helper: String, _ arguments: [String], input: Descriptor, in home: String, locks: [FileLock]
    ) throws -> SandboxHelper {
        let (outputEnd, childOutput) = try Descriptor.pipe()
        let (childLifeline, lifelineEnd) = try Descriptor.pipe()
        let (reportEnd, childReport) = try Descriptor.socketPair()
        var descriptors: [Int32: Descriptor] = [0: input, 1: childOutput, 2: childOutput, 3: childLifeline, 4: childReport]
        for (index, lock) in locks.enumerated() { descriptors[Int32(5 + index)] = lock.descriptor }
        let child = try ChildProcess.spawn(
            .init(
                helper, arguments, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"], workingDirectory: home,
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
