import ForgeTestSupport
import Foundation
import Testing

/// Many processes at one store.
@Suite struct StoreContentionTests {
    @Test func eightWritersAndReadersLoseNothingToACollector() async throws {
        try await withForgeHome { home in
            let scene = StoreScene(in: home)
            let trees = try await scene.lines("tree", "77", "40", "6")
            let rounds = Campaign.rounds(6, campaign: 1200)
            let readers = try (0..<2).map { try scene.start(["hold", "\(rounds * 2)"] + trees.dropFirst($0 * 2)) }
            for reader in readers { try await eventually("a reader to hold") { reader.output.lines.isEmpty ? nil : () } }
            let writers = try (0..<6).map { try scene.start("work", "\(Campaign.seed + UInt64($0) * 1000)", "\(rounds)") }
            let collector = try scene.start("gc", "0", "100000")
            for worker in readers + writers {
                let run = try await worker.finish(within: 3600)
                #expect(run.exitCode == 0, "FORGE_SEED=\(Campaign.seed): \(run.error)")
            }
            #expect(readers.map { $0.output.lines } == [["held 6"], ["held 4"]])
            // What nobody counts on any more goes.
            try await eventually("a collection to remove something") {
                collector.output.lines.contains { !$0.hasPrefix("removed 0 ") } ? () : nil
            }
            collector.signal(15)
            #expect(try await collector.finish().output.lines.count > 1)
            #expect(try await scene.faults() == [])
            // Nobody is left who asks for anything.
            try await scene.lines("gc", "0", "1")
            #expect(scene.blobs() == [])
        }
    }

    @Test func whatShortProcessesPutThereDuringOneCollectionStays() async throws {
        try await withForgeHome { home in
            let scene = StoreScene(in: home)
            // A collection that has something to go through.
            try await scene.lines("tree", "1", "3000", "1")
            let collector = try scene.start("gc", "-", "400")
            var acknowledged: [String] = []
            for seed in 0..<UInt64(Campaign.rounds(20, campaign: 1000)) {
                acknowledged += try await scene.lines("tree", "\(Campaign.seed + seed)", "12", "1")
            }
            collector.signal(15)
            let collections = try await collector.finish().output.lines
            #expect(collections.count > 1 && !acknowledged.isEmpty)
            #expect(try await scene.faults(acknowledged) == [])
        }
    }

    @Test func twoProcessesThatBuildTheSameThingGiveOneArtifact() async throws {
        for _ in 0..<Campaign.rounds(2, campaign: 30) {
            try await withForgeHome { home in
                let projects = try (0..<2).map { _ in try home.project(copiedFrom: "node-static") }
                let builds = try projects.map { try home.start("build", $0.path, "--json", "--progress", "quiet") }
                var reports: [JSON] = []
                for build in builds {
                    let run = try await build.finish()
                    #expect(run.exitCode == 0, "\(run)")
                    reports.append(try run.json())
                }
                #expect(reports[0]["artifact"] != nil && reports[0]["artifact"] == reports[1]["artifact"])
                // One of them ran the step, the other one waited and found it.
                #expect(
                    reports.flatMap { $0["steps"]?.elements ?? [] }.compactMap { $0["outcome"]?.text }.sorted() == ["cached", "executed"])
                try await home.nothingIsLeft()
                #expect(try await StoreScene(in: home, named: "home/store").faults() == [])
            }
        }
    }
}
