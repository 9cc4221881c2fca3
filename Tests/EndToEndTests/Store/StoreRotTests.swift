import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Single bits that turn, under the store's nose or with the file's time put back as a disk's own rot would leave it.
@Suite struct StoreRotTests {
    @Test func everyTurnedBitIsFoundNoneIsServedAndTheTreeHeals() async throws {
        let flips = Campaign.rounds(50, campaign: 1000)
        try await withForgeHome { home in
            let scene = StoreScene(in: home)
            let tree = try #require(try await scene.lines("tree", "\(Campaign.seed)", "\(flips + 100)", "1").first)
            var choices = SeededChoices("rot")
            let all = scene.blobs().filter { !$0.hasSuffix("/0") }
            let victims = Array(all.shuffled(using: &choices).prefix(flips))
            #expect(victims.count == flips)
            for (number, victim) in victims.enumerated() {
                try flip(scene.file(of: victim), keepingTime: number % 2 == 0, &choices)
            }
            let found = try await scene.lines("verify").filter { $0.hasPrefix("bad ") }.map { "blob:\($0.dropFirst(4))" }
            #expect(Set(found) == Set(victims.map { String($0.prefix(69)) }), "FORGE_SEED=\(Campaign.seed)")
            let answers = try await all.chunked(500).asyncFlatMap { try await scene.lines(["read"] + $0) }
            let bad = Set(victims)
            #expect(answers == all.map { bad.contains($0) ? "missing \($0)" : "whole \($0)" }, "FORGE_SEED=\(Campaign.seed)")
            #expect(try await scene.faults() == [])
            #expect(try await scene.lines("tree", "\(Campaign.seed)", "\(flips + 100)", "1") == [tree])
            #expect(try await scene.faults([tree]) == [])
        }
    }

    @Test(arguments: [true, false]) func aTreeWithATurnedBitIsNotExported(keepingTime: Bool) async throws {
        try await withForgeHome { home in
            let scene = StoreScene(in: home)
            let tree = try #require(try await scene.lines("tree", "5", "30", "1").first)
            var choices = SeededChoices("export")
            let file = try #require(scene.blobs().filter { !$0.hasSuffix("/0") }.randomElement(using: &choices))
            try flip(scene.file(of: file), keepingTime: keepingTime, &choices)
            let run = try await scene.start("restore", tree, "\(home.folder)/out").finish()
            #expect(run.exitCode == 1 && run.error.hasPrefix("error store.missing-blob: "), "FORGE_SEED=\(Campaign.seed): \(run)")
            #expect(Folder.names("\(home.folder)/out") == [])
            #expect(try await scene.lines("tree", "5", "30", "1") == [tree])
            #expect(try await scene.lines("restore", tree, "\(home.folder)/out") == [tree])
        }
    }

    private func flip(_ path: String, keepingTime: Bool, _ choices: inout SeededChoices) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw TestSupportError("no file `\(path)`") }
        let file = open(path, O_RDWR)
        defer { close(file) }
        let place = Int.random(in: 0..<status.st_size, using: &choices)
        var byte: UInt8 = 0
        guard pread(file, &byte, 1, place) == 1 else { throw TestSupportError("`\(path)` cannot be read") }
        byte ^= 1 << UInt8.random(in: 0..<8, using: &choices)
        guard pwrite(file, &byte, 1, place) == 1 else { throw TestSupportError("`\(path)` cannot be written") }
        if keepingTime { futimens(file, [status.st_atim, status.st_mtim]) }
    }
}

extension Array {
    fileprivate func chunked(_ size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }

    fileprivate func asyncFlatMap<Value>(_ body: (Element) async throws -> [Value]) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values += try await body(element) }
        return values
    }
}
