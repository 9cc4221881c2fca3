import ForgeTestSupport
import Foundation
import Testing

/// `[build] packages`: native code that needs more of the system than there is, over this machine's own /usr. The packages come from a
/// repository of the test's own, which takes the place of the machine's sources for `forge` alone.
@Suite struct SystemPackageTests {
    private static let source = """
        #include <forge-sample.h>
        #include <stdio.h>
        int main(void) { puts(SAMPLE); return 0; }

        """

    /// `forge build` on a machine whose apt knows that repository alone.
    private func build(_ home: ForgeHome, _ path: String, sources: String, origin: String, _ more: String...) async throws -> ForgeRun {
        try await run(home, ["build", path, "--json", "--progress", "plain"] + more, sources: sources, origin: origin)
    }

    private func run(_ home: ForgeHome, _ arguments: [String], sources: String, origin: String) async throws -> ForgeRun {
        let stand = "\(home.folder)/output/etc-apt"
        try Folder.make("\(stand)/sources.list.d")
        try sources.write(toFile: "\(stand)/sources.list", atomically: true, encoding: .utf8)
        let line = "mount --make-rprivate / && mount --bind \(stand) /etc/apt && exec \"$@\""
        return try await home.start(
            program: "/usr/bin/unshare",
            ["-m", "/bin/sh", "-ec", line, "sh", BuildProducts.executable("forge")] + arguments,
            environment: ["FORGE_EGRESS_ALLOW": origin]
        ).finish()
    }

    @Test func aMissingHeaderIsNamedWithTheLineThatBringsItAndThenTheBuildWorks() async throws {
        try await withForgeHome { home in
            let origin = try await home.aptRepository("from the package").origin
            let project = try home.project(
                custom: "mkdir out; gcc -o /tmp/a sample.c && /tmp/a > out/index.html; ls /lib/forge-sample", output: "out")
            try project.write(["sample.c": Self.source])
            let sources = "deb [trusted=yes] \(origin)/ ./\n"
            let failed = try await build(home, project.path, sources: sources, origin: origin)
            #expect(failed.exitCode == 50)
            let hint = try failed.json()["error"]?["hint"]?.text ?? ""
            #expect(
                hint.hasPrefix(
                    "the header `forge-sample.h` is missing: write `packages = [\"…\"]` below `[build]` in crowdforge.toml, with the package that has it"
                ))
            let text = try String(contentsOfFile: "\(project.path)/crowdforge.toml", encoding: .utf8)
            try project.write(["crowdforge.toml": text + "packages = [\"libforge-sample-dev\"]\n"])
            let built = try await build(home, project.path, sources: sources, origin: origin, "--out", "\(home.folder)/files")
            #expect(built.exitCode == 0, "\(built.error)")
            #expect(try Folder.texts("\(home.folder)/files") == ["index.html": "from the package\n"])
            // Nothing of it is fetched or unpacked again.
            let again = try await build(home, project.path, sources: sources, origin: "http://127.0.0.1:1")
            #expect(again.exitCode == 0)
            #expect(try again.json()["steps"]?.elements.map { $0["outcome"]?.text } == ["cached"])
        }
    }

    @Test func lockedPackagesStayAtTheirVersionsAndOneThatIsGoneIsNamedWithTheWayOut() async throws {
        try await withForgeHome { home in
            let repository = try await home.aptRepository("first")
            let origin = repository.origin
            let sources = "deb [trusted=yes] \(origin)/ ./\n"
            let command = "mkdir out; gcc -o /tmp/a sample.c && /tmp/a > out/index.html"
            let project = try home.project(custom: command, output: "out", more: "packages = [\"libforge-sample-dev\"]\n")
            try project.write(["sample.c": Self.source])
            func lock(_ more: String...) async throws -> JSON {
                let run = try await run(home, ["lock", project.path, "--json"] + more, sources: sources, origin: origin)
                guard run.exitCode == 0 else { throw TestSupportError("\(run.error)\(run.output)") }
                return try run.json()
            }
            let first = try await lock()
            #expect(first["systemPackages"]?.elements.map { $0["version"] } == ["1.2-3"])
            let release = try await home.tool("/bin/sh", "-c", ". /etc/os-release; echo $ID $VERSION_ID").output
            let section = """
                [[system]]
                on = "\(release.dropLast())"
                packages = ["libforge-sample-dev"]
                files = [
                  "libforge-sample-dev=1.2-3 all \(try await repository.file(version: "1.2-3"))",
                ]

                """
            let lockfile = try String(contentsOfFile: "\(project.path)/forge.lock", encoding: .utf8)
            #expect(lockfile.hasSuffix("\n\n" + section), "\(lockfile)")
            #expect(try await lock()["isChanged"] == false)
            let locked = try await build(home, project.path, sources: sources, origin: origin, "--locked", "--out", "\(home.folder)/first")
            #expect(locked.exitCode == 0, "\(locked.error)")
            #expect(try Folder.texts("\(home.folder)/first") == ["index.html": "first\n"])
            // The sources move on: who has nothing stored is told what is gone, and nothing else is taken for it.
            try await repository.publish("second", version: "1.3-1")
            let late = try await build(home, project.path, sources: sources, origin: origin, "--no-cache")
            #expect(late.exitCode == 50)
            let error = try late.json()["error"]
            #expect(error?["code"] == "lock.packages-gone")
            #expect(
                error?["message"] == "no source that answered has the locked system packages any more: `libforge-sample-dev=1.2-3`",
                "\(late.error)")
            #expect(error?["file"] == "forge.lock")
            #expect(error?["hint"]?.text?.hasPrefix("`forge lock --update` takes what there is now") == true)
            // The store has them still.
            #expect(try await build(home, project.path, sources: sources, origin: origin, "--locked").exitCode == 0)
            #expect(try await lock("--update")["systemPackages"]?.elements.map { $0["version"] } == ["1.3-1"])
            let updated = try await build(
                home, project.path, sources: sources, origin: origin, "--locked", "--out", "\(home.folder)/second")
            #expect(updated.exitCode == 0, "\(updated.error)")
            #expect(try Folder.texts("\(home.folder)/second") == ["index.html": "second\n"])
        }
    }

    @Test func aLockedPackageWhoseFileIsAnotherIsRefused() async throws {
        try await withForgeHome { home in
            let repository = try await home.aptRepository("first")
            let origin = repository.origin
            let sources = "deb [trusted=yes] \(origin)/ ./\n"
            let project = try home.project(
                custom: "mkdir out; echo hi > out/index.html", output: "out", more: "packages = [\"libforge-sample-dev\"]\n")
            let lock = try await run(home, ["lock", project.path], sources: sources, origin: origin)
            #expect(lock.exitCode == 0, "\(lock.error)")
            try await repository.publish("of the same version", version: "1.2-3")
            let run = try await build(home, project.path, sources: sources, origin: origin, "--no-cache")
            #expect(run.exitCode == 50)
            let error = try run.json()["error"]
            #expect(error?["code"] == "lock.packages-changed")
            #expect(error?["message"]?.text?.hasPrefix("the system package `libforge-sample-dev` 1.2-3 is not the locked one") == true)
        }
    }

    @Test func aPackageThatIsNotLockedIsDrift() async throws {
        try await withForgeHome { home in
            let origin = try await home.aptRepository("first").origin
            let sources = "deb [trusted=yes] \(origin)/ ./\n"
            let project = try home.project(custom: "mkdir out; echo hi > out/index.html", output: "out")
            #expect(try await run(home, ["lock", project.path], sources: sources, origin: origin).exitCode == 0)
            let text = try String(contentsOfFile: "\(project.path)/crowdforge.toml", encoding: .utf8)
            try project.write(["crowdforge.toml": text + "packages = [\"libforge-sample-dev\"]\n"])
            let refused = try await build(home, project.path, sources: sources, origin: origin, "--locked")
            #expect(refused.exitCode == 10)
            #expect(try refused.json()["error"]?["code"] == "lock.drift")
            #expect(
                try refused.json()["error"]?["message"]?.text?.hasPrefix("the system packages `libforge-sample-dev` are not locked for `")
                    == true)
            let built = try await build(home, project.path, sources: sources, origin: origin)
            #expect(built.exitCode == 0)
        }
    }

    @Test func aPackageThatNobodyVouchesForIsNotTaken() async throws {
        try await withForgeHome { home in
            let origin = try await home.aptRepository("unsigned").origin
            let project = try home.project(custom: "true", output: "out", more: "packages = [\"libforge-sample-dev\"]\n")
            let run = try await build(home, project.path, sources: "deb \(origin)/ ./\n", origin: origin)
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["message"]?.text?.hasPrefix("step `packages:fetch` exited with code 100") == true)
        }
    }

    @Test func aPackageThatIsNotWhatTheIndexSaysIsNotTaken() async throws {
        try await withForgeHome { home in
            let repository = try await home.aptRepository("right")
            let origin = repository.origin
            let deb = URL(filePath: "\(repository.folder)/libforge-sample-dev_1.2-3_all.deb")
            var bytes = try Data(contentsOf: deb)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: deb)
            let project = try home.project(custom: "true", output: "out", more: "packages = [\"libforge-sample-dev\"]\n")
            let run = try await build(home, project.path, sources: "deb [trusted=yes] \(origin)/ ./\n", origin: origin)
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["message"]?.text?.hasPrefix("step `packages:fetch` exited with code 100") == true)
        }
    }

    @Test(arguments: [
        ("echo 'x.c:1:10: fatal error: libpq-fe.h: No such file or directory'", "the header `libpq-fe.h`", "libpq-dev"),
        ("echo '/usr/bin/ld: cannot find -lpq: No such file or directory'", "the library `libpq`", "libpq-dev"),
        ("echo 'Error: pg_config executable not found.'", "the program `pg_config`", "libpq-dev"),
        ("echo \"Package 'libffi', required by 'virtual:world', not found\"", "`libffi`, which pkg-config was asked for,", "libffi-dev"),
        (
            "echo \"Package libxslt was not found in the pkg-config search path.\"", "`libxslt`, which pkg-config was asked for,",
            "libxslt1-dev"
        ),
        ("echo \"fatal error: 'zlib.h' file not found\"", "the header `zlib.h`", "zlib1g-dev"),
        (
            "echo 'error: command '\"'\"'/usr/bin/gcc-99'\"'\"' failed: No such file or directory'; echo 'sh: 1: cmake: not found'",
            "the program `cmake`", "cmake"
        ),
    ])
    func whatIsMissingIsToldOfTheLogsOfManyTools(_ said: String, _ what: String, _ package: String) async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "\(said); exit 1", output: "out", more: "packages = []\n")
            let hint = try await home.failure(50, "build", project.path)["hint"]?.text ?? ""
            #expect(hint.hasPrefix("\(what) is missing: write `packages = [\"\(package)\"]` below `[build]` in crowdforge.toml"), "\(hint)")
        }
    }

    @Test func anOptionOrAPathIsNoPackage() async throws {
        try await withForgeHome { home in
            let project = try home.project(custom: "true", output: "out", more: "packages = [\"-o=x\", \"./a.deb\", \"libpq-dev\"]\n")
            let error = try await home.failure(10, "plan", project.path)
            #expect(error["message"] == "`-o=x` is not the name of a system package")
        }
    }
}
