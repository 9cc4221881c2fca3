import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// `kill -9` at a random time. What was said to be stored is there, nothing under a final name is wrong, nothing half-made stays.
@Suite struct StoreKillTests {
    enum Work: String, CaseIterable, Sendable { case put, tree, collect, restore, gc }

    /// A store serves so many kills, so that looking through it stays cheap.
    private static let killsPerStore = 10

    @Test(arguments: Work.allCases) func killedAtAnyTimeAStoreHoldsWhatItAcknowledged(work: Work) async throws {
        var choices = SeededChoices(work.rawValue)
        var left = Campaign.rounds(6, campaign: 200)
        while left > 0 {
            let kills = min(left, Self.killsPerStore)
            left -= kills
            let seeds = (0..<kills).map { _ in
                (UInt64.random(in: 1...1_000_000, using: &choices), Int.random(in: 0...80_000, using: &choices))
            }
            try await withForgeHome { home in
                let scene = StoreScene(in: home)
                var acknowledged = try await scene.lines("tree", "1", "40", "2")
                for (seed, delay) in seeds {
                    acknowledged += try await strike(work, scene, seed, after: delay)
                    #expect(
                        try await scene.faults(acknowledged) == [], "FORGE_SEED=\(Campaign.seed): \(work) \(seed) killed after \(delay) µs")
                }
                #expect(home.leftovers() == [])
            }
        }
    }

    /// Gives what was acknowledged before the end and must outlive it.
    private func strike(_ work: Work, _ scene: StoreScene, _ seed: UInt64, after delay: Int) async throws -> [String] {
        let child = try await start(work, scene, seed)
        if work == .put || work == .tree { try await eventually("a first line") { child.output.lines.isEmpty ? nil : () } }
        // The random time is what is tried here, not a wait for anything.
        try await Task.sleep(for: .microseconds(delay))
        child.signal(SIGKILL)
        let run = try await child.finish()
        #expect([0, 137].contains(run.exitCode), "\(run)")
        return work == .put || work == .tree ? run.output.lines : []
    }

    private func start(_ work: Work, _ scene: StoreScene, _ seed: UInt64) async throws -> Child {
        switch work {
        case .put: return try scene.start("put", "\(seed)", "100000")
        case .tree: return try scene.start("tree", "\(seed)", "60", "100000")
        case .collect:
            let folder = "\(scene.home.folder)/output-\(seed)"
            let project = try TemporaryProject(at: folder, files: [:])
            try project.write(Dictionary(uniqueKeysWithValues: (0..<300).map { ("\($0 % 10)/\($0).txt", "\(seed) \($0)") }))
            return try scene.start("collect", folder)
        case .restore:
            let tree = try #require(try await scene.lines("tree", "\(seed)", "150", "1").first)
            return try scene.start("restore", tree, "\(scene.home.folder)/restored")
        case .gc:
            // Nobody asks for these.
            try await scene.lines("put", "\(seed)", "60")
            return try scene.start("gc", "-", "3")
        }
    }

    @Test func killedAtAnyTimeABuildGivesTheSameArtifactNextAndLeavesNothing() async throws {
        var choices = SeededChoices("build")
        let delays = (0..<Campaign.rounds(4, campaign: 100)).map { _ in Int.random(in: 0...600_000, using: &choices) }
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let expected = try await home.build(project.path).artifact
            for delay in delays {
                let build = try home.start("build", project.path, "--no-cache", "--progress", "quiet")
                try await Task.sleep(for: .microseconds(delay))
                build.signal(SIGKILL)
                #expect([0, 137].contains(try await build.finish().exitCode))
                #expect(try await home.build(project.path).artifact == expected, "FORGE_SEED=\(Campaign.seed), killed after \(delay) µs")
                try await home.nothingIsLeft()
            }
            #expect(try await StoreScene(in: home, named: "home/store").faults() == [])
        }
    }
}
