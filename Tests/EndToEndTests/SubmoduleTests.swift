import ForgeTestSupport
import Foundation
import Testing

/// A site with a library in a folder of its own, and a library in that one.
private struct Nested: Sendable {
    let shelf: GitShelf
    let site: TemporaryProject
    let library: TemporaryProject
    let inner: TemporaryProject

    /// - Parameter urls: of the library in the site, of the inner library in the library.
    init(in home: ForgeHome, _ configuration: String = "submodules = true", urls: (String, String) = ("../library.git", "./../inner.git"))
        async throws
    {
        shelf = try GitShelf(in: home)
        inner = try home.project(["deep.txt": "deep"], named: "inner")
        try await inner.commit()
        library = try home.project(["page.html": "library"], named: "library")
        try await library.commit()
        try await Self.add(inner, to: library, at: "inner", url: urls.1)
        site = try home.project(["index.html": "site", "crowdforge.toml": "[source]\n\(configuration)\n"])
        try await site.commit()
        try await Self.add(library, to: site, at: "vendor/library", url: urls.0)
        for (project, name) in [(inner, "inner"), (library, "library"), (site, "site")] { try await shelf.publish(project, as: name) }
    }

    /// As `git submodule add` records it, without fetching anything.
    static func add(_ part: TemporaryProject, to whole: TemporaryProject, at path: String, url: String) async throws {
        try whole.write([".gitmodules": "[submodule \"part\"]\n\tpath = \(path)\n\turl = \"\(url)\"\n"])
        let id = try await part.git("rev-parse", "HEAD")
        try await whole.git("add", ".gitmodules")
        try await whole.git("update-index", "--add", "--cacheinfo", "160000,\(id),\(path)")
        try await whole.git("commit", "-q", "-m", "A part of it lies elsewhere")
    }
}

@Suite struct SubmoduleTests {
    static let files = ["index.html": "site", "vendor/library/page.html": "library", "vendor/library/inner/deep.txt": "deep"]

    /// The files of the artifact, without git's own and Forge's.
    private func files(_ home: ForgeHome, _ arguments: String...) async throws -> [String: String] {
        let folder = "\(home.folder)/out-\(UUID().uuidString)"
        let run = try await home.run(["build"] + arguments + ["--out", folder, "--json"])
        guard run.exitCode == 0 else { throw TestSupportError("\(run.output)\(run.error)") }
        return try Folder.texts(folder).filter { !$0.key.hasSuffix(".gitmodules") }
    }

    @Test func declaredSubmodulesAreFetchedAtTheRecordedCommitWithTheirOwn() async throws {
        try await withForgeHome { home in
            let nested = try await Nested(in: home)
            let server = try await HTTPGitServer.start(nested.shelf)
            // The branch has gone on; what is recorded counts.
            try nested.library.write(["page.html": "newer"])
            try await nested.library.git("commit", "-q", "-a", "-m", "Newer")
            try await nested.library.git("push", "-q", "\(nested.shelf.folder)/library.git", "main")
            let url = "\(server.url)/site.git"
            #expect(try await files(home, url) == Self.files)
            let commit = try await nested.site.git("rev-parse", "HEAD")
            try await server.stop()
            #expect(try await files(home, url, "--commit", commit) == Self.files)
            try FileManager.default.removeItem(atPath: "\(home.path)/store")
            #expect(try await files(home, url, "--commit", commit) == Self.files)
            let plan = try await home.run("plan", url, "--commit", commit, "--json")
            #expect(plan.exitCode == 0)
        }
    }

    @Test func localCommitsAndWorkTreesHaveTheirSubmodulesToo() async throws {
        try await withForgeHome { home in
            let nested = try await Nested(in: home)
            let clone = "\(home.folder)/clone"
            try await nested.site.git("clone", "-q", "\(nested.shelf.folder)/site.git", clone)
            // From the repositories beside it: the URLs are relative.
            #expect(try await files(home, clone, "--commit", "HEAD") == Self.files)
            let error = try await home.failure(2, "build", clone)
            #expect(error["message"]?.text == "the submodule `vendor/library` is not initialised: its folder is empty")
            #expect(error["hint"]?.text == "`git submodule update --init --recursive` fills it")
            try await nested.site.git(
                "-C", clone, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
            #expect(try await files(home, clone) == Self.files)
            for name in ["library", "inner"] { try FileManager.default.removeItem(atPath: "\(nested.shelf.folder)/\(name).git") }
            #expect(try await files(home, clone, "--commit", "HEAD") == Self.files)
            try Data("changed".utf8).write(to: URL(filePath: "\(clone)/vendor/library/page.html"))
            #expect(try await files(home, clone)["vendor/library/page.html"] == "changed")
        }
    }

    @Test func whatIsNotDeclaredIsAnErrorWithTheLineToAddAndWhatIsNotChosenIsLeftOut() async throws {
        try await withForgeHome { home in
            let silent = try await Nested(in: home, "")
            let server = try await HTTPGitServer.start(silent.shelf)
            for source in ["\(server.url)/site.git", silent.site.path] {
                let error = try await home.failure(2, "build", source)
                #expect(error["code"] == "source.submodule")
                #expect(error["message"]?.text == "`vendor/library` is a git submodule; its files are not part of this repository")
                #expect(
                    error["hint"]?.text
                        == "write `submodules = true` below `[source]` in `crowdforge.toml` to have it fetched, `false` to do without")
            }
        }
        for (choice, names) in [("[\"vendor/library\"]", ["index.html", "vendor/library/page.html"]), ("false", ["index.html"])] {
            try await withForgeHome { home in
                let some = try await Nested(in: home, "submodules = \(choice)")
                let server = try await HTTPGitServer.start(some.shelf)
                #expect(try await files(home, "\(server.url)/site.git").keys.filter { !$0.hasSuffix(".gitmodules") }.sorted() == names)
            }
        }
    }

    @Test(arguments: [
        "ext::sh -c 'touch RAN'", "--upload-pack=touch RAN", "file:///etc", "/etc", "../../../../../../etc", "fd::3",
        "ssh://-oProxyCommand=x/y",
        "../..",
    ])
    func hostileURLsAreRefusedAndNothingRuns(url: String) async throws {
        try await withForgeHome { home in
            let hostile = try await Nested(in: home, urls: (url.replacing("RAN", with: "\(home.folder)/ran"), "../inner.git"))
            let server = try await HTTPGitServer.start(hostile.shelf)
            #expect(try await home.failureCode(2, "build", "\(server.url)/site.git") == "source.submodule-url")
            #expect(!FileManager.default.fileExists(atPath: "\(home.folder)/ran"))
        }
    }

    /// A name like git's own folder, a path that climbs, keys that would run or include something, a file that is none.
    @Test func hostileSubmoduleFilesRunAndReachNothing() async throws {
        try await withForgeHome { home in
            let nested = try await Nested(in: home)
            let server = try await HTTPGitServer.start(nested.shelf)
            let (site, ran) = (nested.site, "\(home.folder)/ran")
            func code(_ text: String) async throws -> String {
                try site.write([".gitmodules": text])
                // Not all there is: the submodule's folder is not checked out.
                try await site.git("add", ".gitmodules")
                try await site.git("commit", "-q", "-m", "Hostile")
                try await site.git("push", "-q", "\(nested.shelf.folder)/site.git", "main")
                let run = try await home.run("build", "\(server.url)/site.git", "--json")
                return try run.json()["error"]?["code"]?.text ?? "built"
            }
            for name in ["../../x", ".git", "a/.GIT/b", "/etc", "a//b", ""] {
                let text = "[submodule \"\(name)\"]\npath = vendor/library\nurl = ../library.git\n"
                #expect(try await code(text) == "source.submodule-url", "\(name)")
            }
            #expect(try await code("[submodule \"x\"]\npath = ../../vendor\nurl = ../library.git\n") == "source.submodule-url")
            #expect(try await code("[submodule \"x\"\npath = vendor/library\n") == "source.submodule-file")
            let keys = "update = !touch \(ran)\nignore = all\n[include]\npath = /etc/passwd\n[core]\nsshCommand = touch \(ran)\n"
            #expect(try await code("[submodule \"x\"]\npath = vendor/library\nurl = ../library.git\n\(keys)") == "built")
            try FileManager.default.removeItem(atPath: "\(site.path)/.gitmodules")
            try FileManager.default.createSymbolicLink(atPath: "\(site.path)/.gitmodules", withDestinationPath: "/etc/passwd")
            try await site.git("add", ".gitmodules")
            try await site.git("commit", "-q", "-m", "A link")
            try await site.git("push", "-q", "\(nested.shelf.folder)/site.git", "main")
            #expect(try await home.failureCode(2, "build", "\(server.url)/site.git") == "source.submodule-url")
            #expect(!FileManager.default.fileExists(atPath: ran))
        }
    }

    @Test func aTokenIsShownToNoOtherServer() async throws {
        try await withForgeHome { home in
            let secret = "s3cret-\(UUID().uuidString)"
            let away = try GitShelf(in: home)
            let other = try await HTTPGitServer.start(away, .init(login: ("x-access-token", secret)))
            let nested = try await Nested(in: home, urls: ("\(other.url)/library.git", "../inner.git"))
            let server = try await HTTPGitServer.start(nested.shelf, .init(login: ("x-access-token", secret)))
            let url = "\(server.url)/site.git".replacing("//", with: "//x-access-token:\(secret)@")
            #expect(try await home.failureCode(2, "build", url) == "source.no-credentials")
        }
    }
}
