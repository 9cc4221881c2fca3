import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

struct ExportTests {
    private static let sample: [String: MemorySource.Content] = [
        "index.html": .file("hi"), "bin/run": .program("x"), "empty": .folder, "latest": .link("bin/run"),
        "caf\u{E9}/na\u{EF}ve": .file("é"),
    ]

    @Test func anExportIsPlainFilesThatShareNothingWithTheStore() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(MemorySource(Self.sample))
        try await store.trees.export(root, to: workshop.root + "/made/out/")
        #expect(
            try await workshop.find(workshop.root + "/made/out") == [
                "d 755 bin", "d 755 caf\u{E9}", "d 755 empty", "f 644 caf\u{E9}/na\u{EF}ve", "f 644 index.html", "f 755 bin/run",
                "l 777 latest bin/run",
            ])
        #expect(try await workshop.tool("/usr/bin/find", workshop.root + "/made/out", "-type", "f", "-links", "+1").isEmpty)
        #expect(try Files.list(workshop.root + "/made") == ["out"])
    }

    @Test func anEmptyFolderIsFilledAndAFullOneRefused() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(MemorySource(["a": .file("a")]))
        let out = workshop.root + "/out"
        try Files.makeDirectory(out)
        try await trees.export(root, to: out)
        #expect(try Files.list(out) == ["a"])
        let error = await forgeError { try await trees.export(root, to: out) }
        #expect(error?.code == "out.not-empty")
        #expect(error?.message == "`\(out)` is not empty")
        #expect(error?.exitCode == 2)
        try Files.writeAtomically([], to: workshop.root + "/file")
        #expect(await forgeError { try await trees.export(root, to: workshop.root + "/file") }?.code == "out.not-a-directory")
        #expect(try Files.list(workshop.root).sorted() == ["file", "out", "store"])
    }

    @Test func replacingExchangesTheWholeFolder() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let out = workshop.root + "/out"
        try await trees.export(trees.ingest(MemorySource(["old/x": .file("1")])), to: out)
        try await trees.export(trees.ingest(MemorySource(["new": .file("2")])), to: out, replace: true)
        #expect(try await workshop.find(out) == ["f 644 new"])
        #expect(try Files.list(workshop.root).sorted() == ["out", "store"])
    }

    @Test func anExportWithAMissingOrDamagedFileLeavesNothing() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let root = try await store.trees.ingest(MemorySource(["a": .file("precious")]))
        let blob = store.content.path(of: Digest(of: "precious"), executable: false)
        try Array("pricious".utf8).withUnsafeBytes { try Descriptor.open(blob, O_WRONLY).write($0) }
        #expect(await forgeError { try await store.trees.export(root, to: workshop.root + "/out") }?.code == "store.missing-blob")
        #expect(
            await forgeError { _ = try await store.trees.archive(root, to: workshop.root + "/a.tar.zst") }?.code == "store.missing-blob")
        #expect(try Files.list(workshop.root) == ["store"])
    }

    @Test func whatAKilledExportLeftIsRemovedByTheNextAndNothingElseIs() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let root = try await trees.ingest(MemorySource(["a": .file("a")]))
        for name in [".out.forge-out-abc/root/half", "yarn/x"] { try Files.makeDirectory("\(workshop.root)/\(name)") }
        for name in [".out.forge-out-abc.lock", "yarn.lock", ".other.forge-out-abc.lock"] {
            try Files.writeAtomically([], to: "\(workshop.root)/\(name)")
        }
        try await trees.export(root, to: workshop.root + "/out")
        #expect(try Files.list(workshop.root).sorted() == [".other.forge-out-abc.lock", "out", "store", "yarn", "yarn.lock"])
    }

    @Test func anArchiveIsReadByForeignToolsAndHasEqualBytesEachTime() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        var contents = Self.sample
        let long = String(repeating: "long", count: 40)
        contents[long] = .file("l")
        contents["a.txt"] = .file("sorted before the folder's content")
        contents["a/b"] = .file("b")
        let root = try await trees.ingest(MemorySource(contents))
        let archive = workshop.root + "/x.tar.zst"
        let digest = try await trees.archive(root, to: archive)
        #expect(try Digest(of: Files.read(archive) ?? []) == digest)
        _ = try await workshop.tool("/usr/bin/zstd", "-q", "-d", archive, "-o", workshop.root + "/x.tar")
        let listed = try await workshop.tool("/usr/bin/tar", "--full-time", "--numeric-owner", "-tvf", workshop.root + "/x.tar")
        let lines = listed.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ") }
        let zero = "1970-01-01 00:00:00"
        #expect(
            lines == [
                "drwxr-xr-x 0/0 0 \(zero) a/", "-rw-r--r-- 0/0 34 \(zero) a.txt", "-rw-r--r-- 0/0 1 \(zero) a/b",
                "drwxr-xr-x 0/0 0 \(zero) bin/", "-rwxr-xr-x 0/0 1 \(zero) bin/run", "drwxr-xr-x 0/0 0 \(zero) caf\u{E9}/",
                "-rw-r--r-- 0/0 2 \(zero) caf\u{E9}/na\u{EF}ve", "drwxr-xr-x 0/0 0 \(zero) empty/", "-rw-r--r-- 0/0 2 \(zero) index.html",
                "lrwxrwxrwx 0/0 0 \(zero) latest -> bin/run", "-rw-r--r-- 0/0 1 \(zero) \(long)",
            ])
        let second = try Workshop()
        let others = try await second.store().trees
        #expect(try await others.ingest(MemorySource(contents)) == root)
        #expect(try await others.archive(root, to: second.root + "/y.tar.zst") == digest)
        #expect(try await trees.archive(root, to: archive) == digest)
        #expect(try Files.list(workshop.root).sorted() == ["store", "x.tar", "x.tar.zst"])
    }

    @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
    func aFullDiskAtTheDestinationIsNamedAndLeavesNothing() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        var noise = SystemRandomNumberGenerator()
        let text = String(decoding: (0..<3_000_000).map { _ in UInt8.random(in: 33...126, using: &noise) }, as: UTF8.self)
        let root = try await trees.ingest(MemorySource(["big": .file(text)]))
        let disk = workshop.root + "/disk"
        try Files.makeDirectory(disk)
        _ = try await workshop.tool("/usr/bin/mount", "-t", "tmpfs", "-o", "size=1m", "forge-test", disk)
        let exported = await forgeError { try await trees.export(root, to: disk + "/out") }
        let archived = await forgeError { _ = try await trees.archive(root, to: disk + "/a.tar.zst") }
        let left = try Files.list(disk)
        _ = try await workshop.tool("/usr/bin/umount", "--lazy", disk)
        #expect(exported?.code == "out.no-space")
        #expect(archived?.code == "out.no-space")
        #expect(left.isEmpty)
    }
}
