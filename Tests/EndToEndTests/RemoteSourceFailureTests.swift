import ForgeTestSupport
import Foundation
import Glibc
import Testing

@Suite struct RemoteSourceFailureTests {
    /// A small site on a shelf behind nginx.
    private func served(_ home: ForgeHome, _ options: HTTPGitServer.Options = .init(), bytes: Int = 10) async throws -> HTTPGitServer {
        let project = try home.project(["index.html": String((0..<bytes).map { _ in "0123456789abcdef".randomElement() ?? "0" })])
        try await project.commit()
        let shelf = try GitShelf(in: home)
        try await shelf.publish(project)
        return try await HTTPGitServer.start(shelf, options)
    }

    private func nothingIsLeft(in home: ForgeHome) -> Bool {
        Folder.names("\(home.path)/fetches") == [] && Folder.names("\(home.path)/fetched") == [] && home.halfMadeFiles() == []
    }

    @Test func eachFailureHasItsOwnCodeAndLeavesNothing() async throws {
        try await withForgeHome { home in
            let server = try await served(home)
            let cases = [
                ("\(server.url)/nothing.git", [], "source.not-a-repository"), ("\(server.url)/page", [], "source.not-a-repository"),
                ("http://localhost:1/x.git", [], "source.unreachable"), ("http://nothing.invalid/x.git", [], "source.unknown-host"),
                ("git://nothing.invalid/x.git", [], "source.unknown-host"), ("git://localhost:1/x.git", [], "source.unreachable"),
                ("\(server.url)/site.git", ["--commit", "nothing"], "source.unknown-commit"),
                ("\(server.url)/site.git", ["--commit", "abcdef0"], "source.unknown-commit"),
                ("\(server.url)/site.git", ["--commit", "main^{tree}"], "source.unknown-commit"),
                ("\(server.url)/elsewhere/site.git", [], "source.redirected"),
                ("https://localhost:\(server.port)/site.git", [], "source.tls"),
                ("ext::sh -c true", [], "source.unsupported-url"), ("https://", [], "source.malformed-url"),
                ("ssh://-oProxyCommand=x/y", [], "source.malformed-url"), ("https://localhost:port/x", [], "source.malformed-url"),
            ]
            for (url, arguments, code) in cases {
                let run = try await home.run(["build", url, "--json"] + arguments)
                #expect(run.exitCode == 2, "\(url)")
                #expect(try run.json()["error"]?["code"]?.text == code, "\(url): \(run.output)")
                #expect(nothingIsLeft(in: home), "\(url)")
            }
            #expect(try await home.run("plan", "\(server.url)/moved/site.git").exitCode == 0)
        }
    }

    @Test func aRepositoryWithoutCommitsIsToldApart() async throws {
        try await withForgeHome { home in
            let shelf = try GitShelf(in: home)
            let project = try home.project()
            try await project.git("init", "-q", "--bare", "\(shelf.folder)/site.git")
            let server = try await HTTPGitServer.start(shelf)
            #expect(try await home.failureCode(2, "plan", "\(server.url)/site.git") == "source.no-commits")
        }
    }

    @Test func aCertificateOfNobodyWeKnowIsRefusedAndANamedAuthorityIsTaken() async throws {
        try await withForgeHome { home in
            let server = try await served(home, .init(tls: true))
            let url = "\(server.url)/site.git"
            let error = try await home.failure(2, "plan", url)
            #expect(error["code"] == "source.certificate")
            #expect(error["hint"]?.text == "for a private authority, name its file in `SSL_CERT_FILE`")
            let trusting = try await home.run("plan", url, environment: ["SSL_CERT_FILE": server.certificate])
            #expect(trusting.exitCode == 0, "\(trusting.error)")
            let broken = try await home.run("plan", url, "--json", environment: ["SSL_CERT_FILE": "\(home.folder)/nothing.pem"])
            #expect(try broken.json()["error"]?["code"] == "source.certificates")
        }
    }

    /// Writing to a connection that is gone must not end the process either.
    @Test(arguments: [0, 1, 100, 600, 1500, 4000, 30_000]) func aConnectionCutAtAnyByteIsAnErrorAndLeavesNothing(bytes: Int) async throws {
        try await withForgeHome { home in
            let server = try await served(home, bytes: 100_000)
            let proxy = try CuttingProxy(to: server.port, after: bytes)
            let run = try await home.run("build", "http://localhost:\(proxy.port)/site.git", "--json")
            #expect(run.exitCode == 2)
            #expect(try run.json()["error"]?["code"]?.text == "source.cut", "\(run.output)")
            #expect(nothingIsLeft(in: home))
        }
    }

    @Test(arguments: [0, 3, 50, 300, 5000]) func aGitConnectionCutAtAnyByteIsAnError(bytes: Int) async throws {
        try await withForgeHome { home in
            let project = try home.project(["index.html": String(repeating: UUID().uuidString, count: 1)])
            try project.write(["noise.txt": (0..<3000).map { _ in UUID().uuidString }.joined()])
            try await project.commit()
            let shelf = try GitShelf(in: home)
            try await shelf.publish(project)
            let proxy = try CuttingProxy(to: try await GitDaemon.start(shelf).port, after: bytes)
            let run = try await home.run("build", "git://localhost:\(proxy.port)/site.git", "--json")
            #expect(try run.json()["error"]?["code"]?.text == "source.cut", "\(run.output)")
            #expect(nothingIsLeft(in: home))
        }
    }

    @Test(arguments: ["http", "git", "ssh"]) func aServerThatSaysNothingIsGivenUp(scheme: String) async throws {
        try await withForgeHome { home in
            let silent = try CuttingProxy(to: nil, after: 0)
            let run = try await home.run(
                "plan", "\(scheme)://localhost:\(silent.port)/site.git", "--json", environment: ["FORGE_FETCH_TIMEOUT": "1"], timeout: 30)
            #expect(run.exitCode == 2)
            #expect(try run.json()["error"]?["code"]?.text == "source.timeout", "\(run.output)")
            #expect(nothingIsLeft(in: home))
        }
    }

    @Test func interruptedDuringAFetchNothingIsLeft() async throws {
        try await withForgeHome { home in
            let silent = try CuttingProxy(to: nil, after: 0)
            let build = try home.start("build", "http://localhost:\(silent.port)/site.git", "--json")
            let helper = try await eventually("the fetching process") { Self.children(of: build.pid).first }
            build.signal(SIGINT)
            let run = try await build.finish(within: 20)
            #expect(run.exitCode == 130)
            #expect(try run.json()["error"]?["code"] == "interrupted")
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(helper)"))
            #expect(nothingIsLeft(in: home))
        }
    }

    @Test(arguments: [true, false]) func killedDuringAFetchItsProcessesDieAndTheNextRunSweeps(overSSH: Bool) async throws {
        try await withForgeHome { home in
            let server = try await served(home)
            let silent = try CuttingProxy(to: nil, after: 0)
            let build = try home.start("build", "\(overSSH ? "ssh" : "http")://localhost:\(silent.port)/site.git")
            let helper = try await eventually("the fetching process") { Self.children(of: build.pid).first }
            let ssh = overSSH ? try await eventually("ssh") { Self.children(of: helper).first } : nil
            try await eventually("the folder") { Folder.names("\(home.path)/fetches").isEmpty ? nil : () }
            build.signal(SIGKILL)
            _ = try await build.finish()
            for pid in [helper, ssh].compactMap(\.self) {
                try await eventually("process \(pid) to die") { Self.isAlive(pid) ? nil : () }
            }
            #expect(Folder.names("\(home.path)/fetches") != [])
            #expect(try await home.run("plan", "\(server.url)/site.git").exitCode == 0)
            #expect(Folder.names("\(home.path)/fetches") == [])
        }
    }

    /// What the process may write to is asked of the kernel, with the helper's own request.
    @Test func theFetchingProcessCannotWriteOutsideItsFolder() async throws {
        try await withForgeHome { home in
            let script = "\(home.folder)/ssh"
            try Data(
                """
                #!/bin/sh
                echo x > \(home.folder)/outside 2> /dev/null && echo outside >&2
                mkdir \(home.path)/inside-home 2> /dev/null && echo home >&2
                grep NoNewPrivs /proc/self/status >&2
                ulimit -c >&2
                env | grep -c SECRET >&2
                exit 1
                """.utf8
            ).write(to: URL(filePath: script))
            let run = try await home.run(
                "plan", "ssh://localhost/x", "--json",
                environment: ["GIT_SSH_COMMAND": "sh \(script)", "SECRET_TOKEN": "x"])
            let message = try #require(try run.json()["error"]?["message"]?.text)
            #expect(message.hasSuffix("NoNewPrivs:\t1; 0; 0"), "\(message)")
            #expect(!FileManager.default.fileExists(atPath: "\(home.folder)/outside"))
        }
    }

    @Test func aFullDiskWhileUnpackingIsTold() async throws {
        try await withForgeHome { home in
            let server = try await served(home, bytes: 3_000_000)
            let disk = "\(home.path)/fetches"
            try Folder.make(disk)
            let mount = try await home.tool("/usr/bin/mount", "-t", "tmpfs", "-o", "size=1m", "none", disk)
            // Only who may mount can make a disk full.
            guard mount.exitCode == 0 else { return }
            let run = try await home.run("plan", "\(server.url)/site.git", "--json")
            let left = Folder.names(disk)
            _ = try await home.tool("/usr/bin/umount", disk)
            #expect(run.exitCode == 60, "\(run.output)")
            #expect(try run.json()["error"]?["code"] == "store.no-space")
            #expect(left == [])
        }
    }

    static func children(of pid: pid_t) -> [pid_t] {
        let text = String(decoding: FileManager.default.contents(atPath: "/proc/\(pid)/task/\(pid)/children") ?? Data(), as: UTF8.self)
        let direct = text.split(separator: " ").compactMap { pid_t($0) }
        if !direct.isEmpty { return direct }
        return Folder.names("/proc").compactMap { pid_t($0) }.filter { candidate in
            let status = String(decoding: FileManager.default.contents(atPath: "/proc/\(candidate)/status") ?? Data(), as: UTF8.self)
            return status.contains("\nPPid:\t\(pid)\n")
        }
    }

    static func isAlive(_ pid: pid_t) -> Bool {
        let status = String(decoding: FileManager.default.contents(atPath: "/proc/\(pid)/status") ?? Data(), as: UTF8.self)
        return !status.isEmpty && !status.contains("State:\tZ")
    }
}
