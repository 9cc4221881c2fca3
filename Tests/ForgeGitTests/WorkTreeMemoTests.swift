@testable import ForgeGit
import ForgeModel
import ForgeSystem
import Foundation
import Testing

/// A second look at a work tree, by the memo of the first.
@Suite struct WorkTreeMemoTests {
    /// A look at the tree with all times long past, so that nothing about it is racy.
    private func memo(of folder: String) throws -> WorkTreeMemo {
        let tree = try WorkTree(at: folder)
        var digests: [RelativePath: Digest] = [:]
        func add(_ path: RelativePath) throws {
            for entry in try tree.entries(of: path) {
                let child = path.appending(component: entry.name)
                if case .directory = entry.node { try add(child) }
                if case .file = entry.node { digests[child] = Digest(of: try tree.read(child, limit: .max) ?? []) }
            }
        }
        try add(.root)
        return tree.memo(root: Digest(of: "root"), digests: digests)
    }

    /// Waits until a change made now would be stamped with a time that a memo made then could tell from it.
    private func settle() async throws {
        let start = FileSignature.now()
        while FileSignature.now() - start < 40_000_000 { await Task.yield() }
    }

    private func told(_ finding: WorkTreeFinding) -> String {
        switch finding {
        case .unchanged: "unchanged"
        case .edited(let files): "edited " + files.map(\.path.string).sorted().joined(separator: " ")
        case .differs: "differs"
        }
    }

    private let files = [
        "index.html": "hello", "src/a.js": "a", "src/deep/b.js": "b", ".gitignore": "*.log\nout/\n", "src/debug.log": "ignored",
        "out/made.js": "ignored", "src/.gitignore": "tmp\n",
    ]

    @Test func aTreeAtRestIsUnchangedAlsoFromTheDisk() async throws {
        let workshop = try await Workshop.repository(files)
        try await settle()
        let memo = try self.memo(of: workshop.repository)
        #expect(told(await memo.check(workshop.repository)) == "unchanged")
        #expect((memo.files, memo.bytes) == (5, 5 + 1 + 1 + 11 + 4))
        let path = workshop.root + "/memo"
        try memo.save(path)
        let loaded = try #require(WorkTreeMemo.load(path))
        #expect(loaded.root == memo.root)
        #expect(told(await loaded.check(workshop.repository)) == "unchanged")
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let script: String
        let finding: String
    }

    @Test(arguments: [
        Change(testDescription: "edited in place", script: "printf other > index.html", finding: "edited index.html"),
        Change(
            testDescription: "same size and old times", script: "touch -r src/a.js ref; printf x > src/a.js; touch -r ref src/a.js; rm ref",
            finding: "differs"),
        Change(
            testDescription: "written over without a new name", script: "printf x > src/a.js; touch -d @1000000000 src/a.js",
            finding: "edited src/a.js"),
        Change(testDescription: "touched", script: "touch src/a.js", finding: "edited src/a.js"),
        Change(testDescription: "made a program", script: "chmod +x src/a.js", finding: "differs"),
        Change(testDescription: "a new file", script: "echo > src/new.js", finding: "differs"),
        Change(testDescription: "a file gone", script: "rm src/deep/b.js", finding: "differs"),
        Change(testDescription: "a file replaced by a link", script: "rm src/a.js; ln -s deep/b.js src/a.js", finding: "differs"),
        Change(testDescription: "other rules", script: "echo '*.js' >> src/.gitignore", finding: "differs"),
        Change(testDescription: "rules of the repository", script: "echo '*.js' >> .git/info/exclude", finding: "differs"),
        Change(testDescription: "a file that is tracked now", script: "git add -f src/debug.log", finding: "differs"),
        Change(testDescription: "inside an ignored folder", script: "echo >> out/made.js; echo > out/more.js", finding: "unchanged"),
        Change(testDescription: "an ignored file", script: "echo >> src/debug.log", finding: "unchanged"),
        Change(testDescription: "a new empty folder", script: "mkdir src/empty", finding: "differs"),
        Change(testDescription: "no repository any more", script: "mv .git ../gone", finding: "differs"),
    ])
    func whatChangedIsSeen(change: Change) async throws {
        let workshop = try await Workshop.repository(files)
        try await settle()
        let memo = try self.memo(of: workshop.repository)
        try await workshop.shell(change.script)
        #expect(told(await memo.check(workshop.repository)) == change.finding)
    }

    @Test func aFileInAFolderOfWhichNothingWasPartIsSeen() async throws {
        let workshop = try Workshop()
        try workshop.write(["site/index.html": "x"], in: ".")
        try Files.makeDirectory(workshop.root + "/site/empty/deeper")
        try await settle()
        let memo = try self.memo(of: workshop.root + "/site")
        #expect(told(await memo.check(workshop.root + "/site")) == "unchanged")
        try workshop.write(["site/empty/deeper/late.html": "x"], in: ".")
        #expect(told(await memo.check(workshop.root + "/site")) == "differs")
    }

    @Test func aRepositoryThatComesToLieAboveIsSeen() async throws {
        let workshop = try Workshop()
        try workshop.write(["above/site/index.html": "x", "above/.gitignore": "*.html\n"], in: ".")
        try await settle()
        let memo = try self.memo(of: workshop.root + "/above/site")
        try await workshop.git("init", "--quiet", ".", in: workshop.root + "/above")
        #expect(told(await memo.check(workshop.root + "/above/site")) == "differs")
    }

    @Test func aFileIsSettledOnceTheNextChangeMustShow() {
        func signature(_ time: Int64) -> FileSignature { FileSignature(inode: 1, size: 1, modified: time, changed: 5, mode: 0o100644) }
        let now: Int64 = 1_700_000_000_123_456_789
        #expect(signature(now - 30_000_000).isSettled(at: now))
        #expect(!signature(now - 10_000_000).isSettled(at: now), "within a tick")
        #expect(!signature(now).isSettled(at: now))
        #expect(!signature(now + 1).isSettled(at: now), "a time to come")
        #expect(!signature(1_699_999_999_000_000_000).isSettled(at: now), "a file system that stamps whole seconds")
        #expect(signature(1_699_999_990_000_000_000).isSettled(at: now))
    }

    @Test func aFileFromTheFutureIsReadEachTime() async throws {
        let workshop = try Workshop()
        try workshop.write(["site/index.html": "x", "site/old.html": "x"], in: ".")
        _ = try await workshop.shell("touch -d '+1 day' old.html", in: workshop.root + "/site")
        try await settle()
        let later = try memo(of: workshop.root + "/site")
        #expect(told(await later.check(workshop.root + "/site")) == "edited old.html", "a time to come is never believed")
    }

    @Test func anUpdatedMemoKnowsTheEditedFiles() async throws {
        let workshop = try await Workshop.repository(files)
        try await settle()
        let memo = try self.memo(of: workshop.repository)
        try await workshop.shell("printf longer > src/a.js")
        try await settle()
        let began = FileSignature.now()
        guard case .edited(let files) = await memo.check(workshop.repository) else {
            Issue.record("one file was edited")
            return
        }
        let updated = memo.updated(files.map { ($0, Digest(of: "longer")) }, root: Digest(of: "new root"), began: began)
        #expect(updated.root == Digest(of: "new root"))
        #expect(updated.bytes == memo.bytes + 5)
        #expect(told(await updated.check(workshop.repository)) == "unchanged")
        let walked = try WorkTree(at: workshop.repository, memo: updated)
        #expect(try walked.knownDigest(of: RelativePath(parsing: "src/a.js")) == Digest(of: "longer"))
        #expect(try walked.knownDigest(of: RelativePath(parsing: "src/deep/b.js")) == Digest(of: "b"))
    }

    @Test func aMemoWithABitFlippedAnywhereIsNone() async throws {
        let workshop = try await Workshop.repository(files)
        try await settle()
        let memo = try self.memo(of: workshop.repository)
        let path = workshop.root + "/memo"
        try memo.save(path)
        let whole = try #require(try Files.read(path))
        for position in stride(from: 0, to: whole.count, by: 11) {
            var broken = whole
            broken[position] ^= 1 << UInt8(position % 8)
            try Files.replace(path, with: broken)
            #expect(WorkTreeMemo.load(path) == nil, "byte \(position)")
        }
        for size in [0, 8, 40, 41, whole.count - 1] {
            try Files.replace(path, with: Array(whole.prefix(size)))
            #expect(WorkTreeMemo.load(path) == nil, "cut to \(size)")
        }
    }
}
