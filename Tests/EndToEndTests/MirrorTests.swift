import ForgeTestSupport
import Foundation
import Glibc
import Testing

/// A repository with a file that does not compress, served on a shelf, to which commits are added.
private struct GrowingProject: Sendable {
    let project: TemporaryProject
    let shelf: GitShelf

    init(in home: ForgeHome) async throws {
        project = try home.project(["index.html": "1", "noise.txt": (0..<8000).map { _ in UUID().uuidString }.joined()])
        try await project.commit("One")
        shelf = try GitShelf(in: home)
        try await shelf.publish(project)
    }

    /// Another commit with one small change, on the shelf too.
    func grow(_ text: String) async throws -> String {
        try project.write(["index.html": text])
        let commit = try await project.commit(text)
        try await project.git("push", "-q", "\(shelf.folder)/site.git", "main")
        return commit
    }

    /// Of the first commit, packed.
    static let bytes = 150_000

    func artifact(_ commit: String, in home: ForgeHome) async throws -> String? {
        try await home.build(project.path, "--commit", commit).artifact
    }
}

extension ForgeHome {
    fileprivate var mirrors: [String] {
        Folder.names("\(path)/mirrors").filter { !$0.hasSuffix(".lock") && $0 != "key" }.map { "\(path)/mirrors/\($0)" }
    }

    /// The sizes of the packs of all mirrors, the smallest first.
    fileprivate func packs() throws -> [Int] {
        try mirrors.flatMap { mirror in
            let folder = "\(mirror)/repository/objects/pack"
            return try Folder.names(folder).filter { $0.hasSuffix(".pack") }.map { name in
                try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.size] as? Int ?? -1
            }
        }.sorted()
    }

    fileprivate func forgetStore() throws {
        try FileManager.default.removeItem(atPath: "\(path)/store")
    }
}

@Suite struct MirrorTests {
    enum Way: String, CaseIterable { case http, git, ssh }

    @Test(arguments: Way.allCases) func theNextCommitBringsOnlyWhatIsNew(way: Way) async throws {
        try await withForgeHome { home in
            let source = try await GrowingProject(in: home)
            let ssh = way == .ssh ? try await SSHGitServer.start(source.shelf) : nil
            let port =
                switch way {
                case .http: try await HTTPGitServer.start(source.shelf).port
                case .git: try await GitDaemon.start(source.shelf).port
                case .ssh: 0
                }
            let proxy = ssh == nil ? try CuttingProxy(to: port) : nil
            let url =
                if let ssh { ssh.url("\(source.shelf.folder)/site.git") } else {
                    "\(way.rawValue)://localhost:\(proxy?.port ?? 0)/site.git"
                }
            let environment = ssh.map { ["GIT_SSH_COMMAND": $0.command] } ?? [:]
            func build() async throws -> String? {
                let run = try await home.run(["build", url, "--json"], environment: environment)
                return try run.json()["artifact"]?.text
            }
            _ = try await build()
            #expect(proxy.map { $0.passedBytes > GrowingProject.bytes } ?? true)
            for number in 2...4 {
                let before = proxy?.passedBytes ?? 0
                let commit = try await source.grow("\(number)")
                #expect(try await build() == source.artifact(commit, in: home))
                #expect((proxy?.passedBytes ?? 0) - before < 5000)
            }
            let packs = try home.packs()
            #expect(packs.count == 4 && packs.dropLast().allSatisfy { $0 < 2000 }, "\(packs)")
        }
    }

    @Test func aCommitInTheMirrorNeedsNoServerEvenWhenTheStoreIsGone() async throws {
        try await withForgeHome { home in
            let source = try await GrowingProject(in: home)
            let server = try await HTTPGitServer.start(source.shelf)
            let url = "\(server.url)/site.git"
            let first = try await home.build(url)
            let second = try await source.grow("2")
            let later = try await home.build(url, "--commit", "main")
            let count = server.requests.count
            try await server.stop()
            #expect(try await home.build(url, "--commit", second).artifact == later.artifact)
            for _ in 1...2 {
                try home.forgetStore()
                #expect(try await home.build(url, "--commit", second).artifact == later.artifact)
            }
            let id = try await source.project.git("rev-parse", "HEAD~1")
            #expect(try await home.build(url, "--commit", id).artifact == first.artifact)
            #expect(server.requests.count == count)
            #expect(try await home.failureCode(2, "build", url) == "source.unreachable")
        }
    }

    /// What may stand in the place of something whole after a power cut, and what a disk makes of it in time.
    static let damages: [String] = [
        "f=$(ls -S objects/pack/*.pack | head -1); chmod u+w $f; truncate -s 70000 $f",
        "f=$(ls -S objects/pack/*.pack | head -1); chmod u+w $f; truncate -s 0 $f",
        "f=$(ls -S objects/pack/*.pack | head -1); chmod u+w $f; head -c 400 /dev/zero | dd of=$f bs=1 seek=40000 conv=notrunc status=none",
        "rm -f objects/pack/*.idx", "rm -rf objects", "for f in refs/forge/commits/*; do : > $f; done", "echo x > HEAD; rm -rf refs",
        "echo nonsense > config", "echo nonsense > shallow", "for f in objects/pack/*.idx; do chmod u+w $f; echo x > $f; done",
        "touch shallow.lock refs/forge/commits/x.lock objects/pack/pack_left", "rm -f shallow", "echo garbage > ../digests",
        "rm -rf ../repository/*",
    ]

    @Test(arguments: damages) func aDamagedMirrorHealsAndNeverGivesAWrongResult(damage: String) async throws {
        try await withForgeHome { home in
            let source = try await GrowingProject(in: home)
            let server = try await HTTPGitServer.start(source.shelf)
            let url = "\(server.url)/site.git"
            let first = try await home.build(url)
            func harm() async throws {
                let mirror = try #require(home.mirrors.first)
                let run = try await home.tool("/bin/sh", "-euc", damage, cwd: "\(mirror)/repository")
                #expect(run.exitCode == 0, "\(run.error)")
            }
            try await harm()
            let second = try await source.grow("2")
            let expected = try await source.artifact(second, in: home)
            let newest = try await home.build(url).artifact
            #expect(newest == expected)
            try await harm()
            try home.forgetStore()
            #expect(try await home.build(url, "--commit", second).artifact == expected)
            try await harm()
            let id = try await source.project.git("rev-parse", "HEAD~1")
            let older = try await home.build(url, "--commit", id).artifact
            #expect(older == first.artifact)
            #expect(Folder.names("\(home.path)/fetches") == [])
        }
    }

    @Test(arguments: [1, 40_000, 120_000, 290_000]) func aFetchKilledAtAnyByteLeavesAMirrorThatTheNextOneUses(bytes: Int) async throws {
        try await withForgeHome { home in
            let source = try await GrowingProject(in: home)
            let proxy = try CuttingProxy(to: try await GitDaemon.start(source.shelf).port, after: 400_000, stalls: true)
            let url = "git://localhost:\(proxy.port)/site.git"
            #expect(try await home.run("build", url, "--json").exitCode == 0)
            let already = proxy.passedBytes
            try source.project.write(["more.txt": (0..<12000).map { _ in UUID().uuidString }.joined()])
            let second = try await source.grow("2")
            let stalled = try home.start("build", url)
            try await eventually("the transfer to stall", else: { stalled.error }) {
                proxy.passedBytes >= min(already + bytes, 390_000 - 16_384) ? () : nil
            }
            let helper = RemoteSourceFailureTests.children(of: stalled.pid).first
            stalled.signal(SIGKILL)
            _ = try await stalled.finish()
            proxy.lift()
            #expect(try await home.build(url).artifact == source.artifact(second, in: home))
            if let helper { #expect(!RemoteSourceFailureTests.isAlive(helper)) }
            #expect(try home.packs().count == 2)
            #expect(Folder.names("\(try #require(home.mirrors.first))/repository/objects/pack").allSatisfy { $0.hasPrefix("pack-") })
        }
    }

    @Test func processesThatWantOneMirrorAtOnceFetchOnce() async throws {
        try await withForgeHome { home in
            let source = try await GrowingProject(in: home)
            let second = try await source.grow("2")
            let server = try await HTTPGitServer.start(source.shelf)
            let url = "\(server.url)/site.git"
            let expected = try await source.artifact(second, in: home)
            let all = try (1...4).map { _ in try home.start("build", url, "--commit", second, "--json") }
            for child in all { #expect(try await child.finish().json()["artifact"]?.text == expected) }
            #expect(server.requests.count { $0.line.hasPrefix("GET") } == 1)
            #expect(try home.packs().count == 1)
        }
    }

    @Test func whatATokenBroughtIsNotGivenToWhoeverComesWithout() async throws {
        try await withForgeHome { home in
            let source = try await GrowingProject(in: home)
            let secret = "s3cret-\(UUID().uuidString)"
            let server = try await HTTPGitServer.start(source.shelf, .init(login: ("x-access-token", secret)))
            let (url, commit) = ("\(server.url)/site.git", try await source.project.git("rev-parse", "HEAD"))
            let known = url.replacing("//", with: "//x-access-token:\(secret)@")
            let first = try await home.build(known, "--commit", commit)
            #expect(try await home.failureCode(2, "build", url, "--commit", commit) == "source.no-credentials")
            let other = url.replacing("//", with: "//x-access-token:other@")
            #expect(try await home.failureCode(2, "build", other, "--commit", commit) == "source.credentials")
            let count = server.requests.count
            #expect(try await home.build(known, "--commit", commit).artifact == first.artifact)
            #expect(server.requests.count == count)
            #expect(try Folder.texts(home.path).filter { $0.value.contains(secret) || $0.key.contains(secret) }.keys.sorted() == [])
        }
    }
}
