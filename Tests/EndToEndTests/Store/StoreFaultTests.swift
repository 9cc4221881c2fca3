import ForgeTestSupport
import Foundation
import Testing

/// A fault at each call that makes something durable or visible, counted over all threads (`FORGE_FAULT` of the exerciser): it is told by its code,
/// or does no harm; what was there before stays; the same work done again succeeds.
@Suite struct StoreFaultTests {
    enum Work: String, CaseIterable, Sendable { case put, tree, collect, restore, gc }
    enum Call: String, CaseIterable, Sendable { case write, sync, rename, link, unlink }

    /// What happens at the call: an error; half of a write; the end, before or after it. `+` is that call and all after it.
    private static func faults(_ call: Call) -> [String] {
        switch call {
        case .write: ["ENOSPC+", "EIO", "KILL", "KILLED", "SHORT", "EINTR", "ENOSPC"]
        case .rename: ["ENOSPC+", "EIO", "KILL", "KILLED"]
        default: ["EIO", "KILL", "KILLED", "ENOSPC+"]
        }
    }

    static let cases = Work.allCases.flatMap { work in Call.allCases.map { (work, $0) } }

    @Test(arguments: cases) func aFaultAtAnyCallIsToldAndLosesNothing(work: Work, call: Call) async throws {
        try await withForgeHome { home in
            let bench = try await FaultBench(home: home, work: work)
            for fault in Self.faults(call).prefix(Campaign.rounds(call == .write ? 5 : 3, campaign: 99)) {
                for number in Campaign.isOn ? Array(1...2000) : [1, 2, 3, 5, 8, 21, 55] {
                    guard try await bench.survives(call, fault, number) else { break }
                }
            }
        }
    }

    /// One piece of work on copies of one store.
    private struct FaultBench {
        private let home: ForgeHome
        private let work: Work
        private let original: StoreScene
        private let scene: StoreScene
        private let earlier: [String]
        private let words: [String]
        private let expected: [String]
        private let output: String

        init(home: ForgeHome, work: Work) async throws {
            (self.home, self.work) = (home, work)
            (original, scene) = (StoreScene(in: home, named: "original"), StoreScene(in: home))
            output = "\(home.folder)/restored"
            earlier = try await original.lines("tree", "1", "20", "1")
            switch work {
            case .put: words = ["put", "2", "3"]
            case .tree: words = ["tree", "2", "9", "1"]
            case .collect:
                let files = Dictionary(uniqueKeysWithValues: (0..<6).map { ("\($0 % 2)/\($0).txt", "file \($0)") })
                words = ["collect", try home.project(files).path]
            case .restore: words = ["restore", try #require(earlier.first), output]
            case .gc:
                try await original.lines("put", "3", "12")
                words = ["gc", "-", "1"]
            }
            try await original.copy(to: scene)
            expected = try await scene.lines(words)
        }

        /// False when there is no such call.
        func survives(_ call: Call, _ fault: String, _ number: Int) async throws -> Bool {
            try await original.copy(to: scene)
            try? FileManager.default.removeItem(atPath: output)
            let (what, more) = (fault.replacing("+", with: ""), fault.hasSuffix("+") ? "+" : "")
            let run = try await scene.start(words, environment: ["FORGE_FAULT": "\(call):\(what):\(number)\(more)"]).finish()
            guard run.error.lines.contains("struck") else {
                #expect(run.exitCode == 0, "\(run)")
                return false
            }
            let place = "\(work) with \(fault) at \(call) number \(number)"
            let told = Self.told(run)
            #expect(endings(what, call).contains(told), "\(place): \(run)")
            if !what.hasPrefix("KILL") && call != .unlink { #expect(scene.leftovers() == [], "\(place)") }
            #expect(try await scene.faults(earlier) == [], "\(place)")
            let again = try await scene.start(words).finish()
            #expect(again.exitCode == 0 && (work == .gc || again.output.lines == expected), "\(place), again: \(again)")
            #expect(Folder.names(home.folder).filter { $0.contains(".forge-") } == [], "\(place)")
            return true
        }

        private static func told(_ run: ForgeRun) -> String {
            if run.exitCode == 137 { return "killed" }
            if run.exitCode == 0 { return "done" }
            let line = run.error.lines.first { $0.hasPrefix("error ") } ?? run.error
            return String(line.dropFirst("error ".count).prefix { $0 != ":" })
        }

        private func endings(_ what: String, _ call: Call) -> [String] {
            switch what {
            case "KILL", "KILLED": ["killed"]
            case "SHORT", "EINTR": ["done"]
            // Files that could not be removed are swept later: no reason to fail.
            case "ENOSPC": ["store.no-space", "out.no-space", "done"]
            default: ["store.failed", "store.index-failed", "out.failed", "done"]
            }
        }
    }
}
