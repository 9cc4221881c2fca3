import ForgeTestSupport
import Foundation
import Testing

/// A file system of 16 MiB that gets full.
@Suite struct StoreSpaceTests {
    @Test func aFullFileSystemIsToldLosesNothingAndServesAgainOnceThereIsRoom() async throws {
        try await withSmallFileSystem { home, folder in
            try Data(count: 4 << 20).write(to: URL(filePath: "\(folder)/ballast"))
            let scene = StoreScene(in: home, named: "small/store")
            let earlier = try await scene.lines("tree", "1", "20", "1")
            let run = try await scene.start("put", "2", "1000").finish()
            #expect(run.exitCode == 1)
            #expect(run.error.hasPrefix("error store.no-space: no space is left in `\(scene.path)`"), "\(run.error)")
            #expect(scene.leftovers() == [])
            #expect(run.output.lines.count > 10)
            #expect(try await scene.faults(earlier + run.output.lines) == [])
            try FileManager.default.removeItem(atPath: "\(folder)/ballast")
            let more = try await scene.lines("put", "3", "30")
            #expect(try await scene.faults(earlier + run.output.lines + more) == [])
        }
    }

    @Test func aBuildOnAFullFileSystemSaysSoAndWorksOnceThereIsRoom() async throws {
        try await withSmallFileSystem { home, folder in
            let environment = ["FORGE_HOME": "\(folder)/home"]
            let site = try home.project(["index.html": "0"])
            try expectSuccess(await home.run(["build", site.path], environment: environment))
            try site.write(Dictionary(uniqueKeysWithValues: (0..<20).map { ("\($0).txt", String(repeating: "\($0) ", count: 500_000)) }))
            let run = try await home.run(["build", site.path, "--json", "--progress", "quiet"], environment: environment)
            #expect(run.exitCode == 60)
            #expect(try run.json()["error"]?["code"] == "store.no-space")
            #expect(Folder.names("\(folder)/home/store/tmp") == [])
            try FileManager.default.removeItem(atPath: "\(site.path)/19.txt")
            for number in 3..<19 { try FileManager.default.removeItem(atPath: "\(site.path)/\(number).txt") }
            try expectSuccess(await home.run(["build", site.path], environment: environment))
            #expect(try await StoreScene(in: home, named: "small/home/store").faults() == [])
        }
    }

    private func withSmallFileSystem(_ body: @Sendable (ForgeHome, String) async throws -> Void) async throws {
        try await withForgeHome { home in
            let folder = "\(home.folder)/small"
            try Folder.make(folder)
            try expectSuccess(await home.tool("/bin/mount", "-t", "tmpfs", "-o", "size=16m", "forge-test", folder))
            do { try await body(home, folder) } catch {
                try expectSuccess(await home.tool("/bin/umount", "-l", folder))
                throw error
            }
            try expectSuccess(await home.tool("/bin/umount", folder))
        }
    }
}
