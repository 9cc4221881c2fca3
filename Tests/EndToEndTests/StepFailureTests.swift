import ForgeTestSupport
import Foundation
import Testing

/// Steps that fail, never end, or want more than they may have.
@Suite struct StepFailureTests {
    @Test func aFailedStepShowsItsLastLinesItsCommandAndItsWholeLog() async throws {
        try await withForgeHome { home in
            let command = "for i in $(seq 500); do echo line $i; done; echo oops >&2; exit 7"
            let project = try home.project(custom: command, output: "public")
            let run = try await home.run("build", project.path, "--progress", "quiet")
            #expect(run.exitCode == 50)
            #expect(run.output == "")
            let log = try #require(run.error.firstMatch(of: /full log: (\/.+\.log)/).map { String($0.1) })
            let tail = (486...500).map { "[build] line \($0)\n" }.joined() + "[build] oops\n"
            #expect(run.error.hasPrefix("[build] failed\n"))
            #expect(run.error.contains(tail))
            #expect(!run.error.contains("[build] line 400\n"))
            #expect(run.error.hasSuffix("error: step `build` exited with code 7: `\(command)`\nhint: full log: \(log)\n"))
            #expect(try String(contentsOfFile: log, encoding: .utf8) == (1...500).map { "line \($0)\n" }.joined() + "oops\n")
            let error = try await home.failure(50, "build", project.path)
            #expect(error["code"] == "step.failed")
            try await home.nothingIsLeft()
        }
    }

    @Test func aFailedStepIsNotRememberedAndRunsAgain() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "test -e good; mkdir site; echo hi > site/index.html", output: "site")
            for _ in 1...2 { #expect(try await home.failureCode(50, "build", project.path) == "step.failed") }
            try project.write(["good": ""])
            #expect(try await home.build(project.path).steps == [["id": "build", "outcome": "executed", "reason": "first build"]])
        }
    }

    @Test func aCommandThatDoesNotExistIsNamed() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "frobnicate --all", output: "site")
            let error = try await home.failure(50, "build", project.path)
            #expect(error["code"] == "step.no-command")
            #expect(error["message"]?.text?.contains("`frobnicate --all`") == true)
        }
    }

    @Test func aStepThatNeverEndsIsStoppedAtItsTimeoutWithAllItsChildren() async throws {
        try await withForgeHome { home in
            let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
            let command = "setsid sleep \(marker) & trap '' TERM INT; echo up; sleep \(marker)"
            let project = try home.project(custom: command, output: "site", more: "timeout = 2\n")
            let build = try home.start("build", project.path, "--json", "--progress", "plain")
            let step = try await home.runningStep()
            let run = try await build.finish(within: 60)
            #expect(run.exitCode == 50)
            let error = try run.json()["error"]
            #expect(error?["code"] == "limit.time")
            #expect(error?["message"]?.text == "step `build` ran longer than its 2 s and was stopped: `\(command)`")
            #expect(run.error.contains("[build] up\n"))
            try await home.nothingIsLeft(of: [step], marker: marker)
        }
    }

    @Test func aStepThatFloodsItsLogIsStoppedAtTheOperatorsLimit() async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\nlog = \"1MB\"\n")
            let project = try home.project(custom: "yes 0123456789", output: "site")
            let error = try await home.failure(50, "build", project.path)
            #expect(error["code"] == "limit.log")
            #expect(error["message"] == "step `build` wrote more than 1 MiB to its log and was stopped: `yes 0123456789`")
            let logs = Folder.names("\(home.path)/logs").map { "\(home.path)/logs/\($0)/build.log" }
            let size = try FileManager.default.attributesOfItem(atPath: try #require(logs.first))[.size] as? Int
            #expect(size == 1 << 20)
            try await home.nothingIsLeft()
        }
    }

    @Test func aStepThatFillsItsDiskIsToldSo() async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\ndisk = \"64MB\"\n")
            let command = "mkdir site; head -c 100000000 /dev/zero > site/big"
            let project = try home.project(custom: command, output: "site")
            let error = try await home.failure(50, "build", project.path)
            #expect(error["code"] == "limit.disk")
            #expect(error["message"] == "step `build` filled its disk of 64 MiB: `\(command)`")
            try await home.nothingIsLeft()
        }
    }

    @Test func aStepThatNeedsMoreMemoryThanItMayHaveIsToldSo() async throws {
        try await withForgeHome { home in
            let command = "head -c 200000000 /dev/zero | tail -n 1 > /dev/null"
            let project = try home.project(custom: command, output: "site", more: "memory = \"64MB\"\n")
            let error = try await home.failure(50, "build", project.path)
            #expect(error["code"] == "limit.memory")
            #expect(error["message"] == "step `build` needed more than its 64 MiB of memory: `\(command)`")
            try await home.nothingIsLeft()
        }
    }

    @Test func aForkBombIsStoppedAtTheOperatorsLimit() async throws {
        try await withForgeHome { home in
            try home.configure("[limits]\nprocesses = 32\n")
            let marker = "86400.\(Int.random(in: 1_000_000...9_999_999))"
            let project = try home.project(
                custom: "for i in $(seq 100); do sleep \(marker) & done; wait", output: "site", more: "timeout = 20\n")
            #expect(try await home.failureCode(50, "build", project.path) == "limit.processes")
            try await home.nothingIsLeft(marker: marker)
        }
    }

    @Test func aStepSeesNoNetwork() async throws {
        try await withForgeHome { home in
            let project = try home.project(
                custom:
                    "mkdir site; ls /sys/class/net > site/index.html 2>&1 || tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' > site/index.html",
                output: "site")
            _ = try await home.build(project.path, "--out", "\(home.folder)/out")
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "lo\n"])
        }
    }
}
