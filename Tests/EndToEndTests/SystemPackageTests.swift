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

    /// A repository with `libforge-sample-dev`, whose header says `text`.
    private func repository(_ home: ForgeHome, _ text: String) async throws -> (origin: String, folder: String) {
        let folder = "\(home.folder)/output/apt-\(UUID().uuidString)"
        let script = """
            mkdir -p pkg/DEBIAN pkg/usr/include pkg/lib/forge-sample
            printf 'Package: libforge-sample-dev\\nVersion: 1.2-3\\nArchitecture: all\\nMaintainer: Ada <ada@example.org>\\nDescription: sample\\n' > pkg/DEBIAN/control
            printf '#define SAMPLE "\(text)"\\n' > pkg/usr/include/forge-sample.h
            printf 'moved' > pkg/lib/forge-sample/file
            dpkg-deb --root-owner-group -b pkg libforge-sample-dev_1.2-3_all.deb
            { cat pkg/DEBIAN/control
              echo "Filename: ./libforge-sample-dev_1.2-3_all.deb"
              echo "Size: $(stat -c %s libforge-sample-dev_1.2-3_all.deb)"
              echo "SHA256: $(sha256sum libforge-sample-dev_1.2-3_all.deb | cut -d' ' -f1)"
              echo; } > Packages
            """
        try Folder.make(folder)
        let made = try await home.tool("/bin/sh", "-euc", script, cwd: folder)
        #expect(made.exitCode == 0, "\(made.error)")
        let port = try Loopback.freePort()
        _ = try home.start(program: "/usr/bin/python3", ["-m", "http.server", "--bind", "127.0.0.1", "\(port)"], cwd: folder)
        _ = try await eventually("the repository to listen") { Loopback.answers(port) ? true : nil }
        return ("http://127.0.0.1:\(port)", folder)
    }

    /// `forge build` on a machine whose apt knows that repository alone.
    private func build(_ home: ForgeHome, _ path: String, sources: String, origin: String, _ more: String...) async throws -> ForgeRun {
        let stand = "\(home.folder)/output/etc-apt"
        try Folder.make("\(stand)/sources.list.d")
        try sources.write(toFile: "\(stand)/sources.list", atomically: true, encoding: .utf8)
        let line = "mount --make-rprivate / && mount --bind \(stand) /etc/apt && exec \"$@\""
        return try await home.start(
            program: "/usr/bin/unshare",
            ["-m", "/bin/sh", "-ec", line, "sh", BuildProducts.executable("forge"), "build", path, "--json", "--progress", "plain"] + more,
            environment: ["FORGE_EGRESS_ALLOW": origin]
        ).finish()
    }

    @Test func aMissingHeaderIsNamedWithTheLineThatBringsItAndThenTheBuildWorks() async throws {
        try await withForgeHome { home in
            let (origin, _) = try await repository(home, "from the package")
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

    @Test func aPackageThatNobodyVouchesForIsNotTaken() async throws {
        try await withForgeHome { home in
            let (origin, _) = try await repository(home, "unsigned")
            let project = try home.project(custom: "true", output: "out", more: "packages = [\"libforge-sample-dev\"]\n")
            let run = try await build(home, project.path, sources: "deb \(origin)/ ./\n", origin: origin)
            #expect(run.exitCode == 50)
            #expect(try run.json()["error"]?["message"]?.text?.hasPrefix("step `packages:fetch` exited with code 100") == true)
        }
    }

    @Test func aPackageThatIsNotWhatTheIndexSaysIsNotTaken() async throws {
        try await withForgeHome { home in
            let (origin, folder) = try await repository(home, "right")
            let deb = URL(filePath: "\(folder)/libforge-sample-dev_1.2-3_all.deb")
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
