import ForgeModel
import ForgeStore
import ForgeSystem
import ForgeTestSupport
import Foundation
import Glibc
import Testing

@Suite struct ArchiveImportTests {
    /// Archives of `fixtures/archives/hostile.py`, and the error each must give.
    private func hostile(_ workshop: borrowing Workshop) async throws -> [(file: String, code: String)] {
        let script = "\(BuildProducts.checkout)fixtures/archives/hostile.py"
        let said = try await workshop.tool("/usr/bin/python3", script, "\(workshop.root)/hostile", "\(workshop.root)/canary")
        return said.split(separator: "\n").map { line in
            let parts = line.split(separator: "\t").map(String.init)
            return (parts[0], parts[1])
        }
    }

    private var smallLimits: ArchiveRules {
        var rules = ArchiveRules.package
        rules.maximumBytes = 64 << 20
        rules.maximumEntries = 5000
        rules.ratioFloor = 1 << 20
        return rules
    }

    private func unpack(_ path: String, _ store: Store, _ rules: ArchiveRules) async throws -> ImportedArchive {
        try await ArchiveImporter(trees: store.trees).importArchive(
            Descriptor.open(path, O_RDONLY), named: path.split(separator: "/").last.map(String.init) ?? path, rules: rules)
    }

    /// Classes P4 to P7 of the threat model.
    @Test func everyArchiveThatWantsOutOrTooMuchIsRefusedByNameAndLeavesNothing() async throws {
        let workshop = try Workshop()
        let archives = try await hostile(workshop)
        try Files.writeAtomically(Array("untouched".utf8), to: "\(workshop.root)/canary")
        let store = try await workshop.store()
        let before = try await workshop.find(workshop.storePath)
        #expect(archives.count >= 56)
        for (file, code) in archives {
            do {
                let imported = try await unpack("\(workshop.root)/hostile/\(file)", store, smallLimits)
                Issue.record("\(file) was taken: \(imported)")
            } catch let error as ForgeError {
                #expect(error.code == code, "\(file): \(error)")
                #expect("\(error)".contains(file), "\(file): \(error)")
            }
        }
        let left = try await workshop.find(workshop.storePath)
        // The lease alone: nothing has a name in the store, and nothing lies in its `tmp`.
        #expect(left.filter { !before.contains($0) && !$0.contains("leases") } == [])
        #expect(try Files.read("\(workshop.root)/canary") == Array("untouched".utf8))
    }

    @Test func aTarOfTheFilesOfATreeGivesThatTreeWhateverItIsPackedWith() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        let source = try MemorySource([
            "bin/run": .program("#!/bin/sh\n"), "bin/go": .link("../lib/go"), "lib/go": .file("go"), "lib/é": .file("accent"),
            "lib/large": .file(String(repeating: "0123456789abcdef", count: 1 << 17)), "empty": .folder,
        ])
        let root = try await store.trees.ingest(source)
        try await store.trees.export(root, to: "\(workshop.root)/tree", replace: false)
        let packings = ["plain": "", "gzip": "z", "bzip2": "j", "xz": "J"]
        for (name, flag) in packings {
            _ = try await workshop.tool("/usr/bin/tar", "-C", "\(workshop.root)/tree", "-c\(flag)f", "\(workshop.root)/\(name)", ".")
        }
        _ = try await workshop.tool("/usr/bin/tar", "-C", "\(workshop.root)/tree", "--zstd", "-cf", "\(workshop.root)/zstd", ".")
        _ = try await workshop.tool(
            "/usr/bin/python3", "-c",
            """
            import os, stat, sys, zipfile
            tree, out = sys.argv[1:]
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
                for folder, folders, files in os.walk(tree):
                    for name in folders + files:
                        path = os.path.join(folder, name)
                        info = zipfile.ZipInfo(os.path.relpath(path, tree) + ("/" if os.path.isdir(path) and not os.path.islink(path) else ""))
                        info.external_attr = os.lstat(path).st_mode << 16
                        data = os.readlink(path).encode() if os.path.islink(path) else b"" if os.path.isdir(path) else open(path, "rb").read()
                        z.writestr(info, data)
            """, "\(workshop.root)/tree", "\(workshop.root)/zip")
        for name in packings.keys.sorted() + ["zstd", "zip"] {
            let imported = try await unpack("\(workshop.root)/\(name)", store, .package)
            #expect(imported.root == root && imported.files == 5, "\(name): \(imported)")
        }
    }

    @Test func namesAreStrippedAndHardLinksBecomeFilesOfTheirOwn() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        _ = try await workshop.tool(
            "/bin/sh", "-ec",
            "mkdir -p p-1.0/a && echo one > p-1.0/a/1 && ln p-1.0/a/1 p-1.0/2 && chmod 6755 p-1.0/2 && tar -cf p.tar p-1.0")
        var rules = ArchiveRules.package
        rules.strippedComponents = 1
        let imported = try await unpack("\(workshop.root)/p.tar", store, rules)
        let expected = try await store.trees.ingest(MemorySource(["a/1": .program("one\n"), "2": .program("one\n")]))
        #expect(imported.root == expected)
        #expect(imported.files == 2 && imported.bytes == 4)
    }

    @Test func aLayerReportsWhatItTakesAwayAndLeavesDevicesOut() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        _ = try await workshop.tool(
            "/usr/bin/python3", "-c",
            """
            import io, tarfile
            with tarfile.open("layer.tar", "w") as t:
                def add(name, kind=tarfile.REGTYPE, link="", data=b""):
                    i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data); t.addfile(i, io.BytesIO(data))
                add("dev/null", tarfile.CHRTYPE); add("etc/.wh.gone"); add("var/.wh..wh..opq"); add("var/.wh..wh.plnk")
                add("lib", tarfile.SYMTYPE, "/usr/lib"); add("Etc/x", data=b"1"); add("a\\\\x2db", data=b"2"); add("twice", data=b"1"); add("twice", data=b"2")
            """)
        let imported = try await unpack("\(workshop.root)/layer.tar", store, .imageLayer)
        #expect(imported.whiteouts.map(\.string) == ["etc/gone"] && imported.opaque.map(\.string) == ["var"] && imported.dropped == 1)
        let expected = try await store.trees.ingest(
            MemorySource(["lib": .link("/usr/lib"), "Etc/x": .file("1"), "a\\x2db": .file("2"), "twice": .file("2")]))
        #expect(imported.root == expected)
    }

    @Test func anArchiveThatTakesTooLongIsGivenUp() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        _ = try await workshop.tool("/bin/sh", "-ec", "echo 1 > 1 && tar -cf p.tar 1")
        var rules = ArchiveRules.package
        rules.timeLimit = .zero
        await #expect { try await unpack("\(workshop.root)/p.tar", store, rules) } throws: { ($0 as? ForgeError)?.code == "archive.time" }
    }

    /// Class P7, and the fuzzing of a parser: bytes of good archives turned, cut and repeated never bring anything down.
    @Test func damagedArchivesEndInAnErrorOrATreeAndNeverInACrash() async throws {
        let workshop = try Workshop()
        let store = try await workshop.store()
        _ = try await workshop.tool(
            "/bin/sh", "-ec",
            "mkdir d && echo one > d/1 && ln -s 1 d/2 && tar -cf a.tar d && tar -czf a.tgz d && tar --zstd -cf a.zst d && tar -cJf a.xz d && python3 -m zipfile -c a.zip d"
        )
        var generator = SplitMix(seed: 6)
        var rules = smallLimits
        rules.timeLimit = .seconds(5)
        for name in ["a.tar", "a.tgz", "a.zst", "a.xz", "a.zip"] {
            let whole = try #require(try Files.read("\(workshop.root)/\(name)"))
            for _ in 0..<200 {
                var bytes = whole
                for _ in 0...Int.random(in: 0..<4, using: &generator) {
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: .min ... .max, using: &generator)
                }
                if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count / 2, using: &generator)) }
                do {
                    _ = try await ArchiveImporter(trees: store.trees).importArchive(
                        Descriptor.inMemory(bytes, name: name), named: name, rules: rules)
                } catch let error as ForgeError { #expect(error.code.hasPrefix("archive."), "\(error)") }
            }
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
