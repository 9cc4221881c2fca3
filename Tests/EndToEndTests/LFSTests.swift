import ForgeTestSupport
import Foundation
import Testing

/// A site whose pictures are kept by LFS: pointers in the commit, objects on a server.
private struct PicturedSite: Sendable {
    static let picture = String(repeating: "a picture ", count: 1000)

    let site: TemporaryProject
    let shelf: GitShelf
    let oid: String

    init(in home: ForgeHome, _ configuration: String = "lfs = true", on server: LFSServer? = nil) async throws {
        let folder = "\(home.folder)/picture"
        try Data(Self.picture.utf8).write(to: URL(filePath: folder))
        oid = String(try await home.tool("/usr/bin/sha256sum", folder).output.prefix(64))
        site = try home.project([
            "index.html": "site", ".gitattributes": "*.bin filter=lfs\n", "crowdforge.toml": "[source]\n\(configuration)\n",
            "img/a.bin": Self.pointer(oid, Self.picture.utf8.count), "img/b.bin": Self.pointer(oid, Self.picture.utf8.count),
        ])
        try await site.commit()
        shelf = try GitShelf(in: home)
        try await shelf.publish(site)
        try server?.put(Self.picture, named: oid)
    }

    static func pointer(_ oid: String, _ size: Int) -> String {
        "version https://git-lfs.github.com/spec/v1\noid sha256:\(oid)\nsize \(size)\n"
    }
}

@Suite struct LFSTests {
    private func built(_ home: ForgeHome, _ arguments: String...) async throws -> (files: [String: String], warnings: [String]) {
        let folder = "\(home.folder)/out-\(UUID().uuidString)"
        let run = try await home.run(["build"] + arguments + ["--out", folder, "--json"])
        guard run.exitCode == 0 else { throw TestSupportError("\(run.output)\(run.error)") }
        return (try Folder.texts(folder).filter { $0.key.hasPrefix("img/") }, try run.json()["warnings"]?.elements.compactMap(\.text) ?? [])
    }

    @Test func declaredObjectsAreFetchedOnceComparedAndPutInThePlaceOfTheirPointers() async throws {
        try await withForgeHome { home in
            let objects = try await LFSServer.start(in: home)
            let pictured = try await PicturedSite(in: home, on: objects)
            let server = try await HTTPGitServer.start(pictured.shelf, .init(lfs: objects.port))
            let whole = ["img/a.bin": PicturedSite.picture, "img/b.bin": PicturedSite.picture]
            #expect(try await built(home, "\(server.url)/site.git").files == whole)
            let asked = ["POST /site.git/info/lfs/objects/batch 200", "GET /objects/\(pictured.oid) 200"]
            #expect(objects.requests.map(\.line) == asked)
            #expect(objects.requests.last?.bytes == PicturedSite.picture.utf8.count)
            // The next commit has the same objects: the store has them.
            try pictured.site.write(["index.html": "newer"])
            try await pictured.site.commit()
            try await pictured.site.git("push", "-q", "\(pictured.shelf.folder)/site.git", "main")
            #expect(try await built(home, "\(server.url)/site.git").files == whole)
            #expect(objects.requests.count == 2)
            #expect(Folder.names("\(home.path)/fetches") == [])
        }
    }

    @Test func onlyWhatThePatternsNameIsFetchedAndWhatIsNotDeclaredIsPointedOut() async throws {
        for (configuration, pointers, warns) in [
            ("lfs = [\"a.*\"]", ["img/b.bin"], false), ("lfs = [\"img/**/b.bin\"]", ["img/a.bin"], false),
            ("lfs = false", ["img/a.bin", "img/b.bin"], false), ("", ["img/a.bin", "img/b.bin"], true),
        ] {
            try await withForgeHome { home in
                let objects = try await LFSServer.start(in: home)
                let pictured = try await PicturedSite(in: home, configuration, on: objects)
                let server = try await HTTPGitServer.start(pictured.shelf, .init(lfs: objects.port))
                let remark = "`img/a.bin`, `img/b.bin`: pointers of git LFS, taken as they are"
                for source in ["\(server.url)/site.git", pictured.site.path] where warns || source.hasPrefix("http") {
                    for _ in 1...2 {
                        let (files, warnings) = try await built(home, source)
                        #expect(files.filter { $0.value.hasPrefix("version ") }.keys.sorted() == pointers, "\(configuration)")
                        #expect(
                            warnings.map { $0.hasPrefix(remark) && $0.contains("`lfs = true`") } == (warns ? [true] : []), "\(warnings)")
                    }
                }
            }
        }
    }

    @Test(arguments: [
        ("bytes", "source.lfs-damaged"), ("long", "source.lfs-damaged"), ("size", "source.lfs-damaged"), ("short", "source.lfs-damaged"),
        ("way", "source.lfs-server"), ("local", "source.lfs-server"), ("moved", nil),
    ])
    func aServerThatLiesIsRefusedByTheFileItLiesAbout(fault: String, code: String?) async throws {
        try await withForgeHome { home in
            let objects = try await LFSServer.start(in: home, fault: fault)
            let pictured = try await PicturedSite(in: home, on: objects)
            let server = try await HTTPGitServer.start(pictured.shelf, .init(lfs: objects.port))
            guard let code else {
                #expect(try await built(home, "\(server.url)/site.git").files["img/a.bin"] == PicturedSite.picture)
                return
            }
            let error = try await home.failure(2, "build", "\(server.url)/site.git")
            #expect(error["code"]?.text == code)
            #expect(error["message"]?.text?.contains("`img/a.bin`") == true, "\(error)")
            #expect(!FileManager.default.fileExists(atPath: "\(home.path)/store/blobs/\(pictured.oid.prefix(2))/\(pictured.oid)"))
            #expect(Folder.names("\(home.path)/fetches") == [])
        }
    }

    @Test func anObjectThatNobodyHasAndAServerThatIsNoneAreNamed() async throws {
        try await withForgeHome { home in
            let objects = try await LFSServer.start(in: home)
            let pictured = try await PicturedSite(in: home)
            let server = try await HTTPGitServer.start(pictured.shelf, .init(lfs: objects.port))
            let error = try await home.failure(2, "build", "\(server.url)/site.git")
            #expect(error["message"]?.text == "the LFS server does not have the object of `img/a.bin`: no such object")
            let plain = try await HTTPGitServer.start(pictured.shelf)
            #expect(try await home.failureCode(2, "build", "\(plain.url)/site.git") == "source.lfs-server")
            #expect(try await home.failureCode(2, "build", pictured.site.path) == "source.lfs-missing")
        }
    }

    @Test func credentialsAreAsForTheRepositoryAndNeverShown() async throws {
        try await withForgeHome { home in
            let secret = "s3cret-\(UUID().uuidString)"
            let objects = try await LFSServer.start(in: home, login: "x-access-token:\(secret)")
            let pictured = try await PicturedSite(in: home, on: objects)
            let server = try await HTTPGitServer.start(pictured.shelf, .init(tls: true, lfs: objects.port))
            let url = "\(server.url)/site.git"
            let trust = ["SSL_CERT_FILE": server.certificate]
            let refused = try await home.run("build", url, "--json", environment: trust)
            #expect(try refused.json()["error"]?["code"] == "source.no-credentials", "\(refused.output)")
            let known = url.replacing("//", with: "//x-access-token:\(secret)@")
            // The way to the object is http there: what began with https does not follow.
            let down = try await home.run("build", known, "--json", environment: trust)
            #expect(try down.json()["error"]?["code"] == "source.redirected", "\(down.output)")
            let open = try await HTTPGitServer.start(pictured.shelf, .init(lfs: objects.port))
            let run = try await home.run(
                "build", "\(open.url)/site.git".replacing("//", with: "//x-access-token:\(secret)@"), "--json", "--progress", "json")
            #expect(run.exitCode == 0, "\(run.output)")
            #expect(!run.error.contains(secret) && !run.output.contains(secret))
            #expect(try Folder.texts(home.path).filter { $0.value.contains(secret) }.keys.sorted() == [])
        }
    }

    @Test func objectsOfARepositoryOnThisMachineComeFromIt() async throws {
        try await withForgeHome { home in
            let pictured = try await PicturedSite(in: home)
            let kept = "\(pictured.site.path)/.git/lfs/objects/\(pictured.oid.prefix(2))/\(pictured.oid.dropFirst(2).prefix(2))"
            try Folder.make(kept)
            try Data("something else".utf8).write(to: URL(filePath: "\(kept)/\(pictured.oid)"))
            #expect(try await home.failureCode(2, "build", pictured.site.path, "--commit", "main") == "source.lfs-damaged")
            try Data(PicturedSite.picture.utf8).write(to: URL(filePath: "\(kept)/\(pictured.oid)"))
            for arguments in [[], ["--commit", "main"]] {
                let folder = "\(home.folder)/out-\(arguments.count)"
                let run = try await home.run(["build", pictured.site.path, "--out", folder] + arguments)
                #expect(run.exitCode == 0, "\(run.error)")
                #expect(try String(contentsOfFile: "\(folder)/img/b.bin", encoding: .utf8) == PicturedSite.picture)
            }
        }
    }
}
