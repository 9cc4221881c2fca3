internal import ForgeSystem
internal import Glibc

/// A running plugin with everything it started: a session of its own that is ended as one.
struct PluginProcess: Sendable {
    /// All a plugin gets to know of the machine: no variable of the user's is handed on.
    private static let environment = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"]

    let pipes: PluginPipes
    private let child: ChildProcess
    private let exit: Task<Void, Never>
    private let errorTail: Task<[UInt8], Never>

    static func start(_ executable: String) async throws -> PluginProcess {
        let pipes = try PluginPipes()
        let child = try await BlockingPool.run {
            try ChildProcess.spawn(
                ChildProcess.Request(
                    executable, [], environment: environment, workingDirectory: "/", descriptors: pipes.takeChildEnds(), newSession: true))
        }
        return PluginProcess(pipes: pipes, child: child)
    }

    private init(pipes: PluginPipes, child: ChildProcess) {
        self.pipes = pipes
        self.child = child
        exit = Task {
            await BlockingPool.run { Self.awaitExit(child.pid) }
            // What it left running would keep its streams open.
            Self.killGroup(child.pid)
        }
        errorTail = Task { await Self.tail(of: pipes) }
    }

    /// Ends the plugin: at once, or after it had `grace` to end by itself. Returns how it ended and its last words.
    func end(grace: Duration?) async -> (status: ChildProcess.ExitStatus?, lastWords: String) {
        pipes.closeInput()
        let timer = Task {
            if let grace { try? await Task.sleep(for: grace) }
            // The child is not reaped yet, so its number means no one else.
            if !Task.isCancelled { Self.killGroup(child.pid) }
        }
        await exit.value
        timer.cancel()
        await timer.value
        let status = try? await child.wait()
        pipes.interrupt(.cancelled)
        return (status, Self.plain(await errorTail.value))
    }

    /// Waits for the end without reaping.
    private static func awaitExit(_ pid: Int32) {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | Int32(WNOWAIT)) != 0 && errno == EINTR {}
    }

    private static func killGroup(_ pid: Int32) { kill(-pid, SIGKILL) }

    private static func tail(of pipes: PluginPipes) async -> [UInt8] {
        await BlockingPool.run {
            var kept: [UInt8] = []
            // Interrupted or broken, there is nothing more to keep.
            while let bytes = try? pipes.readError(), !bytes.isEmpty { kept = (kept + bytes).suffix(4096) }
            return kept
        }
    }

    /// The last lines, fit for a terminal.
    private static func plain(_ bytes: [UInt8]) -> String {
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map { PlainText.line($0, limit: 300) }
        return lines.filter { !$0.allSatisfy(\.isWhitespace) }.suffix(3).joined(separator: " / ")
    }
}

/// Text of a stranger on its way to a terminal.
enum PlainText {
    /// One line without control characters, cut at `limit` characters.
    static func line(_ text: some StringProtocol, limit: Int) -> String {
        let shown = text.unicodeScalars.prefix(limit).map { scalar in
            scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.properties.generalCategory == .format
                ? " " : String(scalar)
        }
        return shown.joined()
    }
}
