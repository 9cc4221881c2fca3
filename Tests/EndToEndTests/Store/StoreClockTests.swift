import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// Wall clocks that jump: a day ahead and back again.
@Suite struct StoreClockTests {
    private static let library = "/usr/lib/\(machine)-linux-gnu/faketime/libfaketimeMT.so.1"

    private static var machine: String {
        #if arch(arm64)
            "aarch64"
        #else
            "x86_64"
        #endif
    }

    /// The clock of `forge` alone: files are stamped by the kernel's.
    private func clock(_ offset: String?) -> [String: String] {
        guard let offset else { return [:] }
        return ["LD_PRELOAD": Self.library, "FAKETIME": offset, "NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"]
    }

    private func artifact(_ home: ForgeHome, _ project: TemporaryProject, at offset: String?, _ more: String...) async throws -> String? {
        let run = try await home.run(["build", project.path, "--json", "--progress", "quiet"] + more, environment: clock(offset))
        try expectSuccess(run)
        return try run.json()["artifact"]?.text
    }

    @Test func aClockThatJumpsADayAheadAndBackGivesTheSameArtifacts() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "0", "more/page.html": "page"])
            try await project.commit()
            for (number, offset) in ["+1d", nil, "-1d", "+1d", "-2d", nil].enumerated() {
                // Of one size, so that only times can tell them apart.
                try project.write(["index.html": "\(number)"])
                let seen = try await artifact(home, project, at: offset)
                let again = try await artifact(home, project, at: nil)
                let fresh = try await withForgeHome { try await artifact($0, project, at: nil) }
                #expect([seen, again] == [fresh, fresh], "round \(number), clock \(offset ?? "right")")
            }
        }
    }

    @Test func aStepBuiltWithAnyClockIsTheSame() async throws {
        try await withForgeHome { home in
            let project = try home.project(copiedFrom: "node-static")
            let expected = try await artifact(home, project, at: nil)
            for offset in ["+1d", "-1d"] {
                #expect(try await artifact(home, project, at: offset) == expected)
                #expect(try await artifact(home, project, at: offset, "--no-cache") == expected)
            }
            try await home.nothingIsLeft()
        }
    }

    @Test func aFileFromTheFutureIsReadEachTime() async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": "0"])
            let tomorrow = timespec(tv_sec: time(nil) + 86_400, tv_nsec: 0)
            var seen: [String?] = []
            for number in 0..<3 {
                try project.write(["index.html": "\(number)"])
                #expect(utimensat(AT_FDCWD, "\(project.path)/index.html", [tomorrow, tomorrow], 0) == 0)
                seen.append(try await artifact(home, project, at: nil))
                #expect(try await artifact(home, project, at: nil) == seen.last)
            }
            #expect(Set(seen).count == 3)
        }
    }
}
