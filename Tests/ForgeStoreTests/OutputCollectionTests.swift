import ForgeModel
import ForgeStore
import ForgeSystem
import Foundation
import Testing

struct OutputCollectionTests {
    /// An upper directory made by shell lines.
    private func upper(_ workshop: borrowing Workshop, _ lines: String) async throws -> Descriptor {
        try Files.makeDirectory(workshop.root + "/upper")
        _ = try await workshop.tool("/bin/sh", "-euc", "cd '\(workshop.root)/upper'\n\(lines)")
        return try Descriptor.open(workshop.root + "/upper", O_RDONLY | O_DIRECTORY)
    }

    @Test func declaredOutputsAreKeptAndTheRestIsListed() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(
            workshop,
            """
            mkdir -p apps/web/dist/assets apps/web/dist/empty apps/web/.cache tmp
            echo page > apps/web/dist/index.html; echo tool > apps/web/dist/run; chmod 6755 apps/web/dist/run
            ln -s index.html apps/web/dist/home; echo js > apps/web/dist/assets/app.js
            echo c > apps/web/.cache/c; echo l > apps/web/lock; echo t > tmp/t; echo report > apps/web/report.txt
            """)
        let below = try RelativePath(parsing: "apps/web")
        let collected = try await trees.collect(from: upper, paths: paths("dist", "report.txt", "coverage"), below: below)
        #expect(
            try trees.lines(collected.root) == [
                "dist/", "dist/assets/", "dist/assets/app.js: js\n", "dist/empty/", "dist/home -> index.html", "dist/index.html: page\n",
                "dist/run*: tool\n", "report.txt: report\n",
            ])
        #expect(collected.files == 5)
        #expect(collected.bytes == 20)
        #expect(collected.undeclared == ["apps/web/.cache/", "apps/web/lock", "tmp/"])
        #expect(try collected.missing == paths("coverage"))
    }

    @Test func nothingWrittenIsTheEmptyTree() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "true")
        let collected = try await trees.collect(from: upper, paths: paths("dist"), below: RelativePath(parsing: "app"))
        #expect(collected.root == Digest(of: ""))
        #expect(collected.undeclared.isEmpty)
        #expect(try collected.missing == paths("dist"))
    }

    @Test(arguments: [("mkfifo dist/queue", "a FIFO"), ("mknod dist/queue c 1 3", "a device")])
    func specialFilesInAnOutputAreRefusedByName(line: String, kind: String) async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "mkdir dist\n\(line)")
        let error = await forgeError { _ = try await trees.collect(from: upper, paths: paths("dist"), below: .root) }
        #expect(error?.code == "output.special-file")
        #expect(error?.message == "the output `dist/queue` is \(kind); files, folders and symbolic links can be kept")
        #expect(error?.exitCode == 50)
    }

    @Test func aNameThatIsNotUTF8IsRefusedInAnOutputAndListedOutside() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "mkdir dist; touch \"$(printf 'stray\\351')\"; touch \"$(printf 'dist/caf\\351')\"")
        let error = await forgeError { _ = try await trees.collect(from: upper, paths: paths("dist"), below: .root) }
        #expect(error?.message == #"the name of an output is not UTF-8: `dist/caf\xe9`"#)
        #expect(try await trees.collect(from: upper, paths: [], below: .root).undeclared == ["dist/", #"stray\xe9"#])
    }

    @Test func aFolderNestedIntoItselfWithoutEndIsRefused() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "mkdir dist; cd dist; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done")
        #expect(
            await forgeError { _ = try await trees.collect(from: upper, paths: paths("dist"), below: .root) }?.code == "output.too-deep")
        #expect(try await trees.collect(from: upper, paths: [], below: .root).undeclared == ["dist/"])
    }

    @Test func atMostTwentyUndeclaredPathsAreListed() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "for i in $(seq 10 50); do touch $i; done")
        let collected = try await trees.collect(from: upper, paths: [], below: .root)
        #expect(collected.undeclared == (10..<30).map(String.init))
    }

    @Test func aLinkInPlaceOfAFolderOnTheWayIsNotFollowed() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "mkdir -p elsewhere/build; echo x > elsewhere/build/x; ln -s elsewhere public")
        let collected = try await trees.collect(from: upper, paths: paths("public/build"), below: .root)
        #expect(collected.root == Digest(of: ""))
        #expect(collected.undeclared == ["elsewhere/", "public"])
        #expect(try collected.missing == paths("public/build"))
    }

    @Test(.enabled(if: geteuid() == 0, "mounting an overlay needs root"))
    func aRealOverlaysDeletionsAreNotCarriedAndNewFoldersAreNamedOnce() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        _ = try await workshop.tool(
            "/bin/sh", "-euc",
            """
            cd '\(workshop.root)'; mkdir -p lower/src lower/lib lower/dist upper work merged
            for f in lib/kept lib/gone lib/same src/all dist/old dist/stays; do echo $f > lower/$f; done
            mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work forge-test merged
            cd merged; rm lib/gone dist/old; echo new > dist/new; echo changed > lib/kept
            mkdir -p cache/a; touch cache/a/1 cache/a/2; rm -r src; mkdir src; echo again > src/again
            cd ..; umount --lazy merged
            """)
        let upper = try Descriptor.open(workshop.root + "/upper", O_RDONLY | O_DIRECTORY)
        let collected = try await trees.collect(from: upper, paths: paths("dist"), below: .root)
        #expect(try trees.lines(collected.root) == ["dist/", "dist/new: new\n"])
        #expect(collected.undeclared == ["cache/", "lib/gone (deleted)", "lib/kept", "src/"])
    }

    @Test(.enabled(if: geteuid() == 0, "making a device needs root"))
    func aWhiteoutOutsideTheOutputsIsListedAsADeletion() async throws {
        let workshop = try Workshop()
        let trees = try await workshop.store().trees
        let upper = try await upper(workshop, "mkdir dist; mknod gone c 0 0; mknod dist/old c 0 0; touch dist/new")
        let collected = try await trees.collect(from: upper, paths: paths("dist"), below: .root)
        #expect(try trees.lines(collected.root) == ["dist/", "dist/new: "])
        #expect(collected.undeclared == ["gone (deleted)"])
    }
}
