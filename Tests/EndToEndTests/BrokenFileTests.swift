import ForgeTestSupport
import Foundation
import Testing

/// The files of `fixtures/broken` in the hands of the real program.
@Suite struct BrokenFileRunTests {
    private static func files(_ kind: String) throws -> [(name: String, text: String, code: String)] {
        let table = try String(contentsOfFile: BuildProducts.checkout + "fixtures/broken/\(kind).txt", encoding: .utf8)
        return table.split(separator: "=== ").map { part in
            let lines = part.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            let end = lines.firstIndex(of: "---") ?? lines.count
            return (lines[0], lines[1..<end].joined(separator: "\n"), lines.indices.contains(end + 1) ? lines[end + 1] : "")
        }
    }

    @Test func aBuildWithABrokenConfigurationEndsWithItsFaultAndRunsNothing() async throws {
        try await withForgeHome { home in
            for (number, item) in try Self.files("crowdforge").enumerated() {
                let project = try home.project([
                    "crowdforge.toml": item.text, "package.json": #"{"scripts": {"build": "touch \(home.folder)/ran"}}"#, "index.html": "",
                ])
                let run = try await home.run(number % 8 == 0 ? "build" : "plan", project.path, "--json")
                #expect(run.exitCode == 10, "\(item.name): \(run.output)")
                let error = try run.json()["error"]
                #expect(error?["code"]?.text == item.code, "\(item.name)")
                #expect(error?["file"]?.text == "crowdforge.toml", "\(item.name)")
                #expect((error?["line"]?.number ?? 0) >= 1 && (error?["column"]?.number ?? 0) >= 1, "\(item.name)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(home.folder)/ran"))
            #expect(!FileManager.default.fileExists(atPath: "\(home.path)/logs"))
        }
    }

    @Test func oneCheckOfAllBrokenDescriptorsNamesEachOfThem() async throws {
        try await withForgeHome { home in
            var files: [String: String] = [:]
            for (kind, folder) in [("preset", ""), ("package-manager", "package-managers/"), ("toolchain", "toolchains/")] {
                for (number, item) in try Self.files(kind).enumerated() { files["\(folder)\(kind)-\(number).toml"] = item.text }
            }
            let project = try home.project(files)
            let run = try await home.run("preset", "check", ".", "--json", cwd: project.path)
            #expect(run.exitCode == 10)
            let faults = try run.json()["faults"]?.elements ?? []
            let named = Set(faults.compactMap { $0["file"]?.text.map { String($0.trimmingPrefix("./")) } })
            #expect(Set(files.keys).subtracting(named) == [])
            #expect(faults.allSatisfy { ($0["line"]?.number ?? 0) >= 1 && ($0["column"]?.number ?? 0) >= 1 })
        }
    }
}
