internal import CForgeSystem
internal import Glibc

/// A child process, known by its pidfd: a signal can never hit a stranger that got the same number.
package struct ChildProcess: Sendable {
    package struct Request: Sendable {
        package var executable: String
        package var arguments: [String]
        package var environment: [String: String]
        package var workingDirectory: String?
        /// Child number → descriptor here. 0, 1 and 2 that are not named are `/dev/null`; all else is closed.
        package var descriptors: [Int32: Descriptor]
        /// A session of its own: no terminal, and Ctrl-C at the terminal does not reach it.
        package var newSession: Bool

        /// `executable` is an absolute path; `arguments` come after argv[0].
        package init(
            _ executable: String, _ arguments: [String], environment: [String: String] = [:], workingDirectory: String? = nil,
            descriptors: [Int32: Descriptor] = [:], newSession: Bool = false
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.descriptors = descriptors
            self.newSession = newSession
        }
    }

    package enum ExitStatus: Hashable, Sendable {
        case exited(Int32)
        case signaled(Int32)

        package var isSuccess: Bool { self == .exited(0) }
    }

    package let pid: Int32
    private let pidfd: Descriptor

    /// Blocks about a millisecond.
    package static func spawn(_ request: Request) throws -> ChildProcess {
        var descriptors = request.descriptors
        let null = try Descriptor.open("/dev/null", O_RDWR)
        for number in Int32(0)...2 where descriptors[number] == nil { descriptors[number] = null }
        let map = descriptors.sorted { $0.key < $1.key }.map { forge_fd_map(parent: $0.value.raw, child: $0.key) }
        var pid: pid_t = 0
        var pidfd: Int32 = -1
        let environment = request.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let result = withCStrings([request.executable] + request.arguments) { argv in
            withCStrings(environment) { envp in
                forge_spawn(
                    request.executable, argv, envp, request.workingDirectory, map, map.count, request.newSession ? 1 : 0, &pid, &pidfd)
            }
        }
        withExtendedLifetime(descriptors) {}
        try checked(result, "posix_spawn", request.executable)
        return ChildProcess(pid: pid, pidfd: Descriptor(owning: pidfd))
    }

    /// Waits for the end. Call once.
    package func wait() async throws -> ExitStatus {
        try await BlockingPool.run { try waitBlocking() }
    }

    /// The same on the calling thread, for a child that dies with the thread that started it.
    package func waitBlocking() throws -> ExitStatus {
        var code: Int32 = 0
        var signaled: Int32 = 0
        try checked(forge_wait(pidfd.raw, &code, &signaled), "waitid", "child")
        return signaled == 1 ? .signaled(code) : .exited(code)
    }

    /// Sends `signal`; a child that is gone already is no error.
    package func signal(_ signal: Int32) { _ = forge_pidfd_signal(pidfd.raw, signal) }

    package func kill() { signal(SIGKILL) }

    /// The same for a process that is not this one's child but came with a pidfd.
    package static func signal(_ signal: Int32, toProcessBehind pidfd: Descriptor) { _ = forge_pidfd_signal(pidfd.raw, signal) }

    /// Runs a command to its end and returns what it wrote, at most `limit` bytes of each stream.
    /// The child is killed when the calling task is cancelled.
    package static func output(_ request: Request, limit: Int = 1 << 20) async throws -> (
        status: ExitStatus, output: [UInt8], error: [UInt8]
    ) {
        let (child, outputEnd, errorEnd) = try spawnPiped(request)
        return try await withTaskCancellationHandler {
            async let output = drain(outputEnd, limit: limit)
            async let error = drain(errorEnd, limit: limit)
            let status = try await child.wait()
            return try await (status, output, error)
        } onCancel: {
            child.kill()
        }
    }

    /// The write ends live only as long as this call, so the readers see the end when the child's copies close.
    private static func spawnPiped(_ request: Request) throws -> (ChildProcess, Descriptor, Descriptor) {
        var request = request
        let (outputEnd, childOutput) = try Descriptor.pipe()
        let (errorEnd, childError) = try Descriptor.pipe()
        request.descriptors[1] = childOutput
        request.descriptors[2] = childError
        return (try spawn(request), outputEnd, errorEnd)
    }

    /// Reads to the end so that the child never blocks, and keeps the first `limit` bytes.
    private static func drain(_ descriptor: Descriptor, limit: Int) async throws -> [UInt8] {
        try await BlockingPool.run {
            let kept = try descriptor.readAll(limit: limit)
            while try !descriptor.readAll(limit: 1 << 16).isEmpty {}
            return kept
        }
    }
}

/// A NULL-terminated array of C strings that lives during `body`.
private func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    pointers.append(nil)
    defer { pointers.forEach { free($0) } }
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}
