import ForgeTestSupport
import Foundation
import Testing

/// `[build] packages` over an `[build] image`: the image's own apt, at the image's own sources. The image is a small Debian made of this
/// machine's programs; its repository and its registry are the test's own.
@Suite struct ImagePackageTests {
    private static let programs = [
        "apt-get", "apt-cache", "apt-config", "dpkg", "dpkg-deb", "tar", "sh", "mkdir", "cp", "cat", "chmod", "rm", "ln", "ls", "readlink",
        "sha256sum", "cut", "stat", "grep",
    ]

    /// A merged /usr with these programs, apt's methods and the libraries of all of them.
    private static func debian(_ home: ForgeHome, _ files: [String: String]) async throws -> [String: String] {
        let paths = programs.map { "/usr/bin/\($0)" } + ["http", "store", "copy", "file"].map { "/usr/lib/apt/methods/\($0)" }
        let libraries = try await home.tool(
            "/bin/sh", "-c", "ldd $0 | grep -o '/[^ ]*' | grep -v ':$' | sort -u", paths.joined(separator: " "))
        var layer = files
        for path in paths + libraries.output.split(separator: "\n").map(String.init) {
            let place = (path.hasPrefix("/usr/") ? path : "/usr\(path)").dropFirst()
            layer[String(place)] = "#!program \(URL(filePath: path).resolvingSymlinksInPath().path)"
        }
        for name in ["cputable", "ostable", "tupletable"] { layer["usr/share/dpkg/\(name)"] = "#!program /usr/share/dpkg/\(name)" }
        for name in ["bin", "lib", "lib64", "sbin"] {
            layer[name] = "-> usr/\(name)"
            layer["usr/\(name)/"] = ""
        }
        for folder in ["etc/apt/apt.conf.d/", "var/lib/dpkg/info/"] { layer[folder] = "" }
        return layer
    }

    private static func image(
        _ home: ForgeHome, _ registry: ImageRegistry, _ repository: AptRepository, release: String
    ) async throws -> ImageRegistry.Pushed {
        let layer = try await debian(
            home,
            [
                "etc/apt/sources.list": "deb [trusted=yes] \(repository.origin)/ ./\n",
                "etc/os-release": "ID=tiny\nVERSION_ID=\(release)\n",
                "var/lib/dpkg/status": """
                Package: base
                Status: install ok installed
                Version: \(release)
                Architecture: all
                Maintainer: Ada <ada@example.org>
                Description: base


                """,
            ])
        return try await registry.push("team/debian", layers: [layer])
    }

    private static let command = "mkdir out; cat /usr/include/forge-sample.h /lib/forge-sample/file > out/index.html"

    private static func configuration(_ registry: ImageRegistry, _ image: ImageRegistry.Pushed) -> String {
        """
        [build]
        command = "\(command)"
        output = "out"
        image = "\(registry.authority)/team/debian@\(image.digest)"
        packages = ["libforge-sample-dev"]

        """
    }

    @Test func theyAreLockedForTheImageByItsDigestAndAnotherImageIsDrift() async throws {
        try await withForgeHome { home in
            let repository = try await home.aptRepository("first")
            let registry = try await home.imageRegistry()
            let image = try await Self.image(home, registry, repository, release: "1")
            let project = try home.project(["crowdforge.toml": Self.configuration(registry, image)])
            let allowed = ["FORGE_EGRESS_ALLOW": repository.origin]
            func lock(_ more: String...) async throws -> JSON {
                let run = try await home.run(["lock", project.path, "--json", "--progress", "plain"] + more, environment: allowed)
                guard run.exitCode == 0 else { throw TestSupportError("\(run.error)\(run.output)") }
                return try run.json()
            }
            func build(_ more: String...) async throws -> ForgeRun {
                try await home.run(["build", project.path, "--json", "--progress", "plain"] + more, environment: allowed)
            }
            #expect(try await lock()["systemPackages"]?.elements.map { $0["version"] } == ["1.2-3"])
            let lockfile = try String(contentsOfFile: "\(project.path)/forge.lock", encoding: .utf8)
            let section = """
                [[system]]
                on = "\(image.digest)"
                packages = ["libforge-sample-dev"]
                files = [
                  "libforge-sample-dev=1.2-3 all \(try await repository.file(version: "1.2-3"))",
                ]

                """
            #expect(lockfile.hasSuffix("\n\n" + section), "\(lockfile)")
            #expect(try await lock()["isChanged"] == false)
            let locked = try await build("--locked", "--out", "\(home.folder)/first")
            #expect(locked.exitCode == 0, "\(locked.error)")
            #expect(try Folder.texts("\(home.folder)/first") == ["index.html": "#define SAMPLE \"first\"\nmoved"])
            // The sources move on.
            try await repository.publish("second", version: "1.3-1")
            let late = try await build("--no-cache")
            #expect(late.exitCode == 50)
            #expect(try late.json()["error"]?["code"] == "lock.packages-gone", "\(late.error)")
            #expect(
                try late.json()["error"]?["message"]
                    == "no source that answered has the locked system packages any more: `libforge-sample-dev=1.2-3`")
            #expect(try await build("--locked").exitCode == 0)
            // What is locked is locked for this image.
            let other = try await Self.image(home, registry, repository, release: "2")
            try project.write(["crowdforge.toml": Self.configuration(registry, other)])
            let drift = try await build("--locked")
            #expect(drift.exitCode == 10)
            #expect(
                try drift.json()["error"]?["message"]?.text?.hasPrefix(
                    "the system packages `libforge-sample-dev` are not locked for `\(other.digest)`, but for `\(image.digest)`") == true,
                "\(drift.output)")
            #expect(try await lock("--update")["systemPackages"]?.elements.map { $0["version"] } == ["1.3-1"])
            let updated = try await build("--locked", "--out", "\(home.folder)/second")
            #expect(updated.exitCode == 0, "\(updated.error)")
            #expect(try Folder.texts("\(home.folder)/second") == ["index.html": "#define SAMPLE \"second\"\nmoved"])
        }
    }

    @Test func aMachineThatHasNothingStoredBuildsTheSameFromTheLockWhateverThatMachineIs() async throws {
        try await withForgeHome { home in
            let repository = try await home.aptRepository("same")
            let registry = try await home.imageRegistry()
            let image = try await Self.image(home, registry, repository, release: "1")
            let project = try home.project(["crowdforge.toml": Self.configuration(registry, image)])
            let allowed = ["FORGE_EGRESS_ALLOW": repository.origin]
            #expect(try await home.run("lock", project.path, environment: allowed).exitCode == 0)
            let laptop = try await home.keys(on: "laptop", "ID=arch\n", of: project.path, "--locked", with: allowed)
            #expect(laptop.count == 1)
            #expect(try await home.keys(on: "server", "ID=debian\nVERSION_ID=12\n", of: project.path, "--locked", with: allowed) == laptop)
        }
    }
}
