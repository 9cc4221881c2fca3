import ForgeModel
import ForgeSandbox
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Synchronization
import Testing

@Suite struct SandboxTests {
    @Test(arguments: ["crun", "runc"]) func aCommandSeesItsLayerAndItsWritesLandInTheUpperDirectory(runtime: String) async throws {
        let workshop = try await Workshop(runtime, files: ["a.txt": "hello\n"])
        let outcome = try await workshop.run("cat a.txt; echo more >> a.txt; echo new > b.txt; exit 3")
        #expect(outcome.ending == .exited(3))
        #expect(outcome.output == "hello\n")
        #expect(outcome.written == ["a.txt", "b.txt"])
        #expect(try Files.read(workshop.root + "/layer/a.txt") == Array("hello\n".utf8))
        #expect(try workshop.leftovers() == [])
    }

    @Test func theInsideIsTheSameOnEveryMachine() async throws {
        let workshop = try await Workshop()
        let outcome = try await workshop.run(
            "id -u; hostname; pwd; umask; cut -d' ' -f19 /proc/self/stat; date +%Z; tr '\\0' '\\n' < /proc/1/environ | sort")
        #expect(
            outcome.output
                == """
                1000
                forge
                /workspace
                0022
                0
                UTC
                CI=true
                HOME=/home/build
                LANG=C.UTF-8
                PATH=/usr/local/bin:/usr/bin:/bin
                SOURCE_DATE_EPOCH=315532800
                TMPDIR=/tmp
                TZ=UTC
                USER=build

                """)
    }

    @Test func noCapabilityNoHostProcessNoHostFileAndNoNetworkIsInside() async throws {
        let workshop = try await Workshop()
        let outcome = try await workshop.run(
            """
            grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
            ls -d /root /home/* /var/lib 2>/dev/null
            set -- /proc/[0-9]*; echo "$*"
            sed -n 's/^ *\\([a-z0-9]*\\):.*/\\1/p' /proc/net/dev
            unshare -U true 2>/dev/null || echo no namespaces
            mount -t tmpfs none /tmp 2>/dev/null || echo no mounts
            touch /usr/x 2>/dev/null || echo read-only
            """)
        #expect(
            outcome.output.split(separator: "\n").map { $0.replacing("\t", with: " ") } == [
                "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2", "/home/build", "/proc/1", "lo",
                "no namespaces", "no mounts", "read-only",
            ])
    }

    @Test func ordinaryToolsWorkInside() async throws {
        let workshop = try await Workshop()
        let outcome = try await workshop.run(
            "python3 -c 'import ssl, threading; print(40 + 2)' && git --version | cut -d' ' -f1-2 && /usr/bin/node -e 'console.log(6 * 7)'")
        #expect(outcome.output == "42\ngit version\n42\n")
        #expect(outcome.ending == .exited(0))
    }

    @Test func aStepThatNeverEndsIsStoppedWithAllItsChildren() async throws {
        let workshop = try await Workshop()
        let marker = "86399.\(UInt16.random(in: 1000...9999))"
        let outcome = try await workshop.run(
            "trap '' TERM; setsid sleep \(marker) & sleep \(marker)", limits: .small.with { $0.timeoutSeconds = 1 })
        #expect(outcome.ending == .exceeded(.time))
        #expect(try processes(with: marker) == [])
        #expect(try workshop.leftovers() == [])
    }

    @Test func eachLimitHasItsOwnName() async throws {
        let workshop = try await Workshop()
        #expect(try await workshop.run("python3 -c 'x = b\"x\" * (600 << 20)'").ending == .exceeded(.memory))
        #expect(try await workshop.run("for i in $(seq 200); do sleep 5 & done; wait").ending == .exceeded(.processes))
        #expect(try await workshop.run("dd if=/dev/zero of=big bs=1M 2>/dev/null").ending == .exceeded(.disk))
        #expect(try await workshop.run("yes").ending == .exceeded(.log))
        #expect(try workshop.leftovers() == [])
    }

    @Test func theCoreLimitIsTheCgroupsQuota() async throws {
        let workshop = try await Workshop()
        let root = workshop.root
        let sandbox = workshop.sandbox
        let (quotas, found) = AsyncStream.makeStream(of: String?.self)
        let task = Task {
            let request = SandboxRequest(
                layers: [root + "/layer"], command: ["/bin/sh", "-c", "echo up; sleep 86399"], environment: SandboxWorld.environment,
                workingDirectory: .root, limits: .small.with { $0.cpus = 0.5 })
            try await sandbox.run(request, output: { _ in found.yield(coreQuota(ofStepIn: root + "/sandboxes")) }) { _ in }
        }
        var quota: String?
        for await value in quotas {
            quota = value
            break
        }
        task.cancel()
        _ = await task.result
        #expect(quota == "50000")
    }

    @Test func aFloodedLogHandsOnNoMoreThanItsLimit() async throws {
        let workshop = try await Workshop()
        let outcome = try await workshop.run("yes", limits: .small.with { $0.logBytes = 100_000 })
        #expect(outcome.output.utf8.count == 100_000)
    }

    @Test func cancellingTheTaskKillsTheStepAndLeavesNothing() async throws {
        let workshop = try await Workshop()
        let marker = "86399.\(UInt16.random(in: 1000...9999))"
        let root = workshop.root
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let sandbox = workshop.sandbox
        let task = Task {
            let request = SandboxRequest(
                layers: [root + "/layer"], command: ["/bin/sh", "-c", "echo up; sleep \(marker)"], environment: SandboxWorld.environment,
                workingDirectory: .root, limits: .small)
            try await sandbox.run(request, output: { _ in signal.yield() }) { _ in }
        }
        for await _ in started { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try processes(with: marker) == [])
        #expect(try workshop.leftovers() == [])
    }

    @Test func killingTheHelperAloneEndsTheStepAndLeavesNothing() async throws {
        let workshop = try await Workshop()
        let marker = "86399.\(UInt16.random(in: 1000...9999))"
        let sandboxes = workshop.root + "/sandboxes"
        let killed = Mutex<String?>(nil)
        await #expect {
            _ = try await workshop.run("echo up; sleep \(marker)") {
                killed.withLock { if $0 == nil { $0 = killHelper(ofStepIn: sandboxes) } }
            }
        } throws: {
            ($0 as? ForgeError)?.code == "sandbox.lost"
        }
        let cgroup = try #require(killed.withLock { $0 })
        #expect(try processes(with: marker) == [])
        #expect(try workshop.leftovers() == [])
        #expect(try Files.list("/sys/fs/cgroup").filter { Files.exists("/sys/fs/cgroup/\($0)/\(cgroup)") } == [])
    }

    @Test func aMissingHelperIsNamedAndNothingRuns() async throws {
        await #expect {
            _ = try await OCISandbox.open(helper: "/nonexistent/forge-sandbox", directory: NSTemporaryDirectory())
        } throws: {
            ($0 as? ForgeError)?.code == "sandbox.no-helper"
        }
    }

    @Test func eightSandboxesRunSideBySide() async throws {
        let workshop = try await Workshop(files: ["n": "1"])
        let root = workshop.root
        let sandbox = workshop.sandbox
        let endings = try await withThrowingTaskGroup(of: SandboxResult.Ending.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let request = SandboxRequest(
                        layers: [root + "/layer"], command: ["/bin/sh", "-c", "echo x > n; cat n"], environment: SandboxWorld.environment,
                        workingDirectory: .root, limits: .small)
                    return try await sandbox.run(request, output: { _ in }) { $0.ending }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(endings == Array(repeating: .exited(0), count: 8))
        #expect(try workshop.leftovers() == [])
    }
}

/// Kills `forge-sandbox` of the one step running in `sandboxes`, and nothing else; returns the name of the step's cgroup.
func killHelper(ofStepIn sandboxes: String) -> String? {
    guard let step = try? Files.list(sandboxes).first(where: { $0.hasPrefix("step-") && !$0.hasSuffix(".lock") }) else { return nil }
    let cgroup = "forge-" + step.dropFirst("step-".count)
    for pid in (try? Files.list("/proc").compactMap(Int32.init)) ?? [] {
        guard let bytes = try? Files.read("/proc/\(pid)/cmdline") else { continue }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        // Outer and inner have one command line; the outer's number is the smaller.
        if words.first?.hasSuffix("/forge-sandbox") == true, words.contains(cgroup) { return kill(pid, SIGKILL) == 0 ? cgroup : nil }
    }
    return nil
}

/// Microseconds of CPU per 100 ms that the cgroup of the one step running in `sandboxes` may use.
private func coreQuota(ofStepIn sandboxes: String) -> String? {
    groupFile("cpu.cfs_quota_us", "cpu.max", ofStepIn: sandboxes).flatMap(firstWord)
}

/// What the same weighs.
func weight(ofStepIn sandboxes: String) -> Int? {
    groupFile("cpu.shares", "cpu.weight", ofStepIn: sandboxes).flatMap(firstWord).flatMap { Int($0) }
}

/// False while there is no such group.
func setWeight(_ weight: Int, ofStepIn sandboxes: String) -> Bool {
    guard let path = groupFile("cpu.shares", "cpu.weight", ofStepIn: sandboxes) else { return false }
    return (try? Descriptor.open(path, O_WRONLY).write(Array("\(weight)".utf8), to: path)) != nil
}

private func firstWord(of path: String) -> String? {
    guard let bytes = try? Files.read(path) else { return nil }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
}

/// A file of the `cpu` controller, whose names differ.
private func groupFile(_ old: String, _ unified: String, ofStepIn sandboxes: String) -> String? {
    guard let step = try? Files.list(sandboxes).first(where: { $0.hasPrefix("step-") && !$0.hasSuffix(".lock") }) else { return nil }
    let cgroup = "forge-" + step.dropFirst("step-".count)
    return ["/sys/fs/cgroup/cpu/\(cgroup)/\(old)", "/sys/fs/cgroup/\(cgroup)/\(unified)"].first(where: Files.exists)
}

/// Command lines of running processes that hold `marker`.
func processes(with marker: String) throws -> [String] {
    try Files.list("/proc").filter { $0.allSatisfy(\.isNumber) }.compactMap { pid in
        guard let bytes = try? Files.read("/proc/\(pid)/cmdline"), let line = String(bytes: bytes, encoding: .utf8) else { return nil }
        return line.contains(marker) ? line : nil
    }
}
