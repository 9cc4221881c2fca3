import Foundation
package import Glibc

/// What is wrong with a test's surroundings, in words.
package struct TestSupportError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// A running program whose output goes to two files, so that it never waits for a reader.
package final class Child: Sendable {
    package let pid: pid_t
    package let commandLine: String
    private let outputPath: String
    private let errorPath: String
    private let ending: Task<Int32, Never>

    /// - Parameters:
    ///   - program: an absolute path.
    ///   - files: a folder for the output files; removed by its owner.
    package init(_ program: String, _ arguments: [String], environment: [String: String], directory: String, files: String) throws {
        let name = UUID().uuidString
        (outputPath, errorPath) = ("\(files)/\(name).out", "\(files)/\(name).err")
        commandLine = ([program] + arguments).joined(separator: " ")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // A socket of another test that lived on in here would never be seen to close.
        try CloseFrom.add(to: &actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var pid = pid_t()
        let words = environment.map { "\($0.key)=\($0.value)" }
        // `env` changes the folder and becomes the program: the process keeps its id.
        let status = CStrings.with(["env", "-C", directory, program] + arguments) { argv in
            CStrings.with(words) { posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, argv, $0) }
        }
        guard status == 0 else { throw TestSupportError("`\(commandLine)` could not be started: \(String(cString: strerror(status)))") }
        self.pid = pid
        ending = Task { [pid] in
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    var status: Int32 = 0
                    while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
                    continuation.resume(returning: status)
                }
            }
        }
    }

    package var output: String { Self.text(outputPath) }
    package var error: String { Self.text(errorPath) }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    package func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for the end; past the deadline the program is killed and the wait fails.
    package func finish(within seconds: Int = 120) async throws -> ForgeRun {
        let deadline = Task { [pid] in
            try await Task.sleep(for: .seconds(seconds))
            kill(pid, SIGKILL)
        }
        let status = await ending.value
        deadline.cancel()
        if case .success = await deadline.result {
            throw TestSupportError("`\(commandLine)` did not end within \(seconds) s; it said:\n\(error)\(output)")
        }
        // Shells and `forge` agree: a signal is told as 128 and its number.
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return ForgeRun(exitCode: code, output: output, error: error)
    }

    /// Waits until a whole line of standard error makes `condition` true and gives that line.
    package func errorLine(within seconds: Int = 60, where condition: (String) -> Bool) async throws -> String {
        try await eventually("a line of `\(commandLine)`", within: seconds, else: { self.error + self.output }) {
            let whole = error.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            return whole.lazy.map(String.init).first(where: condition)
        }
    }
}

/// What a program did.
package struct ForgeRun: Sendable, Hashable {
    package let exitCode: Int32
    package let output: String
    package let error: String

    package init(exitCode: Int32, output: String, error: String) {
        self.exitCode = exitCode
        self.output = output
        self.error = error
    }

    /// Standard output, which must be one JSON value and nothing else.
    package func json() throws -> JSON {
        do { return try JSONDecoder().decode(JSON.self, from: Data(output.utf8)) } catch {
            throw TestSupportError("standard output is not one JSON value: \(error)\n\(output)\(self.error)")
        }
    }

    /// Standard error, each line of which must be a JSON object.
    package func events() throws -> [JSON] {
        try error.split(separator: "\n").map { line in
            do { return try JSONDecoder().decode(JSON.self, from: Data(line.utf8)) } catch {
                throw TestSupportError("not a line of JSON: \(line)")
            }
        }
    }
}

/// Waits until `value` gives something, by looking again and again; fails past the deadline with what `else` says.
package func eventually<Value>(
    _ what: String, within seconds: Int = 30, else detail: () -> String = { "" }, isolation: isolated (any Actor)? = #isolation,
    _ value: () throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try value() { return value }
        guard ContinuousClock.now < deadline else { throw TestSupportError("waited \(seconds) s for \(what) in vain\n\(detail())") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// A function of glibc 2.34 that its Swift module leaves out.
private enum CloseFrom {
    private typealias Function = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt

    static func add(to actions: inout posix_spawn_file_actions_t, _ first: CInt) throws {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
            throw TestSupportError("this C library cannot close a child's descriptors")
        }
        guard unsafeBitCast(symbol, to: Function.self)(&actions, first) == 0 else { throw TestSupportError("no memory") }
    }
}

private enum CStrings {
    /// `body` gets a null-terminated array of C strings.
    static func with<Result>(_ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { pointers.forEach { free($0) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }
}
