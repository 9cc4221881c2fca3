import ForgeGit
import ForgeModel
import ForgeSystem
import Foundation
import Testing

struct WorkTreeTests {
    @Test func aRepositorysWorkTreeHoldsWhatGitWouldCommit() async throws {
        let workshop = try await Workshop.repository([".gitignore": "*.log\n/build/\n!keep.log\n", "src/main.c": "m"])
        try workshop.write(
            [
                "a.log": "ignored", "keep.log": "k", "build/x": "ignored", "src/build/y": "y", "new": "untracked",
                "src/.gitignore": "tmp\n",
                "src/tmp/z": "ignored",
            ],
            in: "repository")
        try await workshop.shell(
            "ln -s nowhere link; chmod +x src/main.c; mkdir -p void/deep; rm .gitignore; git checkout --quiet .gitignore")
        let tree = try WorkTree(at: workshop.repository)
        #expect(
            try tree.lines() == [
                ".gitignore: *.log\n/build/\n!keep.log\n", "keep.log: k", "link -> nowhere", "new: untracked", "src/",
                "src/.gitignore: tmp\n", "src/build/", "src/build/y: y", "src/main.c*: m",
            ])
        #expect(tree.path == workshop.repository)
        #expect(try await tree.head == workshop.git("rev-parse", "HEAD"))
    }

    @Test func aTrackedFileCountsAlthoughARuleIgnoresIt() async throws {
        let workshop = try await Workshop.repository(["readme": "r"])
        try workshop.write(
            [".gitignore": "dist\n*.o\n", "dist/kept": "k", "dist/other": "o", "deep/a.o": "a", "deep/b.o": "b"], in: "repository")
        try await workshop.git("add", "--force", "dist/kept", "deep/a.o")
        #expect(
            try WorkTree(at: workshop.repository).lines() == [
                ".gitignore: dist\n*.o\n", "deep/", "deep/a.o: a", "dist/", "dist/kept: k", "readme: r",
            ])
    }

    @Test func theRepositorysOwnExcludeFileCountsAndTheUsersDoesNot() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        try workshop.write(["secret": "s", "global": "g"], in: "repository")
        try workshop.write([".config/git/ignore": "global\n"], in: ".")
        try await workshop.shell("echo secret >> .git/info/exclude")
        #expect(try WorkTree(at: workshop.repository).lines() == ["a: a", "global: g"])
    }

    @Test func aFolderBelowTheRootIsATreeOfItsOwnUnderTheSameRules() async throws {
        let workshop = try await Workshop.repository([".gitignore": "*.tmp\napps/web/dist\n", "apps/web/index": "i", "apps/api/x": "x"])
        try workshop.write(["apps/web/a.tmp": "ignored", "apps/web/dist/b": "ignored"], in: "repository")
        #expect(try WorkTree(at: workshop.repository + "/apps/web").lines() == ["index: i"])
        try await workshop.shell("ln -s repository/apps/web ../shortcut")
        #expect(try WorkTree(at: workshop.root + "/shortcut").lines() == ["index: i"])
    }

    @Test func aFolderThatTheRepositoryAroundItIgnoresStandsOnItsOwn() async throws {
        let workshop = try await Workshop.repository([".gitignore": "out/\n", "a": "a"])
        try workshop.write(["out/page": "p", "out/.gitignore": "draft\n", "out/draft": "d"], in: "repository")
        let tree = try WorkTree(at: workshop.repository + "/out")
        #expect(try tree.lines() == [".gitignore: draft\n", "page: p"])
        #expect(tree.head == nil)
    }

    @Test func otherRepositoriesInItAreLeftOut() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        try workshop.write(["vendor/lib/x": "x"], in: "repository")
        try await workshop.git("init", "--quiet", workshop.repository + "/vendor/lib")
        #expect(try WorkTree(at: workshop.repository).lines() == ["a: a"])
    }

    @Test func aSubmoduleIsNamedAndLeavesNoFolder() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        let id = try await workshop.git("rev-parse", "HEAD")
        try workshop.write([".gitmodules": "[submodule \"engine\"]\npath = libs/sub\nurl = ../engine.git\n"], in: "repository")
        try await workshop.git("update-index", "--add", "--cacheinfo", "160000,\(id),libs/sub")
        let tree = try WorkTree(at: workshop.repository)
        #expect(tree.submodules.map { [$0.path.string, $0.commit, $0.name, $0.url] } == [["libs/sub", id, "engine", "../engine.git"]])
        #expect(try tree.lines().last == "a: a")
        try workshop.write(["apps/b": "b"], in: "repository")
        let part = try WorkTree(at: workshop.repository + "/apps")
        #expect(try part.lines() == ["b: b"])
        #expect(part.submodules == [])
    }

    @Test func withoutARepositoryOnlyIgnoreFilesRule() async throws {
        let workshop = try Workshop()
        try workshop.write(
            [
                ".gitignore": "*.log\nnode_modules/\n", "a": "a", "x.log": "l", "node_modules/m": "m", "sub/.gitignore": "!x.log\n",
                "sub/x.log": "kept", "sub/node_modules": "a file", ".git": "not a repository", "plain/.hidden": "h",
            ],
            in: "folder")
        // An unreadable `.git` file is not a repository; git says so too.
        try Files.removeTree(workshop.root + "/folder/.git")
        #expect(
            try WorkTree(at: workshop.root + "/folder").lines() == [
                ".gitignore: *.log\nnode_modules/\n", "a: a", "plain/", "plain/.hidden: h", "sub/", "sub/.gitignore: !x.log\n",
                "sub/node_modules: a file", "sub/x.log: kept",
            ])
        #expect(try Files.list(workshop.root + "/folder").sorted() == [".gitignore", "a", "node_modules", "plain", "sub", "x.log"])
    }

    @Test func anEmptyDirectoryIsAnEmptyTree() throws {
        let workshop = try Workshop()
        #expect(try WorkTree(at: workshop.root).lines() == [])
    }

    @Test func whatIsNotThereOrNoDirectoryIsNamed() throws {
        let workshop = try Workshop()
        try workshop.write(["file": "f"], in: ".")
        let missing = forgeError { _ = try WorkTree(at: workshop.root + "/nothing") }
        #expect(missing?.code == "source.missing")
        #expect(missing?.message == "no directory `\(workshop.root)/nothing`")
        #expect(forgeError { _ = try WorkTree(at: workshop.root + "/file") }?.code == "source.not-a-directory")
    }

    @Test func specialFilesAndNamesThatAreNotUTF8AreRefusedUnlessIgnored() async throws {
        let workshop = try Workshop()
        try workshop.write(["a/x": "x"], in: "folder")
        let folder = workshop.root + "/folder"
        try await workshop.shell("mkfifo a/queue", in: folder)
        let fifo = forgeError { _ = try WorkTree(at: folder) }
        #expect(fifo?.code == "source.special-file")
        #expect(fifo?.message == "`a/queue` is a FIFO; a source holds files, folders and symbolic links")
        try workshop.write([".gitignore": "queue\n"], in: "folder")
        #expect(try WorkTree(at: folder).lines() == [".gitignore: queue\n", "a/", "a/x: x"])
        try await workshop.shell("touch \"$(printf 'a/caf\\351')\"", in: folder)
        let name = forgeError { _ = try WorkTree(at: folder) }
        #expect(name?.code == "source.name")
        #expect(name?.message == #"the name `a/caf\xe9` is not UTF-8"#)
        try await workshop.shell("rm -r a; mkdir a; mkfifo a/.gitignore", in: folder)
        #expect(forgeError { _ = try WorkTree(at: folder) }?.code == "source.special-file")
    }

    @Test func aFileThatBecomesALinkIsNotFollowed() async throws {
        let workshop = try Workshop()
        try workshop.write(["folder/a/x": "x", "secret": "s"], in: ".")
        let tree = try WorkTree(at: workshop.root + "/folder")
        try await workshop.shell("rm a/x; ln -s ../../secret a/x", in: workshop.root + "/folder")
        #expect(try tree.read(RelativePath(parsing: "a/x"), limit: 9) == nil)
    }

    @Test func whatCannotBeReadIsNamedAndWhatIsIgnoredNeedNotBeReadable() async throws {
        let workshop = try Workshop()
        try workshop.write(["folder/open": "o", "folder/closed": "c", "folder/shut/x": "x", "folder/.gitignore": ""], in: ".")
        let folder = workshop.root + "/folder"
        try await workshop.shell("chmod 755 '\(workshop.root)' .; chmod 644 open .gitignore; chmod 000 closed shut", in: folder)
        let closed = try RelativePath(parsing: "closed")
        try asNobody {
            let error = forgeError { _ = try WorkTree(at: folder) }
            #expect(error?.code == "source.unreadable")
            #expect(error?.message == "cannot read `shut`")
            #expect(error?.hint == "make it readable, or list it in `.gitignore`")
        }
        try workshop.write([".gitignore": "shut\n"], in: "folder")
        try asNobody {
            let tree = try WorkTree(at: folder)
            #expect(try tree.entries(of: .root).map(\.name) == [".gitignore", "closed", "open"])
            #expect(forgeError { _ = try tree.read(closed, limit: 9) }?.message == "cannot read `closed`")
        }
    }

    /// Runs `body` with this thread's rights on files those of `nobody`.
    private func asNobody(_ body: () throws -> Void) throws {
        guard geteuid() == 0 else {
            // No file has a permission for us, and only root goes without.
            return try body()
        }
        typealias SetID = @convention(c) (UInt32) -> Int32
        let symbol = try #require(dlsym(nil, "setfsuid"))
        let setFileSystemUser = unsafeBitCast(symbol, to: SetID.self)
        _ = setFileSystemUser(65534)
        defer { _ = setFileSystemUser(0) }
        try body()
    }

    @Test func aBareRepositoryIsNoWorkTree() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        try await workshop.git("clone", "--quiet", "--bare", workshop.repository, workshop.root + "/bare")
        #expect(forgeError { _ = try WorkTree(at: workshop.root + "/bare") }?.code == "source.bare")
        #expect(GitRepository.isRepository(workshop.root + "/bare"))
        #expect(GitRepository.isRepository(workshop.repository))
        #expect(!GitRepository.isRepository(workshop.root))
        #expect(!GitRepository.isRepository(workshop.root + "/nothing"))
    }

    @Test(.enabled(if: geteuid() == 0, "giving a folder away needs root"))
    func somebodyElsesRepositoryIsRefused() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        try await workshop.shell("chown -R 65534 .", in: workshop.repository)
        let error = forgeError { _ = try WorkTree(at: workshop.repository) }
        #expect(error?.code == "source.owner")
        #expect(error?.message == "the repository at `\(workshop.repository)` belongs to another user")
    }
}
