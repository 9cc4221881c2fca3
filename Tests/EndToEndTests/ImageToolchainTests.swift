import ForgeTestSupport
import Foundation
import Testing

/// A toolchain that its descriptor finds in an image: the operator's own, over the shipped one of that name.
@Suite struct ImageToolchainTests {
    private static func descriptor(_ registry: ImageRegistry, _ digest: String) -> String {
        """
        id = "hugo"
        name = "Hugo"
        executables = ["busybox"]
        versionCommand = ["busybox", "--help"]

        [[source]]
        kind = "image"
        image = "\(registry.authority)/team/tools"
        root = "usr/local"
        bin = ["bin"]

        [source.releases]
        "0.140.0" = "\(digest.dropFirst("sha256:".count))"
        """
    }

    private static let project = [
        "hugo.toml": "", "content/_index.md": "",
        "crowdforge.toml":
            "[build]\nframework = \"hugo\"\ncommand = \"mkdir public && command -v busybox > public/index.html && ls /opt/forge/hugo >> public/index.html\"\n",
    ]

    private static func describe(_ registry: ImageRegistry, _ digest: String, in home: ForgeHome) throws {
        try Folder.make("\(home.path)/presets/toolchains")
        try descriptor(registry, digest).write(
            toFile: "\(home.path)/presets/toolchains/hugo.toml", atomically: true, encoding: .utf8)
    }

    @Test func aStepRunsWithTheFolderOfTheImageAndTheLockNamesItsDigest() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            var layer = ["usr/local/share/words": "words\n", "etc/motd": "not of the toolchain\n"]
            layer["usr/local/bin/busybox"] = ImageRegistry.busybox["bin/busybox"]
            let pushed = try await registry.push("team/tools", layers: [layer])
            try Self.describe(registry, pushed.digest, in: home)
            let project = try home.project(Self.project)
            let environment = ["FORGE_TOOLCHAIN_SOURCES": "image"]
            let out = "\(home.folder)/out"
            let built = try await home.run("build", project.path, "--out", out, "--json", environment: environment, timeout: 120)
            #expect(built.exitCode == 0, "\(built.error)")
            #expect(try Folder.texts(out) == ["index.html": "/opt/forge/hugo/bin/busybox\nbin\nshare\n"])
            let locked = try await home.run("lock", project.path, environment: environment)
            #expect(locked.exitCode == 0, "\(locked.error)")
            let lock = try String(contentsOfFile: "\(project.path)/forge.lock", encoding: .utf8)
            #expect(
                lock.contains(
                    """
                    version = "0.140.0"
                    source = "image"
                    origin = "\(registry.authority)/team/tools"
                    sha256 = "\(pushed.digest.dropFirst("sha256:".count))"

                    """), "\(lock)")
        }
    }

    @Test func anImageThatIsNotThereIsSaidAndNothingIsBuilt() async throws {
        try await withForgeHome { home in
            let registry = try await home.imageRegistry()
            try Self.describe(registry, "sha256:" + String(repeating: "0", count: 64), in: home)
            let project = try home.project(Self.project)
            let built = try await home.run(
                "build", project.path, "--json", environment: ["FORGE_TOOLCHAIN_SOURCES": "image"], timeout: 120)
            #expect(built.exitCode != 0)
            #expect(try built.json()["error"]?["code"]?.text?.hasPrefix("image.") == true, "\(built.output)")
            #expect(!built.error.contains("] started"))
        }
    }
}
