import ForgeTestSupport
import Foundation
import Testing

/// A project with a history: tags, a second branch, a large file that is gone, a commit that no ref reaches.
struct PublishedProject: Sendable {
    static let largeBytes = 400_000

    let project: TemporaryProject
    let first: String
    let second: String
    /// On the branch `side`, with a large file of its own.
    let side: String
    /// Pushed once, its branch deleted.
    let orphan: String

    init(in home: ForgeHome) async throws {
        project = try home.project(["index.html": "1", "large.bin": Self.noise()])
        try await project.commit("One")
        try FileManager.default.removeItem(atPath: "\(project.path)/large.bin")
        try project.write(["index.html": "2"])
        first = try await project.commit("Two")
        try await project.git("tag", "-a", "v1", "-m", "Version 1")
        try project.write(["index.html": "3"])
        second = try await project.commit("Three")
        try await project.git("checkout", "-q", "-b", "side")
        try project.write(["side.html": "side", "large.bin": Self.noise()])
        side = try await project.commit("Aside")
        try await project.git("checkout", "-q", "-b", "gone", "main")
        try project.write(["index.html": "orphan"])
        orphan = try await project.commit("Gone")
        try await project.git("checkout", "-q", "main")
    }

    /// On the shelf as `site.git`.
    func publish(on shelf: GitShelf, configuration: [String: String] = [:], orphanReachable: Bool = false) async throws {
        try await shelf.publish(project, configuration: configuration)
        if !orphanReachable { try await project.git("-C", "\(shelf.folder)/site.git", "branch", "-q", "-D", "gone") }
    }

    /// Text that no compression makes small.
    private static func noise() -> String {
        var generator = SystemRandomNumberGenerator()
        return String((0..<largeBytes).map { _ in Character(UnicodeScalar(UInt8.random(in: 33...126, using: &generator))) })
    }

    /// What a build of the commit from the disk gives.
    func artifact(_ commit: String, in home: ForgeHome) async throws -> String? {
        try await home.build(project.path, "--commit", commit).artifact
    }
}

@Suite struct RemoteSourceTests {
    @Test func oneCommitComesOverHTTPByBranchTagIdOrDefault() async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf)
            let server = try await HTTPGitServer.start(shelf)
            let url = "\(server.url)/site.git"
            let cases: [([String], String)] = [
                ([], published.second), (["--commit", "main"], published.second), (["--commit", "v1"], published.first),
                (["--commit", "refs/tags/v1"], published.first), (["--commit", String(published.side.prefix(9))], published.side),
                (["--commit", published.second], published.second),
            ]
            for (arguments, commit) in cases {
                let run = try await home.run(["build", url, "--json", "--progress", "plain"] + arguments)
                #expect(run.exitCode == 0, "\(arguments): \(run.error)")
                #expect(try await run.json()["artifact"]?.text == published.artifact(commit, in: home), "\(arguments)")
                #expect(run.error.contains("site @ \(commit.prefix(7))"))
            }
            #expect(Folder.names("\(home.path)/fetches") == [])
        }
    }

    @Test func aFetchBringsOneCommitOfOneBranchAndNeverEveryHead() async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf)
            let server = try await HTTPGitServer.start(shelf)
            _ = try await home.build("\(server.url)/site.git", "--commit", "main")
            let requests = server.requests
            #expect(
                requests.map(\.line).filter { $0.hasPrefix("POST") } == [
                    "POST /site.git/git-upload-pack 200", "POST /site.git/git-upload-pack 200",
                ])
            // Neither the file of an older commit nor that of another branch travelled.
            #expect(requests.reduce(0) { $0 + $1.bytes } < PublishedProject.largeBytes / 10)
        }
    }

    /// A server that allows asking for an id, one that does not, and one whose commit no branch reaches.
    @Test(arguments: [
        ["uploadpack.allowReachableSHA1InWant": "true"], ["uploadpack.allowTipSHA1InWant": "true"],
        ["uploadpack.allowAnySHA1InWant": "true"],
        [:],
    ])
    func aFullIdComesWhetherOrNotTheServerAllowsAskingForIt(configuration: [String: String]) async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf, configuration: configuration)
            // No ref stands at it any more.
            try await published.project.git("-C", "\(shelf.folder)/site.git", "tag", "-d", "v1")
            let server = try await HTTPGitServer.start(shelf)
            let url = "\(server.url)/site.git"
            let report = try await home.build(url, "--commit", published.first)
            #expect(try await report.artifact == published.artifact(published.first, in: home))
            let orphan = try await home.build(url, "--commit", published.orphan)
            #expect(try await orphan.artifact == published.artifact(published.orphan, in: home))
            let error = try await home.failure(2, "build", url, "--commit", String(repeating: "1", count: 40))
            #expect(error["code"] == "source.unknown-commit")
        }
    }

    @Test func planAndDetectFetchTooAndTellProgressInObjectsAndBytes() async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf)
            let server = try await HTTPGitServer.start(shelf)
            let plan = try await home.run("plan", "\(server.url)/site.git", "--json", "--progress", "json")
            let local = try await home.run("plan", published.project.path, "--json")
            #expect(try plan.json() == local.json())
            let progress = try plan.events().filter { $0["type"] == "span.progress" }.compactMap { $0["text"]?.text }
            #expect(progress.contains { $0.wholeMatch(of: /3 of 3 objects, [0-9]+ B/) != nil }, "\(progress)")
            let detect = try await home.run("detect", "\(server.url)/site.git", "--json", "--progress", "quiet")
            #expect(try detect.json()["kind"] == "static")
        }
    }

    // MARK: Connections that stay open

    @Test func oneCommitComesThroughSSHByURLShortFormAndAgent() async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf)
            let server = try await SSHGitServer.start(shelf)
            let expected = try await published.artifact(published.second, in: home)
            let environment = ["GIT_SSH_COMMAND": server.command]
            for url in [server.url("\(shelf.folder)/site.git"), "git.test:\(shelf.folder)/site.git"] {
                let run = try await home.run("build", url, "--json", environment: environment)
                #expect(try run.json()["artifact"]?.text == expected, "\(run.error)")
            }
            try server.use(key: nil)
            let socket = "\(home.folder)/agent"
            let agent = try home.start(program: "/usr/bin/ssh-agent", ["-D", "-a", socket])
            try await eventually("the agent", else: { agent.error }) { FileManager.default.fileExists(atPath: socket) ? () : nil }
            _ = try await home.tool("/usr/bin/ssh-add", "-q", server.key, environment: ["SSH_AUTH_SOCK": socket])
            let both = environment.merging(["SSH_AUTH_SOCK": socket]) { $1 }
            let run = try await home.run("build", server.url("\(shelf.folder)/site.git"), "--commit", "v1", "--json", environment: both)
            #expect(try await run.json()["artifact"]?.text == published.artifact(published.first, in: home), "\(run.error)")
        }
    }

    /// libgit2 1.8 sends its wants twice where the connection stays open, and the server hangs up.
    @Test(arguments: [true, false]) func wantsAreSentOnceOverSSHAndGit(overSSH: Bool) async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf, configuration: ["uploadpack.allowReachableSHA1InWant": "true"])
            let ssh = overSSH ? try await SSHGitServer.start(shelf) : nil
            let url = if let ssh { ssh.url("\(shelf.folder)/site.git") } else { "\(try await GitDaemon.start(shelf).url)/site.git" }
            let environment = ssh.map { ["GIT_SSH_COMMAND": $0.command] } ?? [:]
            try await published.project.git("-C", "\(shelf.folder)/site.git", "tag", "-d", "v1")
            for commit in ["side", published.first, published.orphan] {
                let run = try await home.run("build", url, "--commit", commit, "--json", environment: environment)
                #expect(try await run.json()["artifact"]?.text == published.artifact(commit, in: home), "\(commit): \(run.error)")
            }
        }
    }

    @Test func sshFailuresSayWhatToDo() async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf)
            let server = try await SSHGitServer.start(shelf)
            func code(_ url: String) async throws -> JSON? {
                let run = try await home.run("plan", url, "--json", environment: ["GIT_SSH_COMMAND": server.command])
                #expect(run.exitCode == 2)
                return try run.json()["error"]?["code"]
            }
            let url = server.url("\(shelf.folder)/site.git")
            #expect(try await code(server.url("\(shelf.folder)/nothing.git")) == "source.not-a-repository")
            try server.use(key: "stranger")
            #expect(try await code(url) == "source.credentials")
            try server.know(nil)
            #expect(try await code(url) == "source.host-key")
            try server.knowAnotherKey()
            #expect(try await code(url) == "source.host-key")
            #expect(try await code("ssh://127.0.0.1:1/x") == "source.unreachable")
        }
    }

    // MARK: Credentials

    @Test func credentialsComeFromTheURLATokenFileOrGitsHelpersAndAreNeverShown() async throws {
        try await withForgeHome { home in
            let published = try await PublishedProject(in: home)
            let shelf = try GitShelf(in: home)
            try await published.publish(on: shelf)
            let secret = "s3cret-\(UUID().uuidString)"
            let token = "\(home.folder)/token"
            try Data("\(secret)\n".utf8).write(to: URL(filePath: token))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token)
            let server = try await HTTPGitServer.start(shelf, .init(login: ("x-access-token", secret)))
            let url = "\(server.url)/site.git"
            #expect(try await home.failureCode(2, "plan", url) == "source.no-credentials")
            #expect(try await home.failureCode(2, "plan", url.replacing("//", with: "//x:wrong@")) == "source.credentials")
            let expected = try await published.artifact(published.second, in: home)
            let byURL = try await home.run(
                "build", url.replacing("//", with: "//x-access-token:\(secret)@"), "--json", "--progress", "json")
            #expect(try byURL.json()["artifact"]?.text == expected, "\(byURL.error)")
            #expect(!byURL.error.contains(secret) && !byURL.output.contains(secret))
            let byToken = try await home.run("build", url, "--token-file", token, "--json", "--progress", "json")
            #expect(try byToken.json()["artifact"]?.text == expected, "\(byToken.error)")
            // git's own store, asked by this process and told afterwards.
            try Data("[credential]\n helper = store\n".utf8).write(to: URL(filePath: "\(home.folder)/person/.gitconfig"))
            let line = url.replacing("//", with: "//x-access-token:\(secret)@").replacing("/site.git", with: "")
            try Data("\(line)\n".utf8).write(to: URL(filePath: "\(home.folder)/person/.git-credentials"))
            #expect(try await home.build(url, "--commit", "v1").artifact == published.artifact(published.first, in: home))
            // No ref reaches it: the `git` program is given the same credentials.
            let orphan = try await home.build(url, "--commit", published.orphan, "--token-file", token)
            #expect(try await orphan.artifact == published.artifact(published.orphan, in: home))
            let kept = try Folder.texts(home.path)
            #expect(kept.filter { $0.value.contains(secret) }.keys.sorted() == [])
        }
    }

    @Test func aTokenFileThatOthersCanReadIsRefused() async throws {
        try await withForgeHome { home in
            let token = "\(home.folder)/token"
            try Data("abc\n".utf8).write(to: URL(filePath: token))
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: token)
            let error = try await home.failure(2, "plan", "http://localhost:1/x.git", "--token-file", token)
            #expect(error["message"]?.text == "the token file `\(token)` can be read by others")
            #expect(error["hint"]?.text == "chmod 600 \(token)")
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: token)
            try Data("\n".utf8).write(to: URL(filePath: token))
            #expect(try await home.failureCode(2, "plan", "http://localhost:1/x.git", "--token-file", token) == "source.token-file")
            // Neither unencrypted to another machine, nor where none is used.
            for url in ["http://nothing.invalid/x.git", "ssh://nothing.invalid/x.git", "git@nothing.invalid:x", "git://localhost:1/x", "."]
            {
                #expect(try await home.failureCode(2, "plan", url, "--token-file", token) == "usage.token-file", "\(url)")
            }
        }
    }
}
