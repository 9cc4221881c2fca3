import ForgeGit
import ForgeModel
import ForgeSystem
import Foundation
import Testing

struct CommitTreeTests {
    private static let files = ["a": "a", "dir/run": "#!/bin/sh\n", "dir/deep/x": "x", ".gitattributes": "* text=auto\n"]

    @Test func aCommitAndItsCleanCheckoutHaveOneMerkleRoot() async throws {
        let workshop = try await Workshop.repository(Self.files)
        try await workshop.shell("chmod +x dir/run; ln -s dir/run link; printf 'node_modules\\n' > .gitignore")
        let commit = try await workshop.commit()
        try workshop.write(["node_modules/m": "m"], in: "repository")
        try await workshop.shell("mkdir void")
        let byCommit = try CommitTree(repository: workshop.repository, revision: commit)
        let root = try await workshop.merkleRoot(byCommit)
        #expect(
            try byCommit.lines() == [
                ".gitattributes: * text=auto\n", ".gitignore: node_modules\n", "a: a", "dir/", "dir/deep/", "dir/deep/x: x",
                "dir/run*: #!/bin/sh\n", "link -> dir/run",
            ])
        #expect(try await workshop.merkleRoot(WorkTree(at: workshop.repository)) == root)
        try await workshop.git("clone", "--quiet", workshop.repository, workshop.root + "/elsewhere")
        #expect(try await workshop.merkleRoot(WorkTree(at: workshop.root + "/elsewhere")) == root)
        try await workshop.shell("cp -r repository copy; rm -rf copy/.git", in: workshop.root)
        #expect(try await workshop.merkleRoot(WorkTree(at: workshop.root + "/copy")) == root)
        try await workshop.git("clone", "--quiet", "--bare", workshop.repository, workshop.root + "/bare repository.git")
        let bare = "file://\(workshop.root)/bare%20repository.git"
        #expect(try await workshop.merkleRoot(CommitTree(repository: bare, revision: nil)) == root)
        try workshop.write(["a": "changed"], in: "repository")
        #expect(try await workshop.merkleRoot(WorkTree(at: workshop.repository)) != root)
        #expect(try await workshop.merkleRoot(CommitTree(repository: workshop.repository, revision: nil)) == root)
    }

    @Test func aCommitIsFoundByAllItsNames() async throws {
        let workshop = try await Workshop.repository(["a": "1"])
        let first = try await workshop.git("rev-parse", "HEAD")
        try await workshop.git("tag", "light")
        try await workshop.git("tag", "--annotate", "--message", "t", "v1.0")
        try await workshop.git("branch", "feature/old")
        try workshop.write(["a": "2"], in: "repository")
        let second = try await workshop.commit()
        for name in [first, String(first.prefix(9)), "light", "v1.0", "feature/old", "refs/heads/feature/old", "HEAD~1"] {
            let tree = try CommitTree(repository: workshop.repository, revision: name)
            #expect(tree.commit == first, "\(name)")
            #expect(try tree.lines() == ["a: 1"])
        }
        for name in [nil, "main", "HEAD", second] {
            #expect(try CommitTree(repository: workshop.repository, revision: name).commit == second)
        }
        try await workshop.git("clone", "--quiet", workshop.repository, workshop.root + "/clone")
        #expect(try CommitTree(repository: workshop.root + "/clone", revision: "feature/old").commit == first)
    }

    @Test func aFolderOfTheRepositoryNamesItsPartOfTheCommit() async throws {
        let workshop = try await Workshop.repository(Self.files)
        #expect(
            try CommitTree(repository: workshop.repository + "/dir", revision: nil).lines() == ["deep/", "deep/x: x", "run: #!/bin/sh\n"])
        try await workshop.shell("mkdir later")
        #expect(forgeError { _ = try CommitTree(repository: workshop.repository + "/later", revision: nil) }?.code == "source.missing")
    }

    @Test func anUnknownCommitIsNamedWithAWayOut() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        let error = forgeError { _ = try CommitTree(repository: workshop.repository, revision: "0123456789abcdef0123456789abcdef01234567") }
        #expect(error?.code == "source.unknown-commit")
        #expect(error?.message == "no commit `0123456789abcdef0123456789abcdef01234567` in the repository `\(workshop.repository)`")
        #expect(error?.hint == "name a branch, a tag or a commit that `git log --all` shows")
        #expect(error?.exitCode == 2)
        for name in ["nothing", "", "--all", "main:", "a b", "main^{tree}"] {
            #expect(
                forgeError { _ = try CommitTree(repository: workshop.repository, revision: name) }?.code == "source.unknown-commit",
                "\(name)")
        }
        let tree = try await workshop.git("rev-parse", "HEAD^{tree}")
        let wrong = forgeError { _ = try CommitTree(repository: workshop.repository, revision: tree) }
        #expect(wrong?.message == "`\(tree)` is a tree, not a commit")
    }

    @Test func aShallowCloneSaysSo() async throws {
        let workshop = try await Workshop.repository(["a": "1"])
        let first = try await workshop.git("rev-parse", "HEAD")
        try workshop.write(["a": "2"], in: "repository")
        try await workshop.commit()
        try await workshop.git("clone", "--quiet", "--depth=1", "file://" + workshop.repository, workshop.root + "/shallow")
        let error = forgeError { _ = try CommitTree(repository: workshop.root + "/shallow", revision: first) }
        #expect(error?.hint == "the repository is a shallow clone: `git fetch --unshallow` brings the rest")
        #expect(try CommitTree(repository: workshop.root + "/shallow", revision: nil).lines() == ["a: 2"])
    }

    @Test func whatIsNoRepositoryIsNamed() async throws {
        let workshop = try Workshop()
        #expect(forgeError { _ = try CommitTree(repository: workshop.root, revision: nil) }?.code == "source.not-a-repository")
        #expect(forgeError { _ = try CommitTree(repository: workshop.root + "/x", revision: nil) }?.code == "source.missing")
        for url in ["https://example.org/x.git", "file://elsewhere/x", "file:///%zz", "ssh://example.org/x"] {
            #expect(forgeError { _ = try CommitTree(repository: url, revision: nil) }?.code == "source.unsupported-url", "\(url)")
        }
        try await workshop.git("init", "--quiet", ".")
        #expect(forgeError { _ = try CommitTree(repository: workshop.repository, revision: nil) }?.code == "source.no-commits")
    }

    @Test func aSubmoduleIsNamedWithItsCommitAndLeavesNoFolder() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        let id = try await workshop.git("rev-parse", "HEAD")
        try await workshop.git("update-index", "--add", "--cacheinfo", "160000,\(id),libs/sub")
        try await workshop.git("commit", "--quiet", "--message", "sub")
        let tree = try CommitTree(repository: workshop.repository, revision: nil)
        #expect(tree.submodules.map { [$0.path.string, $0.commit, $0.name, $0.url] } == [["libs/sub", id, nil, nil]])
        #expect(try tree.lines() == ["a: a"])
    }

    @Test func noHookFilterOrAttributeRuns() async throws {
        let workshop = try await Workshop.repository([".gitattributes": "* filter=evil text eol=crlf\n", "a": "one\ntwo\n"])
        try await workshop.shell(
            """
            git config filter.evil.smudge "touch '\(workshop.root)/ran'"; git config filter.evil.required true
            printf '#!/bin/sh\\ntouch "\(workshop.root)/ran"\\n' > .git/hooks/post-checkout; chmod +x .git/hooks/post-checkout
            """)
        #expect(try CommitTree(repository: workshop.repository, revision: nil).lines().last == "a: one\ntwo\n")
        #expect(!Files.exists(workshop.root + "/ran"))
    }

    @Test(arguments: ["..", ".git", ".", "x/y"])
    func namesThatNoFolderCouldHoldAreRefused(name: String) async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        let commit = try await workshop.shell(
            """
            blob=$(git hash-object -w a)
            bytes=$(printf '%s' "$blob" | sed 's/../\\\\x&/g')
            tree=$(bash -c "printf '100644 \(name)\\\\0$bytes'" | git hash-object -w -t tree --literally --stdin)
            git commit-tree $tree -m hostile
            """)
        let error = forgeError { _ = try CommitTree(repository: workshop.repository, revision: commit) }
        #expect(["source.name", "source.damaged"].contains(error?.code))
    }

    @Test func aNameThatIsNotUTF8IsRefusedByItsBytes() async throws {
        let workshop = try await Workshop.repository(["a": "a"])
        try await workshop.shell("mkdir d; touch \"$(printf 'd/caf\\351')\"")
        let commit = try await workshop.commit()
        let error = forgeError { _ = try CommitTree(repository: workshop.repository, revision: commit) }
        #expect(error?.message == #"the name `d/caf\xe9` is not UTF-8"#)
    }

    @Test func aMissingObjectIsNamed() async throws {
        let workshop = try await Workshop.repository(["a": "alpha", "b": "beta"])
        let blob = try await workshop.git("rev-parse", "HEAD:b")
        try Files.removeTree("\(workshop.repository)/.git/objects/\(blob.prefix(2))/\(blob.dropFirst(2))")
        let error = forgeError { _ = try CommitTree(repository: workshop.repository, revision: nil) }
        #expect(error?.code == "source.damaged")
        #expect(error?.hint == "objects are missing: a partial clone is completed by checking the commit out once")
    }

    @Test func manyThreadsCanReadOneCommit() async throws {
        let workshop = try await Workshop.repository(
            Dictionary(uniqueKeysWithValues: (0..<300).map { ("d\($0 % 7)/f\($0)", "text \($0)") }))
        try await workshop.git("gc", "--quiet")
        let tree = try CommitTree(repository: workshop.repository, revision: nil)
        let lines = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<8 { group.addTask { try await BlockingPool.run { try tree.lines() } } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(lines.count == 1)
        #expect(lines.first?.count == 307)
    }
}
