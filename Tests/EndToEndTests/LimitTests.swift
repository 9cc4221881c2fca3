import ForgeTestSupport
import Foundation
import Testing

/// The limits of `[limits]` that `StepFailureTests` does not know of: each with its own code and words.
@Suite struct LimitTests {
    @Test(arguments: [
        (
            "inodes = 300", "i=0; while : > f$i; do i=$((i+1)); done", "limit.inodes",
            "step `build` made more files than the 300 that its disk holds"
        ),
        (
            "open_files = 64", "python3 -c 'files = [open(str(i), chr(119)) for i in range(64)]'", "limit.descriptors",
            "step `build` said that it could open no more files: a process may have 64 at once"
        ),
    ]) func aStepThatWantsMoreIsToldWhichLimitItMet(limit: String, command: String, code: String, message: String) async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\n\(limit)\n")
            let error = try await home.failure(50, "build", home.project(custom: command, output: "site").path)
            #expect(error["code"] == .string(code))
            #expect(error["message"] == .string("\(message): `\(command)`"))
            try await home.nothingIsLeft()
        }
    }

    @Test func aLineOfTheLogIsCutWhereItBecomesTooLong() async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\nlog_line = \"1KB\"\n")
            let command = "mkdir site; echo hi > site/index.html; head -c 5000 /dev/zero | tr '\\0' x; echo; echo end"
            let run = try await home.run("build", home.project(custom: command, output: "site").path, "--progress", "plain")
            #expect(run.exitCode == 0)
            let log = try #require(Folder.names("\(home.path)/logs").first)
            let text = try String(contentsOfFile: "\(home.path)/logs/\(log)/build.log", encoding: .utf8)
            #expect(text == String(repeating: "x", count: 1024) + " … (the rest of this line is left out)\nend\n")
        }
    }

    @Test(arguments: [
        ("artifact_files = 2", "limit.artifact-files", "the artifact holds 3 files, more than its 2"),
        ("artifact = \"1KB\"", "limit.artifact-size", "the artifact takes 3.1 kB, more than its 1.0 kB"),
    ]) func anArtifactThatIsTooLargeIsNotMade(limit: String, code: String, message: String) async throws {
        try await withForgeHome { home in
            let project = try home.project([
                "index.html": String(repeating: "x", count: 1024), "a.html": String(repeating: "y", count: 1024),
                "b.html": String(repeating: "z", count: 1024),
            ])
            let made = try await home.build(project.path).artifact
            try home.configure("[limits]\n\(limit)\n")
            for arguments in [[], ["--no-cache"]] {
                let run = try await home.run(["build", project.path, "--json", "--progress", "plain"] + arguments)
                #expect(run.exitCode == 50)
                let error = try run.json()["error"]
                #expect(error?["code"] == .string(code))
                #expect(error?["message"] == .string(message))
            }
            try home.configure("")
            #expect(try await home.build(project.path).artifact == made)
        }
    }

    @Test func aProjectMayAskForLessThanTheOperatorGivesAndNotForMore() async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\ntimeout = \"20s\"\nmemory = \"128MB\"\n")
            let cases = [
                ("timeout = 7\nmemory = \"64MB\"\n", ["7", "67108864"]), ("timeout = 90\nmemory = \"2GB\"\n", ["20", "134217728"]),
            ]
            for (asked, expected) in cases {
                let project = try home.project(custom: "true", output: "site", more: asked)
                let limits = try await home.run("plan", project.path, "--json").json()["steps"]?.elements.first?["limits"]
                #expect(limits?["timeoutSeconds"]?.number == Double(expected[0]))
                #expect(limits?["memoryBytes"]?.number == Double(expected[1]))
            }
        }
    }
}
