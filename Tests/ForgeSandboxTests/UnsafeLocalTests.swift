import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Synchronization
import Testing

/// `--unsafe-local`: what still holds when nothing isolates.
@Suite struct UnsafeLocalTests {
    private struct Outcome {
        let ending: SandboxResult.Ending
        let output: String
        /// Path → text of what was new or changed.
        let changed: [String: String]
    }

    private func run(_ line: String, limits: Step.Limits = .small, onOutput: @escaping @Sendable (String) -> Void = { _ in }) async throws
        -> Outcome
    {
        let folder = NSTemporaryDirectory() + "/forge-unsafe-test-" + UUID().uuidString
        defer { try? Files.removeTree(folder) }
        for (path, text) in ["lower/kept": "lower", "lower/sub/deep/changed": "lower", "lower/gone": "lower", "upper/kept": "upper"] {
            try Files.makeDirectory(Files.parent(of: "\(folder)/\(path)"))
            try Files.writeAtomically(Array(text.utf8), to: "\(folder)/\(path)")
        }
        let heard = Mutex<[UInt8]>([])
        let sandbox = UnsafeLocalSandbox(helper: BuildProducts.executable("forge-sandbox"), directory: "\(folder)/sandboxes")
        let request = SandboxRequest(
            layers: ["\(folder)/upper", "\(folder)/lower"], command: ["/bin/sh", "-c", line], environment: SandboxWorld.environment,
            workingDirectory: .root, limits: limits)
        return try await sandbox.run(
            request,
            output: { bytes in
                let all = heard.withLock {
                    $0.append(contentsOf: bytes)
                    return String(decoding: $0, as: UTF8.self)
                }
                onOutput(all.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        ) { result in
            Outcome(
                ending: result.ending, output: heard.withLock { String(decoding: $0, as: UTF8.self) },
                changed: try Folder.texts("/proc/self/fd/\(result.upper.raw)/."))
        }
    }

    @Test func aStepWorksInACopyOfItsLayersAndWhatItChangedIsToldApart() async throws {
        let outcome = try await run(
            "cat kept && echo step > sub/deep/changed && rm gone && mkdir new && echo new > new/file && umask && pwd | sed s,.*/,,")
        #expect(outcome.ending == .exited(0))
        #expect(outcome.output == "upper0022\nworkspace\n")
        #expect(outcome.changed == ["sub/deep/changed": "step\n", "new/file": "new\n"])
    }

    @Test func theStepHasACleanEnvironmentAndNoRights() async throws {
        setenv("FORGE_TEST_OPERATORS_SECRET", "hunter2", 1)
        let outcome = try await run(
            "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; id -u; id -G; grep -E 'NoNewPrivs|CapEff' /proc/self/status; ls /proc/self/fd")
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines[0] == "CI HOME LANG PATH PWD SOURCE_DATE_EPOCH TMPDIR TZ USER ")
        #expect(lines[1] != "0")
        #expect(lines[1] == lines[2], "its one group is its own")
        #expect(Array(lines[3...4]) == ["CapEff:\t0000000000000000", "NoNewPrivs:\t1"])
        // The fourth is the folder that `ls` lists.
        #expect(Array(lines[5...]) == ["0", "1", "2", "3"])
    }

    @Test(.enabled(if: Confinement.landlockVersion > 0)) func theStepNeitherReadsNorWritesWhatLiesElsewhere() async throws {
        let secret = NSTemporaryDirectory() + "/forge-unsafe-secret-" + UUID().uuidString
        try Data("secret".utf8).write(to: URL(filePath: secret))
        chmod(secret, 0o666)
        defer { unlink(secret) }
        let outcome = try await run(
            "cat \(secret); echo x > \(secret); echo x > /var/tmp/forge-unsafe-outside; touch $HOME/a $TMPDIR/b && echo own")
        #expect(outcome.output.contains("own\n"))
        #expect(!outcome.output.contains("secret\n"))
        #expect(FileManager.default.contents(atPath: secret) == Data("secret".utf8))
        #expect(!Files.exists("/var/tmp/forge-unsafe-outside"))
    }

    @Test func aFailingCommandIsAResult() async throws {
        #expect(try await run("exit 3").ending == .exited(3))
        #expect(try await run("kill -9 $$").ending == .signaled(9))
    }

    /// A command line, a limit that it exceeds, and that limit's name.
    @Test(arguments: [
        ("sleep 86400", SandboxResult.Limit.time), ("python3 -c 'x = bytearray(900 << 20)' || kill -9 $$; :", .memory),
        ("while :; do sleep 86400 & done", .processes), ("yes", .log),
    ]) func eachLimitEndsTheStep(line: String, limit: SandboxResult.Limit) async throws {
        var limits = Step.Limits.small
        limits.timeoutSeconds = limit == .time ? 1 : 60
        limits.processes = 40
        limits.memoryBytes = 200 << 20
        let ending = try await run(line, limits: limits).ending
        // Memory is held for each process by refusing it more.
        if limit == .memory { #expect(ending == .signaled(9)) } else { #expect(ending == .exceeded(limit)) }
    }

    @Test func nothingThatAStepStartedOutlivesIt() async throws {
        let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
        let line =
            "(setsid sh -c 'trap \"\" TERM; : > a; sleep \(marker)' &); setsid sh -c ': > b; exec sleep \(marker)' & "
            + "until [ -e a ] && [ -e b ]; do :; done; echo up"
        let outcome = try await run(line)
        #expect(outcome.ending == .exited(0))
        #expect(outcome.output == "up\n")
        #expect(Machine.processes { $0.contains(marker) } == [])
    }

    /// Which of the two processes that watch over the step is killed.
    @Test(arguments: [0, 1]) func killingWhoWatchesOverAStepEndsItWithItsGrandchildren(watcher: Int) async throws {
        let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
        let line =
            "(setsid sh -c 'trap \"\" TERM; : > a; sleep \(marker)' &); (setsid sh -c '(setsid sh -c \": > b; exec sleep \(marker)\" &)' &); "
            + "until [ -e a ] && [ -e b ]; do :; done; pwd; sleep \(marker)"
        let killed = Mutex(false)
        await #expect {
            _ = try await run(line) { folder in
                let watchers = Self.watchers(over: folder)
                guard watchers.count == 2, !killed.withLock({ $0 }) else { return }
                killed.withLock { $0 = kill(watchers[watcher], SIGKILL) == 0 }
            }
        } throws: {
            ($0 as? ForgeError)?.code == "sandbox.lost"
        }
        #expect(killed.withLock { $0 })
        #expect(Machine.processes { $0.contains(marker) } == [])
    }

    /// The two `forge-sandbox` whose step works in `folder`, the guard first.
    private static func watchers(over folder: String) -> [pid_t] {
        let own = Files.parent(of: folder)
        return Folder.names("/proc").compactMap { pid_t($0) }.filter { pid in
            let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) ?? ""
            let place = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")) ?? ""
            return program.hasSuffix("/forge-sandbox") && place == own
        }.sorted()
    }

    @Test func cancellingEndsAStepAndAllItStarted() async throws {
        let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
        let (started, go) = AsyncStream.makeStream(of: Void.self)
        let task = Task { try await run("setsid sleep \(marker) & echo up; wait", onOutput: { _ in go.yield() }) }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(Machine.processes { $0.contains(marker) } == [])
    }
}
