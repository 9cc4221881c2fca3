import ForgeTestSupport
import Foundation
import Testing

/// What a step leaves behind to be read outside: tool caches and outputs that point elsewhere.
@Suite struct EscapeTests {
    @Test(arguments: ["../../canary", "/etc", "a/../../b"]) func aToolCacheCannotLieOutsideTheProject(path: String) async throws {
        try await withForgeHome { home in
            let project = try home.project(
                custom: "mkdir site; echo hi > site/index.html", output: "site", more: "caches = [\"\(path)\"]\n")
            #expect(try await home.failure(10, "build", project.path)["code"] == "config.invalid")
            #expect(home.runningSteps() == [])
        }
    }

    /// The folder of a cache swapped for a link: what is kept for the next build is never read through it.
    @Test func aToolCacheThatBecomesALinkBringsNothingOfTheHostIntoTheNextBuild() async throws {
        try await withForgeHome { home in
            let canary = "\(home.folder)/canary"
            try Folder.make(canary)
            try Data("of the host\n".utf8).write(to: URL(filePath: "\(canary)/secret.txt"))
            let before = try Folder.fingerprint(canary)
            for target in [canary, "../../../../..\(canary)", "/proc/self/root\(canary)", "/etc"] {
                let swap = """
                    mkdir -p site; ls -A .cache > site/index.html 2>&1 || echo none > site/index.html; cat .cache/* >> site/index.html 2>&1 || true; \
                    rm -rf .cache; ln -s \(target) .cache; echo more > .cache/planted 2>/dev/null || true
                    """
                let project = try home.project(custom: swap, output: "site", more: "caches = [\".cache\"]\n")
                for round in 1...2 {
                    try project.write(["round": "\(round)"])
                    _ = try await home.build(project.path, "--out", "\(home.folder)/out", "--force")
                    let seen = try Folder.texts("\(home.folder)/out")["index.html"] ?? ""
                    #expect(!seen.contains("secret") && !seen.contains("of the host") && !seen.contains("passwd"), "\(target): \(seen)")
                }
            }
            #expect(try Folder.fingerprint(canary) == before)
        }
    }

    @Test func outputsThatAreNoFilesAndLinksThatLeaveAreRefusedByNameAndSetIDBitsAreDropped() async throws {
        try await withForgeHome { home in
            let link = try home.project(custom: "mkdir site; echo hi > site/index.html; ln -s /etc/passwd site/x", output: "site")
            #expect(try await home.failure(60, "build", link.path)["code"] == "artifact.symlink")
            for (make, what) in [
                ("mkfifo site/odd", "a FIFO"),
                ("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"site/odd\")'", "a socket"),
            ] {
                let project = try home.project(custom: "mkdir site; echo hi > site/index.html; \(make)", output: "site")
                let error = try await home.failure(50, "build", project.path)
                #expect(error["code"] == "output.special-file")
                #expect(error["message"] == .string("the output `site/odd` is \(what); files, folders and symbolic links can be kept"))
            }
            let command = "mkdir site; echo hi > site/index.html; chmod 6755 site/index.html; ln site/index.html site/twin.html"
            _ = try await home.build(home.project(custom: command, output: "site").path, "--out", "\(home.folder)/out")
            #expect(try Folder.texts("\(home.folder)/out") == ["index.html": "hi\n", "twin.html": "hi\n"])
            let mode = try FileManager.default.attributesOfItem(atPath: "\(home.folder)/out/index.html")[.posixPermissions] as? Int
            #expect(mode == 0o755)
        }
    }
}
