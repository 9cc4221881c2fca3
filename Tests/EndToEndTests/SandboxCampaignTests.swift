import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Builds that are killed or run out of time, again and again, in the middle of set-up or of the command: nothing of any of them
/// stays. Ten in the suite; `FORGE_CAMPAIGN=10`: five hundred.
@Suite struct SandboxCampaignTests {
    private enum Way: CaseIterable { case interrupted, told, killed, outOfTime, helperKilled }

    private static let rounds = (Int(ProcessInfo.processInfo.environment["FORGE_CAMPAIGN"] ?? "").map { $0 * 50 }) ?? 10

    @Test func nothingStaysOfBuildsThatWereKilledOrRanOutOfTime() async throws {
        try await withForgeHome { home in
            let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
            let line =
                "trap '' TERM; setsid sleep \(marker) & (sh -c 'sleep \(marker) &' &); sleep \(marker) & kill -STOP $!; echo up; sleep \(marker)"
            let patient = try home.project(custom: line, output: "site")
            let hasty = try home.project(custom: line, output: "site", more: "timeout = 1\n")
            var steps: [String] = []
            for round in 0..<Self.rounds {
                let way = Way.allCases[round % Way.allCases.count]
                let build = try home.start("build", way == .outOfTime ? hasty.path : patient.path, "--progress", "json")
                let step = try await eventually("a step to run") { [steps] in home.runningSteps().first { !steps.contains($0) } }
                steps.append(step)
                // Half of them while the sandbox is still being made; time may run out before anything is said.
                if round % 2 == 0, way != .outOfTime {
                    _ = try await build.errorLine { $0.contains(#""type":"span.output""#) && $0.contains("up") }
                }
                let run = try await end(build, way, step) { "round \(round): " + Self.lives(step, marker) }
                #expect(way == .killed ? run.exitCode == 137 : [50, 130].contains(run.exitCode), "\(way): \(run.exitCode) \(run.error)")
            }
            // The next build buries what a killed Forge could not.
            let good = try home.project(custom: "mkdir site; echo hi > site/index.html", output: "site")
            _ = try await home.build(good.path)
            try await home.nothingIsLeft(of: steps, marker: marker)
            let kept = Folder.names("\(home.path)/sandboxes").filter { !["disks", "ids", "layers"].contains($0) }
            #expect(kept == [])
            #expect(Set(steps).count == Self.rounds)
        }
    }

    /// What of a step is still there, and what it waits for.
    private static func lives(_ step: String, _ marker: String) -> String {
        Machine.processes { $0.contains(step) || $0.contains(marker) }.map { line in
            let pid = line.firstMatch(of: /^process ([0-9]+)/).map { String($0.1) } ?? ""
            let facts = ["wchan", "stack", "status"].map {
                String(decoding: FileManager.default.contents(atPath: "/proc/\(pid)/\($0)") ?? Data(), as: UTF8.self)
            }
            return line + "\n" + facts.map { $0.prefix(400) }.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private func end(
        _ build: Child, _ way: Way, _ step: String, else detail: @escaping @Sendable () -> String
    ) async throws -> ForgeRun {
        switch way {
        case .interrupted: build.signal(SIGINT)
        case .told: build.signal(SIGTERM)
        case .killed: build.signal(SIGKILL)
        case .outOfTime: break
        case .helperKilled:
            // The outer one, which has the smaller number of the two of that name.
            let pid = try await eventually("the sandbox's helper") {
                Machine.processes { $0.contains("/forge-sandbox") && $0.contains(step) }.compactMap {
                    $0.firstMatch(of: /^process ([0-9]+)/).flatMap { pid_t($0.1) }
                }.min()
            }
            kill(pid, SIGKILL)
        }
        let witness = Task {
            try await Task.sleep(for: .seconds(30))
            Issue.record("\(way) has not ended after 30 s: \(detail())")
        }
        defer { witness.cancel() }
        return try await build.finish(within: 60)
    }
}
